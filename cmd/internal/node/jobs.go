package node

import (
	"context"
	"time"
)

// workPause is the time between two calls of jobs_work: half of the time that a job spends in a state.
const workPause = 500 * time.Millisecond

// workJobs moves the jobs of the example application through their states until ctx ends. Several
// nodes share the work. After an error the next call tries again.
func (n *Node) workJobs(ctx context.Context) error {
	every := time.NewTicker(workPause)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		if _, err := n.pool.Exec(ctx, `SELECT rowcall.jobs_work()`); err != nil {
			n.log.DebugContext(ctx, "jobs rest for now", "err", err)
		}
	}
}
