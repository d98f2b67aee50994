package config

import _ "embed"

// Example is the configuration of the four example applications, with every setting at its
// default. The demo runs on it.
//
//go:embed rowcall.example.yaml
var Example []byte
