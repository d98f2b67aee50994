package api

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api/apitest"
	"rowcall/notifier"
)

// masked returns a client's frame whose mask is zero, which leaves the payload unchanged.
func masked(first byte, length int, payload []byte) []byte {
	frame := []byte{first, 1<<7 | 127}
	frame = binary.BigEndian.AppendUint64(frame, uint64(length))
	return append(append(frame, 0, 0, 0, 0), payload...)
}

func small(first byte, payload string) []byte {
	return append([]byte{first, 1<<7 | byte(len(payload)), 0, 0, 0, 0}, payload...)
}

// readClose reads to the end and returns the code of the close frame.
func readClose(t *testing.T, raw net.Conn) int {
	t.Helper()
	all, _ := io.ReadAll(raw)
	raw.Close()
	at := bytes.LastIndexByte(all, 0x80|websocket.CloseMessage)
	if at < 0 || len(all) < at+4 {
		t.Fatalf("no close frame in %q", all)
	}
	return int(binary.BigEndian.Uint16(all[at+2:]))
}

func TestHostileFrames(t *testing.T) {
	const text, final, reserved = 1, 0x80, 0x40
	tests := []struct {
		name  string
		frame []byte
		want  int
	}{
		{"a frame that says it is a terabyte", masked(final|text, 1<<40, []byte("x")), 1009},
		{"a frame longer than there are numbers", masked(final|text, -1, []byte("x")), 1009},
		{"a frame one byte too long", masked(final|text, 64<<10+1, make([]byte, 64<<10+1)), 1009},
		{"a compressed frame", masked(final|reserved|text, 5, []byte("zeros")), 1002},
		{"a frame without a mask", []byte{final | text, 1, 'x'}, 1002},
		{"a fragmented ping", small(websocket.PingMessage, "x"), 1002},
		{"an unknown opcode", small(final|5, "x"), 1002},
		{"a close frame", small(final|websocket.CloseMessage, "\x03\xe8bye"), 1000},
	}
	for _, path := range []string{"/v1/ws", "/ws/room/5"} {
		for _, tt := range tests {
			t.Run(path+" "+tt.name, func(t *testing.T) {
				st := openFakeFeedServer(t, Options{})
				raw := st.rawDial(t, path)
				if _, err := raw.Write(tt.frame); err != nil {
					t.Fatal(err)
				}
				if got := readClose(t, raw); got != tt.want {
					t.Errorf("closed with %d, want %d", got, tt.want)
				}
				st.quiet(t)
			})
		}
	}
}

// TestHostileZeros sends 32 MiB in one message, in fragments that each are within the limit, to a
// server that was offered compression.
func TestHostileZeros(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	raw := st.rawDial(t, "/v1/ws")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	go func() {
		zeros := make([]byte, 32<<10)
		first := byte(websocket.TextMessage)
		for range 1024 {
			if _, err := raw.Write(masked(first, len(zeros), zeros)); err != nil {
				return
			}
			first = 0
		}
	}()
	if got := readClose(t, raw); got != 1009 {
		t.Errorf("closed with %d", got)
	}
	st.quiet(t)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}

func TestHostileFloodOfPings(t *testing.T) {
	st := openFakeFeedServer(t, Options{Limits: Limits{FramesPerSecond: 1_000_000, SubscriptionsPerSocket: 1, WriteTimeout: brisk}})
	for name, frame := range map[string][]byte{
		"native": small(0x81, `{"op":"ping"}`),
		"errors": small(0x81, `{"op":"nonsense"}`),
		"frames": small(0x80|websocket.PingMessage, strings.Repeat("x", 125)),
	} {
		t.Run(name, func(t *testing.T) {
			raw := st.rawDial(t, "/v1/ws")
			flood := bytes.Repeat(frame, 1000)
			for {
				if _, err := raw.Write(flood); err != nil {
					break // it never reads, and is cut off
				}
			}
			st.quiet(t)
		})
	}
}

// TestInboundRateHoldsBackOneSocketOnly has one socket send more frames than its rate allows while
// the test runs. A frame of another socket does not wait for them.
func TestInboundRateHoldsBackOneSocketOnly(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{Limits: Limits{FramesPerSecond: 1, SubscriptionsPerSocket: 1}})
	busy, other := st.dial(t, "/v1/ws"), st.dial(t, "/v1/ws")
	for range 10 + int(2*patience/time.Second) {
		busy.say(`{"op":"ping"}`)
	}
	other.hear()
	other.say(`{"op":"ping"}`)
	other.expect(`{"op":"pong","cursor":"node"}`)
}

// TestInboundRateSlowsASocketDown sends ten frames more than the burst of forty of a rate of
// twenty.
func TestInboundRateSlowsASocketDown(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{Limits: Limits{FramesPerSecond: 20, SubscriptionsPerSocket: 1}})
	busy := st.dial(t, "/v1/ws")
	busy.hear()
	began := time.Now()
	for range 40 + 10 {
		busy.say(`{"op":"ping"}`)
	}
	for range 50 {
		busy.expect(`{"op":"pong","cursor":"node"}`)
	}
	if took := time.Since(began); took < 400*time.Millisecond {
		t.Errorf("ten frames above the burst took %v", took)
	}
}

// TestHostileReader has a client that never reads. It is cut off, and another client notices
// nothing.
func TestHostileReader(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{Limits: Limits{WriteTimeout: brisk}})
	raw := st.rawDial(t, "/ws/room/5")
	deaf := st.feed.next(t)
	good := st.dial(t, "/ws/room/5")
	sub := st.feed.next(t)
	big := event(1, "room/5", "chat_message_created", `{"id":"`+strings.Repeat("x", 1<<20)+`"}`)
	for range 64 {
		deaf.push(notifier.Taken{Events: []*notifier.Event{big}})
	}
	sub.push(notifier.Taken{Events: []*notifier.Event{chatMessage(42)}})
	good.expect(`{"type":"chat_message_created","kwargs":{"id":"42","message":"Hello world!"}}`)
	apitest.WaitFor(t, "the deaf one's subscription to end", deaf.isClosed)
	raw.Close()
}

// TestSilentClientIsGivenUp has two clients that send nothing; one of them answers pings.
func TestSilentClientIsGivenUp(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{Limits: Limits{PongTimeout: brisk, PingInterval: 64 * time.Millisecond}})
	st.beat(t)
	good := st.dial(t, "/ws/room/5")
	sub := st.feed.next(t)
	go func() { _, _, _ = good.ReadMessage() }()
	if _, err := io.ReadAll(st.rawDial(t, "/ws/room/5")); err != nil {
		t.Error(err)
	}
	if sub.isClosed() {
		t.Error("the one that answers pings has been given up too")
	}
}

func TestLongHeaderIsRefused(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	st.startServing(t)
	r, _ := http.NewRequest("GET", "http://"+st.addr+"/v1/ws", nil)
	r.Header.Set("X", strings.Repeat("x", 32<<10))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %d", answer.StatusCode)
	}
}
