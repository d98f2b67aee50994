package api

import (
	"net"
	"syscall"
	"time"
)

const (
	// tcpUserTimeout is TCP_USER_TIMEOUT of tcp(7), which package syscall does not define.
	tcpUserTimeout = 0x12

	// unacknowledged is how long sent bytes may stay unacknowledged. A write deadline does not
	// notice a peer that has disappeared: the kernel takes hundreds of kilobytes before a write
	// waits, and a quiet stream never sends as much.
	unacknowledged = 30 * time.Second
)

// userTimeoutListener sets the option on each connection, because connections do not inherit it on
// all systems.
type userTimeoutListener struct{ net.Listener }

func abandonUnacknowledged(listener net.Listener) net.Listener { return userTimeoutListener{listener} }

// Accept waits for the next connection. It serves a connection whose option cannot be set.
func (l userTimeoutListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		if raw, err := tcp.SyscallConn(); err == nil {
			_ = raw.Control(setUserTimeout(unacknowledged))
		}
	}
	return conn, err
}

func setUserTimeout(d time.Duration) func(fd uintptr) {
	return func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(d.Milliseconds()))
	}
}
