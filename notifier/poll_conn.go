package notifier

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/dbconn"
)

// longestPatience is the most that a poll's patience grows to, if its first row takes long to come.
const longestPatience = 10 * time.Minute

// pollConn is the poller during the life of one connection. Its knowledge of the server is bound to
// the connection, so it starts from nothing after a reconnect: the node has to prove anew that it
// may sleep, and may no longer be the gate's keeper. The state that outlives the connection is in
// poller.
type pollConn struct {
	poller *poller
	conn   *pgx.Conn

	boot      string // history and server when the connection was made, as bootSQL names them
	gate      gatekeeper
	arming    arming
	suspicion ringSuspicion
	pace      pollPace
	began     time.Time // when the last poll did
}

func newPollConn(p *poller, conn *pgx.Conn) *pollConn {
	return &pollConn{
		poller: p, conn: conn,
		gate: gatekeeper{conn: conn, options: p.options, log: p.log, listener: p.listener},
		pace: pollPace{options: p.options},
	}
}

// prepare lets triggers go on filing events, and finds out whether the log still has the history
// that the node knows.
func (c *pollConn) prepare(ctx context.Context) error {
	if _, err := c.poller.alive.keep(ctx, c.conn); err != nil {
		return err
	}
	return c.adoptHistory(ctx)
}

// adoptHistory reads which history the log has. If it is not the one that the node has read, or if
// something that the node has read was undone, the node begins anew.
func (c *pollConn) adoptHistory(ctx context.Context) error {
	var found history
	err := exchange(ctx, func(ctx context.Context) (err error) {
		found, err = c.verifyHistory(ctx)
		return err
	})
	if err != nil {
		return err
	}
	c.boot = found.boot
	reading := &c.poller.reading
	reading.run = found.run
	if found.epoch == reading.epoch {
		return nil
	}
	if reading.epoch != "" {
		c.poller.log.Warn("the log's history has changed: subscribers read their snapshots again", "epoch", found.epoch)
	}
	reading.epoch = found.epoch
	reading.beginAnew(ResetEpoch)
	return nil
}

// verifyHistory returns the log's history. If something of the history that the node knows was
// undone, a new one begins.
func (c *pollConn) verifyHistory(ctx context.Context) (history, error) {
	found, err := queryHistory(ctx, c.conn)
	if err == nil {
		err = noteRun(ctx, c.conn)
	}
	if err != nil || found.epoch != c.poller.reading.epoch {
		return found, err
	}
	undone, err := c.isUndone(ctx)
	if err != nil || !undone {
		return found, err
	}
	if err := c.beginNewEpoch(ctx); err != nil {
		return found, err
	}
	return queryHistory(ctx, c.conn)
}

// isUndone reports whether something that the node knows of its history is missing.
func (c *pollConn) isUndone(ctx context.Context) (bool, error) {
	reading := &c.poller.reading
	undone, err := isRunUndone(ctx, c.conn, reading.run)
	if err != nil || undone {
		return undone, err
	}
	return reading.newest.isLost(ctx, c.conn)
}

// beginNewEpoch ends the history that the node knows, because something of it was undone.
func (c *pollConn) beginNewEpoch(ctx context.Context) error {
	c.poller.log.Error("the database was put back to an earlier state: a new epoch begins, and clients read their state again")
	return endEpoch(ctx, c.conn, c.poller.reading.epoch)
}

// pollAndFollowUp makes one poll. Then it decides whether the node may sleep, releases those who
// wait for a poll, and looks after the gate and keeps triggers filing.
func (c *pollConn) pollAndFollowUp(ctx context.Context) error {
	listening, rings := c.poller.listener.hears()
	c.poller.startRound()
	swept := c.arming.isArmed() && time.Since(c.began) >= c.poller.options.Sweep
	c.began = time.Now()
	beside := c.poller.pullPace.beginPoll(c.began)
	p, err := c.poll(ctx)
	if err != nil {
		return c.recoverFrom(ctx, err)
	}
	c.poller.pullPace.endPoll(beside, p.atOnce, time.Now())
	c.poller.tally.countPoll(c.began)
	c.pace.notePoll(c.began, p.writers)
	c.checkRings(swept && p.writers > 0, rings)
	if err := c.arm(ctx, p, listening); err != nil {
		return err
	}
	c.publishStatus(p, listening)
	if err := c.gate.flipIfDue(ctx, p); err != nil {
		return err
	}
	return c.keepAlive(ctx)
}

// recoverFrom begins anew where the log no longer has what the node would read next, or has read
// before. It returns any other error.
func (c *pollConn) recoverFrom(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errExpired):
		c.poller.log.Error("retention has overtaken this node: subscribers read their snapshots again")
		c.poller.reading.beginAnew(ResetExpired)
	case errors.Is(err, errWentBack):
		if err := exchange(ctx, c.beginNewEpoch); err != nil {
			return err
		}
		if err := c.adoptHistory(ctx); err != nil {
			return err
		}
	default:
		return err
	}
	c.poller.wake.raise()
	return nil
}

// poll reads the next poll. If the last one was cut short, its rest comes first.
func (c *pollConn) poll(ctx context.Context) (*poll, error) {
	reading := &c.poller.reading
	to := c.deliverer()
	defer c.poller.withdrawLargePoll()
	if reading.partial != nil {
		if err := c.adjustPatience(resumePoll(ctx, c.conn, reading.patience, reading.partial, to)); err != nil {
			return nil, err
		}
		c.standBehind(reading.partial)
	}
	p, err := readPoll(ctx, c.conn, reading.patience, reading.cutShort, reading.prev, to)
	reading.cutShort = err != nil
	if c.adjustPatience(err) != nil {
		reading.partial = p
		return nil, err
	}
	c.standBehind(p)
	if reading.tailPlanted {
		return p, nil
	}
	reading.tailPlanted = true
	return p, c.fillTail(ctx, p.seen)
}

func (c *pollConn) deliverer() deliverer {
	p := c.poller
	return deliverer{
		hub: p.hub, reask: p.reask, load: p.load, tally: &p.tally,
		epoch: p.reading.epoch, boot: c.boot, newest: &p.reading.newest, announce: p.announceLargePoll,
		unfollowable: p.unfollowable,
	}
}

// adjustPatience makes the next poll more patient if this one was cut short for bringing nothing:
// the server may take long to pass over the part of a very large poll that was handed on already.
// It returns err.
func (c *pollConn) adjustPatience(err error) error {
	reading := &c.poller.reading
	switch {
	case err == nil:
		reading.patience = silenceLimit
	case errors.Is(err, errSilent):
		reading.patience = min(2*reading.patience, longestPatience)
	}
	return err
}

// standBehind moves the node's place behind a poll that was handed on. If the node begins anew
// there, all subscriptions are reset.
func (c *pollConn) standBehind(p *poll) {
	hub, reading := c.poller.hub, &c.poller.reading
	if p.lossy && !reading.lossyReported {
		reading.lossyReported = true
		c.poller.log.Warn("events hold text that cannot be converted to UTF-8: U+FFFD takes the place of what it cannot be")
	}
	reading.partial = nil
	reading.prev = p.seen
	if !p.isFirst() {
		c.poller.pulls.add(hub.closePoll(p)...)
		return
	}
	all := hub.beginRestart(reading.epoch, p.seen)
	here, text := hub.place()
	for _, s := range all {
		s.resetTo(reading.resetReason, here, text)
	}
	c.poller.pulls.add(hub.endRestart()...)
}

// fillTail gives the tail of a node that has just started the log's newest events, so that clients
// that come back after a restart do not each read the log. If the server takes long to find them, the
// tail stays empty. No lock is held from one statement to the next, so retention may come between.
func (c *pollConn) fillTail(ctx context.Context, seen snapshot) error {
	return exchange(ctx, func(ctx context.Context) error {
		recent, found, err := readRecent(ctx, dbconn.Precede(c.conn, limitRecent), seen, c.poller.options.tailLimit())
		if isCanceled(err) {
			return nil
		}
		if err != nil || !found {
			return err
		}
		part := newTailPoll(*recent.within)
		markCursors(c.poller.reading.epoch, recent.within, recent.events, true)
		part.add(recent.events)
		c.poller.hub.plantTail(recent.within.prev, part)
		return nil
	})
}

// checkRings drops the LISTEN connection if sweeps have shown that it brings no rings.
func (c *pollConn) checkRings(sweptEvents bool, ringsBefore uint64) {
	now := func() uint64 { _, rings := c.poller.listener.hears(); return rings }
	if c.suspicion.isConfirmed(sweptEvents, ringsBefore, now) {
		c.poller.log.Warn("a sweep found events that no ring announced: listening anew")
		c.poller.listener.reconnect()
	}
}

// arm decides after a poll whether the node may sleep until a ring. listening is the generation of
// the LISTEN that was confirmed when the poll began; 0 for none.
func (c *pollConn) arm(ctx context.Context, p *poll, listening uint64) error {
	if listening == 0 || !c.gate.checkProbe(ctx, listening) {
		c.arming.disarm()
		return nil
	}
	return c.arming.advance(ctx, c.conn, p, listening)
}

// publishStatus makes the state after a poll public. The first time that LISTEN was confirmed
// before the poll, the feed is ready.
func (c *pollConn) publishStatus(p *poll, listening uint64) {
	c.poller.tally.gate = c.gate.state(p.gate)
	c.poller.releaseWaiters(pollStatus{
		polledAt: c.began, epoch: c.poller.reading.epoch, armed: c.arming.isArmed(), ringing: isRinging(p.gate),
	})
	if listening == 0 {
		return
	}
	select {
	case <-c.poller.ready:
	default:
		close(c.poller.ready)
	}
}

func (c *pollConn) keepAlive(ctx context.Context) error {
	newEpoch, err := c.poller.alive.keepIfDue(ctx, c.conn)
	if err == nil && newEpoch {
		err = c.adoptHistory(ctx)
	}
	return err
}

// rest waits until it is time for the next poll.
func (c *pollConn) rest(ctx context.Context) error {
	if err := sleep(ctx, c.pace.leastInterval()-time.Since(c.began)); err != nil {
		return err
	}
	return sleepUnless(ctx, c.restLimit(), c.poller.wake)
}

// restLimit is how long the node rests unless a ring comes. The keeper of the gate does not rest
// long while it looks for commits that wait: their writers may ring for topics that nobody follows here.
func (c *pollConn) restLimit() time.Duration {
	if c.gate.isLookingForWaiters() {
		return min(c.restWithoutLooks(), trafficRest)
	}
	return c.restWithoutLooks()
}

// restWithoutLooks is how long a node that looks for no waiting commits rests unless a ring comes. An
// armed node sweeps: it polls all the same, because a ring may have been lost.
func (c *pollConn) restWithoutLooks() time.Duration {
	if c.arming.isArmed() {
		return c.suspicion.shorten(c.poller.options.Sweep)
	}
	return c.pace.nextRest(isRinging(c.gate.generation))
}
