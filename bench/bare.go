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

// bareLoop measures what there is to be had: a loop on each processor that writes pieces of so many
// frames to as many loopback connections in turn, with the same readers and the same window, and
// nothing else. It returns the frames a second.
func (b *bench) bareLoop(ctx context.Context, merged, length int) (rate float64, err error) {
	writing, reading, err := pairs(ctx, b.sockets)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeAll(writing)) }()
	readers, err := read(reading)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, readers.close()) }()
	l := loop{piece: piece(merged, length), merged: int64(merged), readers: readers}
	var group errgroup.Group
	parts := runtime.GOMAXPROCS(0)
	for part := range parts {
		share := writing[part*len(writing)/parts : (part+1)*len(writing)/parts]
		group.Go(func() error { return l.write(ctx, share) })
	}
	pause(ctx, warmUp)
	started, frames := time.Now(), readers.total.Load()
	pause(ctx, b.round)
	rate = float64(readers.total.Load()-frames) / time.Since(started).Seconds()
	l.over.Store(true)
	return rate, group.Wait()
}

// loop writes pieces until it is over.
type loop struct {
	piece   []byte
	merged  int64
	readers *readers
	over    atomic.Bool
}

func (l *loop) write(ctx context.Context, to []net.Conn) error {
	for round := int64(1); !l.over.Load() && ctx.Err() == nil; round++ {
		for _, conn := range to {
			_ = conn.SetWriteDeadline(time.Now().Add(patience))
			if _, err := conn.Write(l.piece); err != nil {
				return fmt.Errorf("writing: %w", err)
			}
		}
		for l.behind(round) > window && !l.over.Load() {
			pause(ctx, 100*time.Microsecond)
		}
	}
	return ctx.Err()
}

// behind is how many frames a connection has been sent and not read, on average.
func (l *loop) behind(round int64) int64 {
	return round*l.merged - l.readers.total.Load()/int64(len(l.readers.each))
}

// piece is a number of text frames of a length, headers included.
func piece(frames, length int) []byte {
	var p []byte
	for range frames {
		start := len(p)
		payload := max(1, length-2)
		p = append(p, 0x81, byte(payload))
		if payload > 125 {
			payload = length - 4
			p = binary.BigEndian.AppendUint16(append(p[:start], 0x81, 126), uint16(payload))
		}
		p = append(p, make([]byte, payload)...)
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
		if err != nil {
			return nil, nil, errors.Join(err, closeAll(accepted), closeAll(dialled))
		}
		dialled = append(dialled, from)
		to, err := listener.Accept()
		if err != nil {
			return nil, nil, errors.Join(err, closeAll(accepted), closeAll(dialled))
		}
		accepted = append(accepted, to)
	}
	return accepted, dialled, nil
}
