package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// loop is what there is to be had: on each processor a loop that writes pieces of so many frames to
// loopback connections in turn, and nothing else.
type loop struct {
	piece   []byte
	merged  int64 // frames a piece
	window  int64 // frames that may be under way to one connection
	readers *readers
	over    atomic.Bool
}

// measure returns the frames a second that arrive at as many connections as the bench has sockets.
func (l *loop) measure(ctx context.Context, b *bench) (rate float64, err error) {
	writing, reading, err := pairs(ctx, b.sockets)
	if err != nil {
		return 0, err
	}
	defer closeAll(writing)
	if l.readers, err = read(reading); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.readers.close()) }()
	group := l.start(ctx, writing)
	pause(ctx, b.warmUp())
	started, frames := time.Now(), l.readers.total.Load()
	pause(ctx, b.round)
	rate = float64(l.readers.total.Load()-frames) / time.Since(started).Seconds()
	l.over.Store(true)
	return rate, group.Wait()
}

// start gives each processor a share of the connections.
func (l *loop) start(ctx context.Context, to []net.Conn) *errgroup.Group {
	var group errgroup.Group
	parts := runtime.GOMAXPROCS(0)
	for part := range parts {
		share := to[part*len(to)/parts : (part+1)*len(to)/parts]
		group.Go(func() error { return l.write(ctx, share) })
	}
	return &group
}

func (l *loop) write(ctx context.Context, to []net.Conn) error {
	for sent := l.merged; !l.over.Load() && ctx.Err() == nil; sent += l.merged {
		for _, conn := range to {
			_ = conn.SetWriteDeadline(time.Now().Add(patience))
			if _, err := conn.Write(l.piece); err != nil {
				return fmt.Errorf("writing: %w", err)
			}
		}
		for sent-l.arrived() > max(l.window-l.merged, 0) && !l.over.Load() {
			pause(ctx, 100*time.Microsecond)
		}
	}
	return ctx.Err()
}

// arrived is what a connection has got, on average.
func (l *loop) arrived() int64 { return l.readers.total.Load() / int64(len(l.readers.each)) }

// piece is a number of text frames of a length, headers included.
func piece(frames, length int) []byte {
	header := []byte{0x81, byte(max(1, length-2))}
	if length > 127 {
		header = binary.BigEndian.AppendUint16([]byte{0x81, 126}, uint16(length-4))
	}
	var p []byte
	for range frames {
		p = append(append(p, header...), make([]byte, max(1, length-len(header)))...)
	}
	return p
}

// pairs are connected sockets on the loopback.
func pairs(ctx context.Context, n int) (accepted, dialled []net.Conn, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	for range n {
		from, err := new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
		if err == nil {
			dialled = append(dialled, from)
			from, err = listener.Accept()
		}
		if err != nil {
			closeAll(accepted)
			closeAll(dialled)
			return nil, nil, fmt.Errorf("connecting on the loopback: %w", err)
		}
		accepted = append(accepted, from)
	}
	return accepted, dialled, nil
}

// closeAll closes connections that nobody needs any more.
func closeAll(conns []net.Conn) {
	for _, conn := range conns {
		if conn != nil {
			_ = conn.Close()
		}
	}
}
