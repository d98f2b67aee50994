//go:build !linux

package main

import (
	"net"
	"sync"
)

// readers read many sockets and count their frames, each with a goroutine of its own.
type readers struct {
	tally
	running sync.WaitGroup
	close   func() error
}

// read takes the connections over.
func read(conns []net.Conn) (*readers, error) {
	r := &readers{}
	r.each = make(tallies, len(conns))
	for i, conn := range conns {
		r.running.Go(func() { r.run(i, conn) })
	}
	r.close = sync.OnceValue(func() error {
		for _, conn := range conns {
			_ = conn.Close()
		}
		r.running.Wait()
		return nil
	})
	return r, nil
}

func (r *readers) run(i int, conn net.Conn) {
	var c counter
	buffer := make([]byte, 4<<10)
	for {
		n, err := conn.Read(buffer)
		r.add(i, c.take(buffer[:n]), n)
		if err != nil {
			return
		}
	}
}
