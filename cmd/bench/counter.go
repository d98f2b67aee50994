package main

import (
	"encoding/binary"
	"sync/atomic"
)

// counter counts the frames in a stream of bytes without looking at what they say. Frames are
// at least one byte and less than 64 KiB long, as all are here.
type counter struct {
	left int // bytes still to come of the present frame
	head [4]byte
	have int // bytes of head
}

// take returns how many frames the bytes complete.
func (c *counter) take(p []byte) (frames int64) {
	for len(p) > 0 {
		if c.left == 0 {
			c.head[c.have] = p[0]
			c.have++
			p = p[1:]
			c.begin()
			continue
		}
		n := min(c.left, len(p))
		c.left -= n
		p = p[n:]
		if c.left == 0 {
			frames++
		}
	}
	return frames
}

// begin reads the header when it is complete.
func (c *counter) begin() {
	switch {
	case c.have < 2 || c.head[1] == 126 && c.have < 4:
		return
	case c.head[1] == 126:
		c.left = int(binary.BigEndian.Uint16(c.head[2:]))
	default:
		c.left = int(c.head[1])
	}
	c.have = 0
}

// tally is what the readers of many sockets have counted.
type tally struct {
	total atomic.Int64
	bytes atomic.Int64
	each  tallies
}

// tallies are counts by socket.
type tallies []atomic.Int64

func (t *tally) add(socket int, frames int64, bytes int) {
	t.bytes.Add(int64(bytes))
	if frames > 0 {
		t.each[socket].Add(frames)
		t.total.Add(frames)
	}
}

// least is what the socket furthest behind has got.
func (t *tally) least() int64 {
	least := t.each[0].Load()
	for i := range t.each {
		least = min(least, t.each[i].Load())
	}
	return least
}
