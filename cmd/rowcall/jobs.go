package main

import (
	"context"
	"time"
)

// workPause is between two looks at the jobs that are worked on for show: half of what a step takes.
const workPause = 500 * time.Millisecond

// workJobs moves the jobs that users of the example applications start through their states, until ctx
// ends. Several nodes share the work. What cannot be done now is done at the next look.
func (n *node) workJobs(ctx context.Context) error {
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
