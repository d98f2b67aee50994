package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// healthyReader follows one room on a native socket.
type healthyReader struct {
	room   int
	writer *pgx.Conn
	socket net.Conn
	frames *bufio.Reader
	cursor string // of the newest message
}

func (b *bench) openHealthy(ctx context.Context, n *runningNode, cookie string) (r *healthyReader, err error) {
	r = &healthyReader{room: b.room()}
	if r.socket, r.frames, err = openNative(ctx, n.addr, cookie); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.writer, err = pgx.Connect(ctx, b.url); err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	if err := r.ask(); err != nil {
		return nil, err
	}
	r.cursor, err = readSubscribed(r.frames)
	return r, err
}

func (r *healthyReader) close() {
	_ = r.socket.Close()
	if r.writer != nil {
		_ = r.writer.Close(context.Background()) // the server may be gone
	}
}

func (r *healthyReader) ask() error {
	return ask(r.socket, fmt.Sprintf("room/%d", r.room), r.cursor)
}

// delays are how long messages took: live from the commit's answer to the frame, and by a resume
// from the request to the frame.
type delays struct{ live, resumed []time.Duration }

func (d delays) and(more delays) delays {
	return delays{slices.Concat(d.live, more.live), slices.Concat(d.resumed, more.resumed)}
}

// samples inserts messages. Each must arrive live, and again when the reader resumes from before it.
func (r *healthyReader) samples(ctx context.Context, n int) (all delays, err error) {
	for range n {
		pause(ctx, 5*time.Millisecond)
		_ = r.socket.SetDeadline(time.Now().Add(patience))
		if _, err := r.writer.Exec(ctx, insert, r.room, "Are you there?"); err != nil {
			return delays{}, fmt.Errorf("inserting: %w", err)
		}
		start := time.Now()
		cursor, err := readOp(r.frames, "event")
		if err != nil {
			return delays{}, err
		}
		all.live = append(all.live, time.Since(start))
		start = time.Now()
		if err := r.ask(); err != nil {
			return delays{}, fmt.Errorf("resuming: %w", err)
		}
		if _, err := readSubscribed(r.frames); err != nil {
			return delays{}, err
		}
		if _, err := readOp(r.frames, "event"); err != nil {
			return delays{}, err
		}
		all.resumed = append(all.resumed, time.Since(start))
		r.cursor = cursor
	}
	return all, nil
}
