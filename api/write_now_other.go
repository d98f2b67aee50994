//go:build !unix

package api

import "net"

// writeNow writes nothing: whether a write would wait is not known here.
func writeNow(net.Conn, []byte) int { return 0 }
