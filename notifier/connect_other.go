//go:build !linux

package notifier

import "syscall"

// abandonUnacknowledged does nothing here: keepalives and pings find a peer that has gone.
func abandonUnacknowledged(_, _ string, _ syscall.RawConn) error { return nil }
