package cluster

import (
	"context"
	"os/exec"
	"runtime"
	"time"
)

// patience is how long the server gets to obey a signal before the next, harder one.
const patience = 10 * time.Second

// process is the server's first process. One goroutine waits for it.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended and has been waited for
}

// spawn starts a command on an operating system's thread of its own. On Linux the command gets a
// signal when that thread ends, so the thread must live exactly as long as the command: the
// goroutine that holds it waits for the command and is never unlocked from it.
func spawn(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // how a server ended is in its log
		close(p.done)
	}()
	return p, <-started
}

// stop ends the process: cleanly while ctx lasts, at once when it ends, by force when even that
// is not obeyed. It returns when the process is gone.
func (p *process) stop(ctx context.Context) error {
	if err := p.signal(fastShutdown); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	if err := p.signal(immediateShutdown); err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.kill()
	}
	return nil
}

// kill ends the process by force and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // the error says that it has ended already
	<-p.done
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
