package api

import (
	"context"
	"encoding/json"
	"errors"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// replayPage is the answer to a replay while it is being filled.
type replayPage struct {
	feed     feed
	sub      subscription
	texts    texts
	limit    int
	events   []json.RawMessage
	bytes    int
	cursor   string // after the first of them, up to the end
	end      int    // how many: the page can end only where there is a cursor
	upToDate bool   // the log has no more
}

func newReplayPage(f feed, sub subscription, wanted replayRequest, cursor string) *replayPage {
	return &replayPage{
		feed:   f,
		sub:    sub,
		texts:  newTexts(wanted.topics),
		limit:  wanted.limit,
		events: []json.RawMessage{},
		cursor: cursor,
	}
}

// fill takes what there is, and reports whether the page is worth sending. A reset, or the end of a
// reader that is too slow, ends a page that has events; whoever comes back hears of it.
func (p *replayPage) fill() (enough bool, err error) {
	for !p.full() {
		bookmark := p.feed.Cursor()
		taken, err := p.sub.Take(max(1, p.limit-len(p.events)))
		switch {
		case errors.Is(err, notifier.ErrSlow) && p.end > 0:
			return true, nil
		case err != nil:
			return false, err
		case taken.Reset != nil && p.end > 0:
			return true, nil
		case taken.Reset != nil:
			return false, &expiredCursor{reason: taken.Reset.Reason, cursor: taken.Reset.Cursor}
		case len(taken.Events) == 0:
			return p.drained(bookmark), nil
		}
		p.add(taken.Events)
	}
	p.upToDate = p.sub.CaughtUp()
	return true, nil
}

func (p *replayPage) add(events []*notifier.Event) {
	for _, e := range events {
		text := p.texts.of(e)
		p.events = append(p.events, text)
		p.bytes += len(text)
		if cursor := p.texts.cursor(e); cursor != "" {
			p.cursor, p.end = cursor, len(p.events)
		}
	}
}

// full reports whether the page takes no more. It ends only where it can be resumed from.
func (p *replayPage) full() bool {
	return (len(p.events) >= p.limit || p.bytes >= replayBytes) && p.end == len(p.events)
}

// drained notes, after a Take that brought nothing, whether more is on its way. Where none is, the
// node's position from before that Take holds for the page, so that the cursor of a quiet topic
// does not grow old.
func (p *replayPage) drained(bookmark string) (enough bool) {
	p.upToDate = p.sub.CaughtUp()
	if p.upToDate && bookmark != "" {
		p.cursor, p.end = bookmark, len(p.events)
	}
	return p.upToDate && p.end > 0
}

// giveUp ends a page that the log could not fill in time.
func (p *replayPage) giveUp(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return leaving(ctx)
	case p.end == 0:
		return problem.ErrUnavailable
	}
	return nil
}

func (p *replayPage) answer() replayAnswer {
	return replayAnswer{Events: p.events[:p.end], Cursor: p.cursor, More: p.end > 0 && !p.upToDate}
}
