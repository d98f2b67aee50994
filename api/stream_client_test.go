package api

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// receivedFrame is a frame as EventSource reads it. Without data it is no event.
type receivedFrame struct {
	event, data, id string
	retry           int // milliseconds; 0 when it is not there
	hasID, hasData  bool
}

// streamClient is a client of an event stream.
type streamClient struct {
	t      testing.TB
	answer *http.Response
	lines  *bufio.Reader
	last   string // what it would bring as Last-Event-ID
	leave  func()
}

// listen opens a stream. It must end within several times the deadline of a test.
func listen(t testing.TB, base string, values url.Values, header ...string) *streamClient {
	t.Helper()
	return listenAt(t, base+streamPath, values, header...)
}

func listenAt(t testing.TB, address string, values url.Values, header ...string) *streamClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 6*patience)
	r, err := http.NewRequestWithContext(ctx, "GET", address+"?"+values.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := new(http.Transport).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	l := &streamClient{t: t, answer: answer, lines: bufio.NewReader(answer.Body)}
	l.leave = func() { cancel(); answer.Body.Close() }
	t.Cleanup(l.leave)
	return l
}

// next reads a frame as the HTML standard says, and skips comments. The error is io.EOF at the end.
func (l *streamClient) next() (receivedFrame, error) {
	var h receivedFrame
	for {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			return receivedFrame{}, err
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" && h == (receivedFrame{}) {
			continue
		}
		if line == "" {
			if h.hasID {
				l.last = h.id
			}
			return h, nil
		}
		h.read(line)
	}
}

func (h *receivedFrame) read(line string) {
	field, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch field {
	case "event":
		h.event = value
	case "data":
		h.data, h.hasData = h.data+value, true
	case "id":
		h.id, h.hasID = value, true
	case "retry":
		h.retry, _ = strconv.Atoi(value)
	}
}

// block returns the next frame, which must come.
func (l *streamClient) block() receivedFrame {
	l.t.Helper()
	h, err := l.next()
	if err != nil {
		l.t.Fatalf("the stream has ended: %v", err)
	}
	return h
}

// live reads the first frame, which says that the stream is live.
func (l *streamClient) live() receivedFrame {
	l.t.Helper()
	h := l.block()
	if l.answer.StatusCode != http.StatusOK || h.retry < 1000 || h.retry > 5000 || h.hasData {
		l.t.Fatalf("answered %d %+v, want a block with retry alone", l.answer.StatusCode, h)
	}
	return h
}

// event returns the data of the next event, and skips other frames.
func (l *streamClient) event() string {
	l.t.Helper()
	for {
		if h := l.block(); h.hasData {
			if h.event != "" {
				l.t.Fatalf("an event of type %s: %s", h.event, h.data)
			}
			return h.data
		}
	}
}

// ends reads to the end, and expects no event before it.
func (l *streamClient) ends() {
	l.t.Helper()
	for {
		h, err := l.next()
		if err == io.EOF {
			return
		}
		if err != nil || h.hasData {
			l.t.Fatalf("heard %+v, %v, want the end", h, err)
		}
	}
}

// topics returns the query of a request for topics, with more pairs of names and values.
func topics(names string, more ...string) url.Values {
	v := url.Values{"topic": strings.Split(names, " ")}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// quickly fails the test if a call hangs.
func quickly(t testing.TB, what string, do func()) {
	t.Helper()
	late := time.AfterFunc(patience, func() { t.Errorf("%s takes too long", what) })
	defer late.Stop()
	do()
}
