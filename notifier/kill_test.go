package notifier_test

import (
	"syscall"
	"testing"
)

// kill ends a process of the test's own PostgreSQL like a fault of its program.
func kill(t testing.TB, pid int) {
	t.Helper()
	if pid <= 1 {
		t.Fatalf("there is no process %d to kill", pid)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
