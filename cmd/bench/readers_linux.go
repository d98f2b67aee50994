package main

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// readers read many sockets and count their frames. On Linux one thread asks the kernel which
// sockets have something: what readers cost, the server under measurement does not get.
type readers struct {
	tally
	epoll    int
	sockets  []int // file descriptors
	counters []counter
	running  sync.WaitGroup
	over     chan struct{}
	close    func() error
}

// readersRest lets bytes gather a little before the next look, as a browser's event loop would.
const readersRest = time.Millisecond

// read takes the connections over.
func read(conns []net.Conn) (*readers, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("preparing readers: %w", err)
	}
	r := &readers{epoll: epoll, counters: make([]counter, len(conns)), over: make(chan struct{})}
	r.each = make(tallies, len(conns))
	r.close = sync.OnceValue(r.end)
	for i, conn := range conns {
		if err := r.take(i, conn); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	r.running.Go(r.run)
	return r, nil
}

// take gives a connection's descriptor to epoll, away from Go's own poller.
func (r *readers) take(i int, conn net.Conn) error {
	defer conn.Close()
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	fd, failed := -1, error(nil)
	if err := raw.Control(func(own uintptr) { fd, failed = syscall.Dup(int(own)) }); err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("preparing readers: %w", failed)
	}
	syscall.CloseOnExec(fd)
	r.sockets = append(r.sockets, fd)
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)}
	return syscall.EpollCtl(r.epoll, syscall.EPOLL_CTL_ADD, fd, &event)
}

func (r *readers) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	events := make([]syscall.EpollEvent, 256)
	buffer := make([]byte, 256<<10)
	for {
		select {
		case <-r.over:
			return
		default:
		}
		n, err := syscall.EpollWait(r.epoll, events, 20)
		if err != nil && err != syscall.EINTR {
			return // nobody is counted any more, which the measurement will notice
		}
		for _, e := range events[:max(n, 0)] {
			r.readOne(int(e.Fd), buffer)
		}
		if n < len(events) {
			time.Sleep(readersRest)
		}
	}
}

func (r *readers) readOne(i int, buffer []byte) {
	n, err := syscall.Read(r.sockets[i], buffer)
	if n <= 0 && err != syscall.EAGAIN {
		_ = syscall.EpollCtl(r.epoll, syscall.EPOLL_CTL_DEL, r.sockets[i], nil) // closed: it would be reported for ever
		return
	}
	if n > 0 {
		r.add(i, r.counters[i].take(buffer[:n]), n)
	}
}

// end closes the sockets without a goodbye.
func (r *readers) end() error {
	close(r.over)
	r.running.Wait()
	for _, fd := range r.sockets {
		_ = syscall.Close(fd)
	}
	return syscall.Close(r.epoll)
}
