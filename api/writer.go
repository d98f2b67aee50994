package api

import "time"

// wake sees to it that a writer looks at what waits. It never blocks.
func (s *session) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.writing:
		s.again = true
	case !s.over:
		s.writing = true
		s.writer.Go(s.write)
	}
}

// rest ends the writer's turn unless something has come.
func (s *session) rest() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing, s.again = s.again, false
	return !s.writing
}

// lastWriter waits for the writer that is at work, and lets no other start.
func (s *session) lastWriter() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.writer.Wait()
}

// write is the writer: it sends what waits until nothing does, or nothing more may be sent.
func (s *session) write() { s.protect(s.writeWaiting) }

func (s *session) writeWaiting() {
	out := s.batches.borrow(s.conn.Conn, s.limits.WriteTimeout, s.holder)
	defer s.batches.give(out)
	for s.pass(out) {
		if s.rest() {
			return
		}
	}
	s.stop()
}

// pass sends what waits, in as few writes as it can. It reports false when it was the last.
func (s *session) pass(out *batch) bool {
	for more := true; more && out.err == nil; {
		waiting, last := s.conn.take()
		out.add(waiting)
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
