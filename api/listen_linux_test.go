package api

import (
	"net"
	"syscall"
	"testing"
	"time"
)

// TestDeadPeersAreGivenUpByTheKernel reads the socket option of an accepted connection.
func TestDeadPeersAreGivenUpByTheKernel(t *testing.T) {
	t.Parallel()
	listener, err := Listen(t.Context(), "127.0.0.1:0", ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	raw, err := accepted.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		got, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout)
		if err != nil || time.Duration(got)*time.Millisecond != unacknowledged {
			t.Errorf("TCP_USER_TIMEOUT is %d ms (%v), want %v", got, err, unacknowledged)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
