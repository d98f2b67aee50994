package notifier

import (
	"sync"
	"time"
)

const (
	// pageRestMost is the longest rest of a subscription between two pages of a long replay, so that
	// every one of them keeps some thousand events a second.
	pageRestMost = 100 * time.Millisecond
	// paceMost is the greatest rest after a page, as a multiple of the time that reading it took.
	paceMost = 16
	// paceWindow is the least time between two changes of the pace.
	paceWindow = 25 * time.Millisecond
	// paceKept is how long the pace counts after the last poll that found events.
	paceKept = 500 * time.Millisecond
	// Polls that take longer than slowedFrom times what they take alone make pages rest longer. Below
	// soundUntil times that, pages rest less.
	slowedFrom = 1.5
	soundUntil = 1.2
	// pacedPoll is how many events a poll may find to be compared with others.
	pacedPoll = 16
)

// pullPace makes long replays give way to live events where both need the same processors. It
// compares the polls that find a few events while pages of long replays are read with the same polls
// while none are. If they are slowed down, the subscriptions with long replays rest between two
// pages, all of them together by one budget. Short replays never rest. Where nothing live is due, or
// where there are processors enough, nobody rests.
type pullPace struct {
	mu        sync.Mutex    // guards all below
	atWork    int           // pages of long replays that are being read
	pages     uint64        // such pages so far
	alone     time.Duration // what a poll takes while no page is read: a moving average; 0: not known
	beside    time.Duration // the same while pages are read, since the pace was changed; 0: not known
	rest      int           // after a page, as a multiple of the time that it took; 0: none
	changedAt time.Time
	polledAt  time.Time // the last poll that was compared
	freeAt    time.Time // when the budget allows the next page
}

// beginPage notes that a page of a long replay is being read.
func (p *pullPace) beginPage() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.atWork++
	p.pages++
}

// endPage ends beginPage, and returns how long the subscription rests if its replay goes on. The rests
// of all subscriptions follow one another.
func (p *pullPace) endPage(took time.Duration, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.atWork--
	if p.rest == 0 || now.Sub(p.polledAt) > paceKept {
		p.rest, p.freeAt = 0, time.Time{}
		return 0
	}
	if p.freeAt.Before(now) {
		p.freeAt = now
	}
	p.freeAt = p.freeAt.Add(time.Duration(p.rest) * took)
	if limit := now.Add(pageRestMost); p.freeAt.After(limit) {
		p.freeAt = limit
	}
	return p.freeAt.Sub(now)
}

// pollBeside is what pullPace knows of a poll when it begins.
type pollBeside struct {
	began  time.Time
	pages  uint64
	atWork int
}

// beginPoll notes the beginning of a poll.
func (p *pullPace) beginPoll(now time.Time) pollBeside {
	p.mu.Lock()
	defer p.mu.Unlock()
	return pollBeside{began: now, pages: p.pages, atWork: p.atWork}
}

// endPoll compares a poll that has found so many events with others, and changes the pace.
func (p *pullPace) endPoll(poll pollBeside, events int, now time.Time) {
	if events == 0 || events > pacedPoll {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.polledAt = now
	took := now.Sub(poll.began)
	if poll.atWork == 0 && p.pages == poll.pages {
		p.alone = movingAverage(p.alone, took)
		return
	}
	p.beside = movingAverage(p.beside, took)
	if p.alone == 0 {
		p.rest = max(1, p.rest) // so that a poll has the processors alone some day
		return
	}
	if now.Sub(p.changedAt) < paceWindow {
		return
	}
	switch times := float64(p.beside) / float64(p.alone); {
	case times > slowedFrom:
		p.rest = min(max(1, 2*p.rest), paceMost)
	case times < soundUntil:
		p.rest /= 2
	}
	p.changedAt, p.beside = now, 0
}

// movingAverage weighs the newest value an eighth.
func movingAverage(average, newest time.Duration) time.Duration {
	if average == 0 {
		return newest
	}
	return (7*average + newest) / 8
}
