package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"rowcall/config/rules"
)

// neighborGoal is the greatest accepted ratio: median delay beside a neighbor to median delay alone.
const neighborGoal = 3

// neighbor is something slow or large that happens beside a reader who has nothing to do with it.
type neighbor struct {
	name string
	// begin starts it. It returns when the neighbor does what its name says; the function it
	// returns ends it.
	begin func(*neighborRun, context.Context) (end func() error, err error)
}

func (b *bench) neighbors() []neighbor {
	return []neighbor{
		{"nothing", func(*neighborRun, context.Context) (func() error, error) { return noEnd, nil }},
		{fmt.Sprintf("an open transaction of %d events", b.bulk), (*neighborRun).openTransaction},
		{"100 subscribers whose access table is locked", (*neighborRun).lockedAccess},
		{fmt.Sprintf("20 changes of access a second, %d subscriptions", b.subscriptions()), (*neighborRun).changesOfAccess},
		{"20 changes of access a second, each asked for 200 ms", (*neighborRun).slowAccess},
		{"16 readers that resume all the time", (*neighborRun).resumes},
		{fmt.Sprintf("10 readers of transactions of %d events", b.bulk/3), (*neighborRun).bulkReaders},
		{fmt.Sprintf("a transaction of %d events on as many topics", b.bulk/3), (*neighborRun).manyTopics},
		{"a slow reader of the newest of 990 keys, 2,000 events a second", (*neighborRun).newestOfKeys},
	}
}

// neighborTopics are followed by neighbors only.
func neighborTopics() []rules.Topic {
	return []rules.Topic{
		{Topic: "free/{n:int}", Allow: rules.AllowAuthenticated},
		{Topic: "newest/{n:int}", Allow: rules.AllowAuthenticated, Slow: "latest", Key: "k"},
		{Topic: "locked/{n:int}", Allow: rules.AllowAuthenticated, Access: "SELECT true AS allowed FROM neighbor_access"},
		{Topic: "asked/{n:int}", Allow: rules.AllowAuthenticated, Access: "SELECT true AS allowed FROM pg_sleep(0.2)"},
	}
}

// neighbors measures a healthy reader by itself and beside each neighbor, in turns. All of them
// share the processors with the node, so that a neighbor that keeps a processor busy by rights is
// felt too.
func neighbors(ctx context.Context, b *bench) (err error) {
	err = execute(ctx, b.url, `CREATE TABLE IF NOT EXISTS neighbor_access AS SELECT 1 AS n;
		GRANT SELECT ON neighbor_access TO PUBLIC`)
	if err != nil {
		return err
	}
	n, err := startNode(ctx, b.url, neighborTopics()...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	cookie, err := login(ctx, n.addr, "alice")
	if err != nil {
		return err
	}
	r, err := b.openHealthy(ctx, n, cookie)
	if err != nil {
		return err
	}
	defer r.close()
	b.say("\nneighbors: %d messages one by one, live and by a resume, alone and beside something slow or large", b.samples)
	return b.besideEach(ctx, r, &neighborRun{bench: b, node: n, cookie: cookie})
}

func (b *bench) besideEach(ctx context.Context, r *healthyReader, s *neighborRun) error {
	t := b.table("beside", "message alone", "beside", "ratio", "longest", "resume alone", "beside", "ratio", "longest", "its frames/s")
	most := 0.0
	for _, next := range b.neighbors() {
		if !strings.Contains(next.name, b.beside) {
			continue
		}
		before, err := r.samples(ctx, b.samples/2+1)
		if err != nil {
			return err
		}
		beside, err := s.sampleBeside(ctx, r, next)
		if err != nil {
			return fmt.Errorf("%s: %w", next.name, err)
		}
		after, err := r.samples(ctx, b.samples/2+1)
		if err != nil {
			return err
		}
		alone := before.and(after)
		cells := []string{next.name}
		for _, c := range []struct{ alone, beside []time.Duration }{{alone.live, beside.live}, {alone.resumed, beside.resumed}} {
			p50, p50Beside := percentile(c.alone, 0.5), percentile(c.beside, 0.5)
			times := float64(p50Beside) / float64(p50)
			cells = append(cells, p50.String(), p50Beside.String(), ratio(times), percentile(c.beside, 1).String())
			most = max(most, times)
		}
		t.row(append(cells, whole(s.frameRate))...)
	}
	t.end()
	b.verdict("greatest ratio of medians", ratio(most), whole(neighborGoal), most <= neighborGoal)
	return nil
}

// neighborRun runs one neighbor at a time, and holds the sockets and goroutines to end after it.
type neighborRun struct {
	*bench
	node    *runningNode
	cookie  string
	sockets []net.Conn
	readers []*readers
	group   *errgroup.Group

	frameRate float64 // frames a second that the last neighbor's readers got
}

func (s *neighborRun) sampleBeside(ctx context.Context, r *healthyReader, next neighbor) (beside delays, err error) {
	ctx, cancel := context.WithCancel(ctx)
	s.sockets, s.readers, s.group = nil, nil, new(errgroup.Group)
	defer func() {
		cancel()
		closeAll(s.sockets)
		err = errors.Join(err, s.group.Wait())
	}()
	end, err := next.begin(s, ctx)
	if err != nil {
		return delays{}, err
	}
	began := time.Now()
	beside, err = r.samples(ctx, s.samples)
	s.frameRate = 0
	for _, read := range s.readers {
		s.frameRate += float64(read.total.Load()) / time.Since(began).Seconds()
	}
	return beside, errors.Join(err, end())
}

// subscriptions are those to one neighbor's topics.
func (b *bench) subscriptions() int { return b.manySockets() * subscriptionsPerSocket }

// manySockets follow many topics each, and are fewer than those that follow one room.
func (b *bench) manySockets() int { return max(1, b.sockets/5) }

const subscriptionsPerSocket = 100

// openTransaction holds a transaction open that has filed many events.
func (s *neighborRun) openTransaction(ctx context.Context) (func() error, error) {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	end := func() error { return conn.Close(context.WithoutCancel(ctx)) }
	_, err = conn.Exec(ctx, "BEGIN", pgx.QueryExecModeSimpleProtocol)
	if err == nil {
		_, err = conn.Exec(ctx, fileMany, "free/", 1000, s.bulk)
	}
	if err != nil {
		return nil, errors.Join(err, end())
	}
	return end, nil
}

// fileMany files $3 events on the topics $1 || 0 to $1 || $2 - 1.
const fileMany = `SELECT count(rowcall.publish($1::text || n % $2::int, 'filed', json_build_object('k', n % 990)))
FROM generate_series(1, $3::int) n`

// lockedAccess locks the table that decides on 100 subscriptions, and asks for them.
func (s *neighborRun) lockedAccess(ctx context.Context) (func() error, error) {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	end := func() error { return conn.Close(context.WithoutCancel(ctx)) }
	if _, err := conn.Exec(ctx, "BEGIN; LOCK TABLE neighbor_access", pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, errors.Join(err, end())
	}
	for socket := range 10 {
		conn, err := s.open(ctx)
		if err != nil {
			return nil, errors.Join(err, end())
		}
		for n := range 10 {
			if err := ask(conn, fmt.Sprintf("locked/%d", 10*socket+n), ""); err != nil {
				return nil, errors.Join(err, end())
			}
		}
	}
	return end, s.readAll(ctx)
}

// changesOfAccess makes nodes check access to one topic again, while there are many subscriptions to
// other topics.
func (s *neighborRun) changesOfAccess(ctx context.Context) (func() error, error) {
	for socket := range s.manySockets() {
		if err := s.follow(ctx, "free/", socket*subscriptionsPerSocket, subscriptionsPerSocket); err != nil {
			return nil, err
		}
	}
	s.every(ctx, 50*time.Millisecond, `SELECT rowcall.revalidate('free/0')`)
	return noEnd, s.readAll(ctx)
}

// slowAccess makes nodes check access again faster than it can be answered.
func (s *neighborRun) slowAccess(ctx context.Context) (func() error, error) {
	if err := s.follow(ctx, "asked/", 0, 10); err != nil {
		return nil, err
	}
	s.every(ctx, 50*time.Millisecond, `SELECT rowcall.revalidate('asked')`)
	return noEnd, s.readAll(ctx)
}

// resumes has readers resume, each as soon as it is answered and after a millisecond.
func (s *neighborRun) resumes(ctx context.Context) (func() error, error) {
	for n := range 16 {
		conn, from, err := openNative(ctx, s.node.addr, s.cookie)
		if err != nil {
			return nil, err
		}
		s.sockets = append(s.sockets, conn)
		s.group.Go(func() error {
			cursor := ""
			for ctx.Err() == nil {
				if err := ask(conn, fmt.Sprintf("free/%d", n), cursor); err != nil {
					return unlessEnded(ctx, err)
				}
				answer, err := readSubscribed(from)
				if err != nil {
					return unlessEnded(ctx, err)
				}
				cursor = answer
				pause(ctx, time.Millisecond)
			}
			return nil
		})
	}
	return noEnd, nil
}

// bulkReaders follow a topic to which large transactions write, a second apart.
func (s *neighborRun) bulkReaders(ctx context.Context) (func() error, error) {
	for range 10 {
		if err := s.follow(ctx, "free/", 0, 1); err != nil {
			return nil, err
		}
	}
	s.every(ctx, time.Second, fileMany, "free/", 1, s.bulk/3)
	return noEnd, s.readAll(ctx)
}

// manyTopics commits one transaction right before the measurement.
func (s *neighborRun) manyTopics(ctx context.Context) (func() error, error) {
	return noEnd, execute(ctx, s.url, fileMany, "free/", s.bulk/3, s.bulk/3)
}

// newestOfKeys has a reader that takes nothing follow a topic of which the newest event of each of
// 990 keys is enough.
func (s *neighborRun) newestOfKeys(ctx context.Context) (func() error, error) {
	if err := s.follow(ctx, "newest/", 0, 1); err != nil {
		return nil, err
	}
	s.every(ctx, 50*time.Millisecond, fileMany, "newest/", 1, 100)
	return noEnd, nil
}

func noEnd() error { return nil }

// open opens a native socket that is closed when the neighbor leaves.
func (s *neighborRun) open(ctx context.Context) (net.Conn, error) {
	conn, _, err := openNative(ctx, s.node.addr, s.cookie)
	if err == nil {
		s.sockets = append(s.sockets, conn)
	}
	return conn, err
}

// follow opens a socket that follows n topics, numbered from first, and waits for the answers.
func (s *neighborRun) follow(ctx context.Context, topics string, first, n int) error {
	conn, from, err := openNative(ctx, s.node.addr, s.cookie)
	if err != nil {
		return err
	}
	s.sockets = append(s.sockets, conn)
	for i := range n {
		if err := ask(conn, fmt.Sprintf("%s%d", topics, first+i), ""); err != nil {
			return err
		}
	}
	for range n {
		if _, err := readSubscribed(from); err != nil {
			return err
		}
	}
	return conn.SetDeadline(time.Time{})
}

// readAll reads what the sockets get, and forgets it.
func (s *neighborRun) readAll(ctx context.Context) error {
	r, err := read(s.sockets)
	s.sockets = nil
	if err != nil {
		return err
	}
	s.readers = append(s.readers, r)
	s.group.Go(func() error {
		<-ctx.Done()
		return r.close()
	})
	return nil
}

// every runs a statement again and again, until ctx ends.
func (s *neighborRun) every(ctx context.Context, interval time.Duration, statement string, args ...any) {
	s.group.Go(func() error {
		conn, err := pgx.Connect(ctx, s.url)
		if err != nil {
			return unlessEnded(ctx, err)
		}
		defer conn.Close(context.WithoutCancel(ctx))
		for ctx.Err() == nil {
			if _, err := conn.Exec(ctx, statement, args...); err != nil {
				return unlessEnded(ctx, err)
			}
			pause(ctx, interval)
		}
		return nil
	})
}

// unlessEnded returns an error that does not come from the end of the measurement.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
