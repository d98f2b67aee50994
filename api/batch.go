package api

import (
	"net"
	"sync"
	"time"

	"rowcall/notifier"
)

const (
	batchBytes = 64 << 10  // a batch is sent when it has grown to this
	chunkBytes = 256 << 10 // what must get through within one write timeout
)

// batches are the buffers of batches, each of batchBytes: an idle socket has none.
type batches struct{ pool sync.Pool }

// batch collects frames for one connection and sends them in few writes. Its first error stays.
type batch struct {
	conn    net.Conn
	timeout time.Duration
	holder  *notifier.Holder // of the buffer
	buffer  []byte
	err     error
}

// borrow starts a batch; give takes its buffer back.
func (b *batches) borrow(to net.Conn, timeout time.Duration, by *notifier.Holder) *batch {
	buffer, ok := b.pool.Get().(*[batchBytes]byte)
	if !ok {
		buffer = new([batchBytes]byte)
	}
	by.Add(batchBytes)
	return &batch{conn: to, timeout: timeout, holder: by, buffer: buffer[:0]}
}

func (b *batches) give(back *batch) {
	b.pool.Put((*[batchBytes]byte)(back.buffer[:batchBytes]))
	back.buffer = nil
	back.holder.Add(-batchBytes)
}

// add takes a frame. One that does not fit beside the others makes them go first; one that is big
// is sent from where it lies, so that a thousand sockets do not hold a thousand copies.
func (b *batch) add(frame []byte) {
	if len(b.buffer)+len(frame) > batchBytes {
		b.flush()
	}
	if len(frame) > batchBytes/2 {
		b.flush()
		b.send(frame)
		return
	}
	b.buffer = append(b.buffer, frame...)
}

// flush sends what has collected.
func (b *batch) flush() {
	b.send(b.buffer)
	b.buffer = b.buffer[:0]
}

// send writes in chunks, each with a deadline of its own: a client that reads steadily gets what
// is long, one that does not read is found out.
func (b *batch) send(p []byte) {
	for len(p) > 0 && b.err == nil {
		chunk := p[:min(len(p), chunkBytes)]
		_ = b.conn.SetWriteDeadline(time.Now().Add(b.timeout))
		_, b.err = b.conn.Write(chunk)
		p = p[len(chunk):]
	}
}
