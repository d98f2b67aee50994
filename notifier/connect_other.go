//go:build !linux

package notifier

import "syscall"

// abandonUnacknowledged is Linux's; elsewhere keepalives and the pings find a deaf peer.
func abandonUnacknowledged(_, _ string, _ syscall.RawConn) error { return nil }
