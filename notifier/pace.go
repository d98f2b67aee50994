package notifier

import (
	"math/rand/v2"
	"time"
)

const (
	// leastRest is the least time between two polls if the first found nothing. Any session may ring,
	// and must not be able to make a node poll without a rest. After a poll that found events, a
	// third of the time that polls take is the most that they may use: see leastInterval.
	leastRest = time.Millisecond
	// emptyPolls is how many polls in a row may find nothing before rings are answered less often.
	emptyPolls = 10
	// restFactor is the rest after a poll that found events, as a multiple of the time that the poll
	// took.
	restFactor = 2
	// crowdedPoll is how many transactions a poll must find for crowdedFactor to stand in place of
	// restFactor. Under such load a few large polls cost the server less than many small ones.
	crowdedPoll   = 16
	crowdedFactor = 5
)

// pollPace decides how long to rest between two polls.
type pollPace struct {
	options  *Options
	writers  int           // transactions that the last poll found
	took     time.Duration // the last poll
	empty    int           // polls since the last that found any
	foundAt  time.Time
	interval time.Duration
}

// notePoll notes how many transactions the poll that began at this time has found. Call it when the
// poll has ended.
func (p *pollPace) notePoll(began time.Time, writers int) {
	p.writers, p.took = writers, time.Since(began)
	p.empty++
	if writers > 0 {
		p.foundAt, p.empty = began, 0
	}
}

// leastInterval is the least time between the beginnings of two polls. It is shorter after a poll that
// found events. It grows after many polls that found nothing: any session may have sent their rings.
func (p *pollPace) leastInterval() time.Duration {
	switch {
	case p.empty == 0:
		return min(leastRest, (1+restFactor)*p.took)
	case p.empty < emptyPolls:
		return leastRest
	}
	return p.options.PollBusy
}

// nextRest is how long a node that is not armed rests unless a ring comes. ringing says whether
// writers ring.
func (p *pollPace) nextRest(ringing bool) time.Duration {
	switch {
	case p.writers >= crowdedPoll:
		p.interval = min(max(leastRest, crowdedFactor*p.took), 2*p.options.PollBusy)
	case p.writers > 0:
		p.interval = min(max(leastRest/2, restFactor*p.took), p.options.PollBusy)
	case p.interval == 0:
		p.interval = p.options.PollBusy
	default:
		p.interval = min(2*p.interval, p.longestInterval(ringing))
	}
	return p.interval*3/4 + rand.N(p.interval/2+1)
}

// longestInterval is what the interval may back off to: little while writers are busy and do not
// ring.
func (p *pollPace) longestInterval(ringing bool) time.Duration {
	if !ringing && time.Since(p.foundAt) < time.Second {
		return min(2*p.options.PollBusy, p.options.PollIdle)
	}
	return p.options.PollIdle
}
