//go:build unix && !linux

package cluster

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// followParent cannot be had here: the next start stops what a killed process left behind.
func followParent(*syscall.SysProcAttr) {}

// commandLine is what a process was started with; empty for one that is gone or not yet waited for.
func commandLine(pid int) string {
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil || strings.Contains(string(out), "<defunct>") {
		return ""
	}
	return strings.TrimSpace(string(out))
}
