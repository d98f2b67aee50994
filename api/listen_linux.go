package api

import (
	"net"
	"syscall"
	"time"
)

const (
	// tcpUserTimeout is TCP_USER_TIMEOUT of tcp(7), which package syscall does not name.
	tcpUserTimeout = 0x12

	// unacknowledged is how long what was sent may stay so. A deadline of a write says nothing of a peer that is gone:
	// the kernel takes hundreds of kilobytes before the write waits, and a quiet stream never sends as much.
	unacknowledged = 30 * time.Second
)

// impatient is a listener whose connections fail when what was sent on them stays unacknowledged. They do not inherit
// that everywhere.
type impatient struct{ net.Listener }

func abandonUnacknowledged(listener net.Listener) net.Listener { return impatient{listener} }

// Accept waits for the next connection. That the option cannot be set is no reason to do without the connection.
func (l impatient) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		if raw, err := tcp.SyscallConn(); err == nil {
			_ = raw.Control(giveUpAfter(unacknowledged))
		}
	}
	return conn, err
}

func giveUpAfter(d time.Duration) func(fd uintptr) {
	return func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(d.Milliseconds()))
	}
}
