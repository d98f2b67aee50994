package main

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sync/errgroup"
)

// dialAtOnce bounds the handshakes that are under way.
const dialAtOnce = 64

// gather opens sockets that follow one room, and counts what they get.
func (n *runningNode) gather(ctx context.Context, how protocol, sockets, room int) (*readers, error) {
	cookie, err := login(ctx, n.addr, "alice")
	if err != nil {
		return nil, err
	}
	conns := make([]net.Conn, sockets)
	group, dialing := errgroup.WithContext(ctx)
	group.SetLimit(dialAtOnce)
	for i := range conns {
		group.Go(func() (err error) {
			conns[i], err = how.open(dialing, n.addr, cookie, room)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		closeAll(conns)
		return nil, fmt.Errorf("opening sockets: %w", err)
	}
	return read(conns)
}
