package notifier

import "context"

// largePoll is a poll that is read in pages.
type largePoll struct {
	begun chan struct{} // closed when the poll is known to be large
	place cursor        // where the node will stand after it; set before begun is closed
}

func newLargePoll() *largePoll { return &largePoll{begun: make(chan struct{})} }

// announceLargePoll says that the poll under way is large, and where the node will stand after it.
func (p *poller) announceLargePoll(place cursor) {
	p.withdrawLargePoll()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.largePoll.place = place
	close(p.largePoll.begun)
}

// withdrawLargePoll takes announceLargePoll back.
func (p *poller) withdrawLargePoll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.largePoll.begun:
		p.largePoll = newLargePoll()
	default:
	}
}

// waitForPlace returns a place at which a subscription may begin that resumes from no cursor: the
// node's place after a poll that begins after the call, or where the node will stand after a large
// poll that is under way. So a new subscription does not wait until a large transaction of another
// topic is read. Access that is asked after the call takes every removal of a right into account that
// the large poll has found.
func (p *poller) waitForPlace(ctx context.Context) (cursor, string, error) {
	p.mu.Lock()
	large := p.largePoll
	p.mu.Unlock()
	return p.waitForEither(ctx, large)
}
