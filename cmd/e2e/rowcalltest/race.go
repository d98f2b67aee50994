//go:build race

package rowcalltest

const raceDetector = true
