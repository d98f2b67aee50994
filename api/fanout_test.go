package api

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rowcall/notifier"
)

// BenchmarkFanOut publishes to a thousand sockets on one topic, whose readers are in the same
// process, and reports deliveries per second. The number in a name is how many events a poll has.
func BenchmarkFanOut(b *testing.B) {
	for _, batch := range []int{1, 4, 64} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) { benchmarkFanOut(b, 1000, batch) })
	}
}

func benchmarkFanOut(b *testing.B, sockets, batch int) {
	st := openFakeFeedServer(b, Options{})
	frame := len(st.handlers.table.plain[0].encodeEvent(chatMessage(1_000_000)))
	var heard atomic.Int64
	round := make(chan struct{}, 1)
	var readers sync.WaitGroup
	b.Cleanup(readers.Wait) // after the cleanups below, which close the connections
	for range sockets {
		raw := st.rawDial(b, "/ws/room/5")
		st.feed.next(b)
		readers.Go(func() { countBytes(raw, &heard, int64(sockets*batch*frame), round) })
	}
	b.ReportAllocs()
	for b.Loop() {
		events := make([]*notifier.Event, batch)
		for i := range events {
			events[i] = chatMessage(int64(1_000_000 + i))
		}
		st.feed.publish(events...)
		<-round
	}
	b.ReportMetric(float64(sockets*batch*b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// countBytes reads, and signals when all sockets together have read the bytes of a round.
func countBytes(raw net.Conn, heard *atomic.Int64, perRound int64, round chan<- struct{}) {
	_ = raw.SetDeadline(time.Time{})
	buffer := make([]byte, 32<<10)
	for {
		n, err := raw.Read(buffer)
		if err != nil {
			return
		}
		if heard.Add(int64(n))%perRound == 0 {
			round <- struct{}{}
		}
	}
}
