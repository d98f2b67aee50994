package notifier

import (
	"testing"
	"time"
)

// poll tells the pace of a poll of one event.
func (p *pullPace) poll(at *time.Time, took time.Duration) {
	began := p.beginPoll(*at)
	*at = at.Add(took)
	p.endPoll(began, 1, *at)
}

// TestLongReplaysGiveWayToLiveEvents slows polls down while a page is read: pages rest longer and longer, within
// bounds, one after another. They do not rest where polls are as fast as alone, or find nothing live.
func TestLongReplaysGiveWayToLiveEvents(t *testing.T) {
	t.Parallel()
	const alone, page = time.Millisecond, 4 * time.Millisecond
	var p pullPace
	at := time.Now()
	for range 20 {
		p.poll(&at, alone)
	}
	rest := func() time.Duration {
		p.beginPage()
		return p.endPage(page, at)
	}
	beside := func(took time.Duration, polls int) {
		p.beginPage()
		for range polls {
			p.poll(&at, took)
			at = at.Add(paceWindow)
		}
		p.endPage(0, at)
	}
	if got := rest(); got != 0 {
		t.Errorf("before any poll was slowed down, a page rests %v", got)
	}
	beside(2*alone, 1)
	if got := rest(); got != page {
		t.Errorf("after a slow poll, a page that took %v rests %v", page, got)
	}
	if got := rest(); got != 2*page {
		t.Errorf("at the same time, the page of another reader rests %v, want the rest of the first and its own", got)
	}
	beside(2*alone, 20)
	if got := rest(); got != paceMost*page {
		t.Errorf("after many slow polls, a page that took %v rests %v", page, got)
	}
	for range 100 {
		if got := rest(); got > pageRestMost {
			t.Fatalf("a page rests %v, want at most %v", got, pageRestMost)
		}
	}
	beside(alone, 20)
	if got := rest(); got != 0 {
		t.Errorf("after polls that nothing slows down, a page rests %v", got)
	}
	beside(2*alone, 20)
	at = at.Add(paceKept + 1)
	if got := rest(); got != 0 {
		t.Errorf("where no live event has come for a while, a page rests %v", got)
	}
}

// TestLongReplaysRestUntilPollsAreKnown reads pages without a gap from the start of a node.
func TestLongReplaysRestUntilPollsAreKnown(t *testing.T) {
	t.Parallel()
	var p pullPace
	at := time.Now()
	p.beginPage()
	p.poll(&at, time.Millisecond)
	if rest := p.endPage(time.Millisecond, at); rest != time.Millisecond {
		t.Errorf("a page that took 1ms rests %v, want as long", rest)
	}
}

// TestLargePollsSayNothingOfThePace makes polls slow that find many events.
func TestLargePollsSayNothingOfThePace(t *testing.T) {
	t.Parallel()
	var p pullPace
	at := time.Now()
	p.poll(&at, time.Millisecond)
	p.beginPage()
	for range 20 {
		began := p.beginPoll(at)
		at = at.Add(time.Second)
		p.endPoll(began, pacedPoll+1, at)
	}
	if rest := p.endPage(time.Millisecond, at); rest != 0 {
		t.Errorf("a page rests %v", rest)
	}
}
