package api

import (
	"net"
	"sync"
	"time"

	"rowcall/notifier"
)

// wake puts the session in line for a writer, or has the one at work look again. It never blocks.
func (s *session) wake() {
	if s.claimWriter() {
		s.line.add(s)
	}
}

// claimWriter reports whether the session needs a writer: none is at work, and one may start. The
// caller puts the session in line.
func (s *session) claimWriter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writing || s.writerStopped {
		s.moreToWrite = s.writing
		return false
	}
	s.writing = true
	s.writer.Add(1)
	return true
}

// startWriter puts a session in line whose frames have waited for that so far.
func (s *session) startWriter() {
	s.writer.Add(1)
	s.line.add(s)
}

// writerIdle reports whether the writer may stop: nothing has come since its last look.
func (s *session) writerIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing, s.moreToWrite = s.moreToWrite, false
	return !s.writing
}

// stopWriter waits for the writer at work, and lets no other start.
func (s *session) stopWriter() {
	s.mu.Lock()
	s.writerStopped = true
	s.mu.Unlock()
	s.writer.Wait()
}

// write is the writer: it sends what waits until nothing does, or nothing more may be sent. It calls
// leaveLine once, before it blocks or when it takes long.
func (s *session) write(leaveLine func()) {
	defer s.writer.Done()
	s.protect(func() { s.writeAll(leaveLine) })
}

func (s *session) writeAll(leaveLine func()) {
	out := s.buffers.newBatch(s.conn.Conn, s.limits.WriteTimeout, s.holder)
	out.leaveLine = leaveLine
	defer s.buffers.closeBatch(out)
	for s.writePass(out) {
		if out.leaveLine == nil {
			_ = s.conn.Conn.SetWriteDeadline(time.Time{}) // it is for the writes that blocked, and would end others
		}
		if s.writerIdle() {
			return
		}
	}
	s.stopWork()
}

// writePass sends what waits in as few writes as it can. It reports false if nothing more may be
// sent.
func (s *session) writePass(out *writeBatch) bool {
	for more := true; more && out.err == nil; {
		out.noteLook()
		waiting, last := s.conn.takeQueued()
		out.addFrame(waiting)
		if last {
			out.flush()
			_ = s.conn.SetReadDeadline(time.Now().Add(closeWait))
			return false
		}
		more = s.flow.emit(out)
	}
	out.flush()
	if out.err != nil {
		s.abort()
	}
	return out.err == nil
}

const (
	maxBatchBytes = 64 << 10  // a batch of this size is sent
	maxChunkBytes = 256 << 10 // must be taken within one write timeout
)

// writeBuffers is a pool of write buffers of maxBatchBytes each. An idle socket holds none.
type writeBuffers struct{ pool sync.Pool }

// writeBatch collects frames for one connection and sends them in few writes. After the first error
// it sends nothing more.
type writeBatch struct {
	conn    net.Conn
	timeout time.Duration
	holder  *notifier.Holder // of the buffer
	buffer  []byte
	err     error

	leaveLine func() // the batch is written by a goroutine that serves a line, and must not block; nil: it may
	looks     int    // for frames, in line
	quick     int    // writes in line
}

// newBatch takes a buffer from the pool; closeBatch puts it back.
func (b *writeBuffers) newBatch(to net.Conn, timeout time.Duration, by *notifier.Holder) *writeBatch {
	buffer, ok := b.pool.Get().(*[maxBatchBytes]byte)
	if !ok {
		buffer = new([maxBatchBytes]byte)
	}
	by.Add(maxBatchBytes)
	return &writeBatch{conn: to, timeout: timeout, holder: by, buffer: buffer[:0]}
}

func (b *writeBuffers) closeBatch(back *writeBatch) {
	b.pool.Put((*[maxBatchBytes]byte)(back.buffer[:maxBatchBytes]))
	back.buffer = nil
	back.holder.Add(-maxBatchBytes)
}

// addFrame adds a frame. Frames that were added before are sent first if it does not fit beside
// them. A large frame is sent from where it lies, so that a thousand sockets do not hold a thousand
// copies.
func (b *writeBatch) addFrame(frame []byte) {
	if len(b.buffer)+len(frame) > maxBatchBytes {
		b.flush()
	}
	if len(frame) > maxBatchBytes/2 {
		b.flush()
		b.writeChunks(frame)
		return
	}
	b.buffer = append(b.buffer, frame...)
}

// flush sends the frames that have been added.
func (b *writeBatch) flush() {
	b.writeChunks(b.buffer)
	b.buffer = b.buffer[:0]
}

// writeChunks writes in chunks, each with a deadline of its own: a client that reads steadily
// receives a long frame, a client that does not read is cut off.
func (b *writeBatch) writeChunks(p []byte) {
	if b.leaveLine != nil {
		p = b.writeInLine(p)
	}
	for len(p) > 0 && b.err == nil {
		chunk := p[:min(len(p), maxChunkBytes)]
		_ = b.conn.SetWriteDeadline(time.Now().Add(b.timeout))
		_, b.err = b.conn.Write(chunk)
		p = p[len(chunk):]
	}
}

// writeInLine writes what the connection takes at once, and returns the rest. If there is a rest, or
// there were some writes before, the batch leaves the line.
func (b *writeBatch) writeInLine(p []byte) (rest []byte) {
	if len(p) == 0 || b.err != nil {
		return nil
	}
	rest = p[writeNow(b.conn, p):]
	if b.quick++; len(rest) > 0 || b.quick >= quickWrites {
		b.leave()
	}
	return rest
}

// noteLook leaves the line if the session has looked for frames often.
func (b *writeBatch) noteLook() {
	if b.looks++; b.leaveLine != nil && b.looks > quickLooks {
		b.leave()
	}
}

// leave leaves the line. The batch may block from now on.
func (b *writeBatch) leave() {
	b.leaveLine()
	b.leaveLine = nil
}
