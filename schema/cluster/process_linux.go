package cluster

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// followParent has the kernel shut the server down cleanly when the thread that started it ends.
func followParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = fastShutdown }

// commandLine is what a process was started with, separated by blanks; empty for one that is gone
// or not yet waited for.
func commandLine(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(string(text), "\x00", " ")
}
