//go:build unix

package main

import (
	"os/exec"
	"syscall"
	"testing"
)

// wayToEnd is a way to end a demo.
type wayToEnd struct {
	name    string
	orderly bool // its exit status is 0
	end     func(t *testing.T, pid int)
}

func waysToEnd() []wayToEnd {
	send := func(s syscall.Signal, factor int) func(*testing.T, int) {
		return func(t *testing.T, pid int) {
			t.Helper()
			if err := syscall.Kill(factor*pid, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	return []wayToEnd{
		{"Ctrl-C, which the whole process group gets", true, send(syscall.SIGINT, -1)},
		{"a service manager", true, send(syscall.SIGTERM, 1)},
		{"a closed terminal", true, send(syscall.SIGHUP, -1)},
		{"a kill", false, send(syscall.SIGKILL, 1)},
	}
}

func interrupt(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// ownGroup makes a command a process group, as a shell does for a command in the foreground.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
