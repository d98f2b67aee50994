package notifier_test

import (
	"context"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// spy does something right before a node sends a statement that holds a text, while the node waits. It is how a
// test gets between two steps whose order is the promise.
type spy struct {
	mu   sync.Mutex // guards all below
	text string
	act  func() // nil: nothing, any more
	seen int    // statements that held the text
}

var (
	_ pgx.QueryTracer = (*spy)(nil)
	_ pgx.BatchTracer = (*spy)(nil)
)

// once has the next statement that holds the text wait until act has returned.
func (s *spy) once(text string, act func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text, s.act, s.seen = text, act, 0
}

// count counts statements that hold the text from now on.
func (s *spy) count(text string) { s.once(text, nil) }

func (s *spy) counted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func (s *spy) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	s.actOn(q.SQL)
	return ctx
}

// actOn acts if a statement that holds the text is about to be sent. A test that fails ends the goroutine that it
// fails in, and that must not be the node's: the test would wait for ever for the node's end.
func (s *spy) actOn(sql string) {
	act := s.matched(sql)
	if act == nil {
		return
	}
	acted := make(chan struct{})
	go func() {
		defer close(acted)
		act()
	}()
	<-acted
}

func (s *spy) matched(sql string) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text == "" || !strings.Contains(sql, s.text) {
		return nil
	}
	s.seen++
	act := s.act
	s.act = nil
	return act
}

func (s *spy) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart acts before the first of several statements that are sent together.
func (s *spy) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	for _, q := range b.Batch.QueuedQueries {
		s.actOn(q.SQL)
	}
	return ctx
}

func (s *spy) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (s *spy) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
