package api

import (
	"cmp"
	"time"
)

// Limits bound what one socket may take. The zero value of each is its documented default.
type Limits struct {
	SubscriptionsPerSocket int           // topics a native socket may hold; 100
	FramesPerSecond        int           // that a socket may send: what is above waits unread; 50
	FrameBytes             int           // of one message that comes in; 64 KiB
	WriteTimeout           time.Duration // for a piece of at most 256 KiB to be taken; 10 s
	PingInterval           time.Duration // between pings and heartbeats; 25 s
	PongTimeout            time.Duration // after which a silent client is given up; 60 s
}

func (l Limits) withDefaults() Limits {
	l.SubscriptionsPerSocket = cmp.Or(l.SubscriptionsPerSocket, 100)
	l.FramesPerSecond = cmp.Or(l.FramesPerSecond, 50)
	l.FrameBytes = cmp.Or(l.FrameBytes, 64<<10)
	l.WriteTimeout = cmp.Or(l.WriteTimeout, 10*time.Second)
	l.PingInterval = cmp.Or(l.PingInterval, 25*time.Second)
	l.PongTimeout = cmp.Or(l.PongTimeout, 60*time.Second)
	return l
}
