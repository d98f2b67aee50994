package notifier

import "syscall"

// tcpUserTimeout is TCP_USER_TIMEOUT of tcp(7). Package syscall has no name for it.
const tcpUserTimeout = 0x12

// abandonUnacknowledged makes a connection fail when data it has sent stays unacknowledged for the
// length of silenceLimit. Sockets that are not TCP ignore it.
func abandonUnacknowledged(_, _ string, conn syscall.RawConn) error {
	return conn.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(silenceLimit.Milliseconds()))
	})
}
