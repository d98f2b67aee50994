//go:build unix

package api

import (
	"net"
	"syscall"
)

// writeNow writes what the connection takes without waiting, and returns how many bytes that was. It
// writes nothing where it cannot know, as to a connection with TLS. It reports no error: the next
// write does.
func writeNow(conn net.Conn, p []byte) (n int) {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return 0
	}
	file, err := raw.SyscallConn()
	if err != nil {
		return 0
	}
	_ = file.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), p)
		return true
	})
	return max(0, n)
}
