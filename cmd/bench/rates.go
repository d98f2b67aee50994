package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"time"

	"rowcall/config/rules"
)

// rateCase is one measurement of rates: so many rows a second, on so many topics in turn, each of
// which so many sockets follow.
type rateCase struct {
	rate   float64
	topics int
	each   int
	goal   float64 // greatest accepted ratio of medians; 0: none
}

// onlyRoom is how many topics there are where all sockets follow one.
const onlyRoom = 1

func (b *bench) rateCases() []rateCase {
	var all []rateCase
	for _, rate := range []float64{1, 20, 200, 1000, 2000, 5000, 10_000} {
		all = append(all, rateCase{rate: rate, topics: onlyRoom, each: 1})
	}
	all[2].goal = 2
	hundred := max(2, b.sockets/10)
	for _, rate := range []float64{20, 200, 1000} {
		all = append(all, rateCase{rate: rate, topics: onlyRoom, each: hundred, goal: 1.5})
	}
	all[len(all)-1].goal = 0
	return append(all, rateCase{rate: 200, topics: b.sockets, each: min(10, b.sockets), goal: 1.5})
}

// rateRounds is how often Rowcall and the floor take turns.
const rateRounds = 2

// rates measures how long rows take from sending the INSERT to the frame at a socket, and beside it,
// in turns, the same on the floor.
func rates(ctx context.Context, b *bench) (err error) {
	n, err := startNode(ctx, b.url, rules.Topic{Topic: "routed/{n:int}", Allow: rules.AllowAuthenticated})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	cookie, err := login(ctx, n.addr, "alice")
	if err != nil {
		return err
	}
	if err := execute(ctx, b.url, routedTable); err != nil {
		return err
	}
	f, err := startFloor(ctx, b)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	b.say("\nrates: from sending the INSERT of a row to the frame, beside the floor: LISTEN, and one write a socket")
	t := b.table("rows/s", "reached", "topics", "sockets each", "floor p50", "p99", "Rowcall p50", "p99", "ratio p50", "p99", "writers ring")
	var verdicts []func()
	for _, c := range b.rateCases() {
		took, err := b.takeTurns(ctx, c, ways{floor: f.way(c), rowcall: n.way(cookie, b, c)})
		if err != nil {
			return fmt.Errorf("%v rows a second on %d topics: %w", c.rate, c.topics, err)
		}
		p50, p99 := percentile(took.rowcall, 0.5), percentile(took.rowcall, 0.99)
		low50, low99 := atLeastTick(percentile(took.floor, 0.5)), atLeastTick(percentile(took.floor, 0.99))
		times := float64(p50) / float64(low50)
		t.row(whole(c.rate), whole(took.reached), fmt.Sprint(c.topics), fmt.Sprint(c.each), low50.String(), low99.String(),
			p50.String(), p99.String(), ratio(times), ratio(float64(p99)/float64(low99)), fmt.Sprint(n.Health().Ringing))
		if c.goal > 0 {
			verdicts = append(verdicts, func() {
				what := fmt.Sprintf("median against the floor's, %v rows/s, %d topics, %d sockets each", c.rate, c.topics, c.each)
				b.verdict(what, ratio(times), ratio(c.goal), times <= c.goal)
			})
		}
	}
	t.end()
	for _, say := range verdicts {
		say()
	}
	return nil
}

// atLeastTick keeps ratios finite.
func atLeastTick(d time.Duration) time.Duration { return max(d, 10*time.Microsecond) }

// way is one way from a table to sockets.
type way struct {
	url    string
	insert string // of a row: its topic's number, and a stamp
	// open opens the socket of this number. It follows as many topics in a row as each topic has
	// sockets, from that of its own number on.
	open func(ctx context.Context, number int) (net.Conn, error)
	// begin starts what carries rows for one round; end ends it.
	begin func(context.Context) (end func() error, err error)
}

type ways struct{ floor, rowcall way }

// delaysOfWays are the delays of both ways, and the rate that the writers of Rowcall have reached.
type delaysOfWays struct {
	floor, rowcall []time.Duration
	reached        float64
}

// takeTurns measures both ways in turns. All sockets are open all the time.
func (b *bench) takeTurns(ctx context.Context, c rateCase, w ways) (all delaysOfWays, err error) {
	var audiences []*audience
	defer func() {
		for _, a := range audiences {
			err = errors.Join(err, a.close())
		}
	}()
	for _, w := range []way{w.floor, w.rowcall} {
		a, err := gatherAudience(ctx, c, w)
		if err != nil {
			return all, err
		}
		audiences = append(audiences, a)
	}
	for range rateRounds {
		floor, _, err := b.rateRound(ctx, c, w.floor, audiences[0])
		if err != nil {
			return all, fmt.Errorf("the floor: %w", err)
		}
		ours, reached, err := b.rateRound(ctx, c, w.rowcall, audiences[1])
		if err != nil {
			return all, err
		}
		all.floor, all.rowcall = append(all.floor, floor...), append(all.rowcall, ours...)
		all.reached += reached / rateRounds
	}
	return all, nil
}

// rateRound writes for one round, and waits until every socket has got its rows.
func (b *bench) rateRound(ctx context.Context, c rateCase, w way, a *audience) (delays []time.Duration, reached float64, err error) {
	end, err := w.begin(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, end()) }()
	rows := max(fewestSamples, int(c.rate*b.round.Seconds()))
	began := time.Now()
	if err := stampRows(ctx, w, c, rows); err != nil {
		return nil, 0, err
	}
	reached = min(c.rate, float64(rows)/time.Since(began).Seconds())
	delays, err = a.take(ctx, rows*c.each)
	return delays, math.Round(reached), err
}

// fewestSamples is how many rows a round has at least.
const fewestSamples = 2

// routedTable is a table of which each row goes to the topic that it names.
const routedTable = `CREATE TABLE routed (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int NOT NULL, message text NOT NULL);
CREATE FUNCTION routed_publish() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM rowcall.publish('routed/' || NEW.n, 'written', json_build_object('id', NEW.id, 'message', NEW.message));
    RETURN NULL;
END $$;
CREATE TRIGGER routed_publish AFTER INSERT ON routed FOR EACH ROW EXECUTE FUNCTION routed_publish()`

// way is Rowcall's: a chat socket of the one room, or native sockets of many topics.
func (n *runningNode) way(cookie string, b *bench, c rateCase) way {
	begin := func(context.Context) (func() error, error) { return noEnd, nil }
	if c.topics == onlyRoom {
		insert := fmt.Sprintf(`INSERT INTO chat_messages (room_id, sender_id, message) SELECT %d + $1::int, %[1]d, $2`, b.room())
		open := func(ctx context.Context, _ int) (net.Conn, error) { return dialPlain(ctx, n.addr, cookie, b.room()) }
		return way{url: b.url, insert: insert, open: open, begin: begin}
	}
	open := func(ctx context.Context, number int) (net.Conn, error) {
		conn, from, err := openNative(ctx, n.addr, cookie)
		if err != nil {
			return nil, err
		}
		followed := topicsOf(c, number)
		for _, topic := range followed {
			err = errors.Join(err, ask(conn, fmt.Sprintf("routed/%d", topic), ""))
		}
		for range followed {
			_, answer := readSubscribed(from)
			err = errors.Join(err, answer)
		}
		return conn, errors.Join(err, conn.SetDeadline(time.Time{}))
	}
	return way{url: b.url, insert: `INSERT INTO routed (n, message) VALUES ($1, $2)`, open: open, begin: begin}
}

// topicsOf are the topics that a socket follows.
func topicsOf(c rateCase, number int) []int {
	if c.topics == onlyRoom {
		return []int{0}
	}
	topics := make([]int, c.each)
	for i := range topics {
		topics[i] = (number + i) % c.topics
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}
