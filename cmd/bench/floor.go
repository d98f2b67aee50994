package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// floor is the shortest way from a row to a socket: a trigger that sends the row by NOTIFY, a loop
// that does nothing but LISTEN, and for each socket of the topic one write of gorilla's prepared
// message. It loses rows where Rowcall does not, and holds all sockets up where one is slow. It has a
// database of its own, so that neither way hears the other's rings.
type floor struct {
	url    string
	addr   string
	server *http.Server
	group  errgroup.Group

	mu      sync.Mutex // guards sockets
	sockets map[string][]*websocket.Conn
}

// bareTable is like the chat's messages: each row refers to two others.
const bareTable = `CREATE TABLE rooms (id int PRIMARY KEY);
CREATE TABLE senders (id int PRIMARY KEY);
INSERT INTO rooms VALUES (1);
INSERT INTO senders VALUES (1);
CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int NOT NULL, message text NOT NULL,
    room_id int NOT NULL DEFAULT 1 REFERENCES rooms, sender_id int NOT NULL DEFAULT 1 REFERENCES senders);
CREATE FUNCTION bare_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('bare', NEW.n || ' ' || json_build_object('id', NEW.id, 'message', NEW.message));
    RETURN NULL;
END $$;
CREATE TRIGGER bare_notify AFTER INSERT ON bare FOR EACH ROW EXECUTE FUNCTION bare_notify()`

// startFloor makes the database and serves sockets.
func startFloor(ctx context.Context, b *bench) (*floor, error) {
	if err := execute(ctx, b.url, `CREATE DATABASE floor`); err != nil {
		return nil, err
	}
	f := &floor{url: b.cluster.URL("floor"), sockets: make(map[string][]*websocket.Conn)}
	if err := execute(ctx, f.url, bareTable); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the floor's sockets: %w", err)
	}
	f.addr = listener.Addr().String()
	f.server = &http.Server{Handler: http.HandlerFunc(f.serveSocket)}
	f.group.Go(func() error { return f.server.Serve(listener) })
	return f, nil
}

// close ends the server. Its sockets were closed by those who have opened them.
func (f *floor) close() error {
	err := f.server.Close()
	if ended := f.group.Wait(); !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// serveSocket serves a socket of the topics that its path names, until the other side closes it.
func (f *floor) serveSocket(w http.ResponseWriter, r *http.Request) {
	topics := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), ",")
	conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		return // the client was answered
	}
	defer conn.Close()
	f.mu.Lock()
	_ = conn.WriteMessage(websocket.TextMessage, []byte(registered)) // before carry can write to it: one writer at a time
	for _, topic := range topics {
		f.sockets[topic] = append(f.sockets[topic], conn)
	}
	f.mu.Unlock()
	_, _, _ = conn.NextReader()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, topic := range topics {
		isThis := func(other *websocket.Conn) bool { return other == conn }
		f.sockets[topic] = slices.DeleteFunc(slices.Clone(f.sockets[topic]), isThis)
	}
}

// registered is what the floor says to a socket that it has registered.
const registered = "registered"

func (f *floor) way(c rateCase) way {
	open := func(ctx context.Context, number int) (net.Conn, error) {
		path := "/" + strings.Trim(strings.ReplaceAll(fmt.Sprint(topicsOf(c, number)), " ", ","), "[]")
		conn, from, err := dial(ctx, f.addr, path)
		if err != nil {
			return nil, err
		}
		if text, err := readFrame(from); err != nil || string(text) != registered {
			return nil, errors.Join(err, fmt.Errorf("the floor's socket says %q", text), conn.Close())
		}
		return conn, conn.SetDeadline(time.Time{})
	}
	return way{url: f.url, insert: `INSERT INTO bare (n, message) VALUES ($1, $2)`, open: open, begin: f.begin}
}

// begin listens until the returned function is called.
func (f *floor) begin(ctx context.Context) (end func() error, err error) {
	conn, err := pgx.Connect(ctx, f.url)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	if _, err := conn.Exec(ctx, "LISTEN bare"); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	listening, stop := context.WithCancel(ctx)
	var loop errgroup.Group
	loop.Go(func() error { return f.carry(listening, conn) })
	return func() error {
		stop()
		return errors.Join(loop.Wait(), conn.Close(context.WithoutCancel(ctx)))
	}, nil
}

// carry writes each row to the sockets of its topic, one after the other.
func (f *floor) carry(ctx context.Context, conn *pgx.Conn) error {
	for {
		ring, err := conn.WaitForNotification(ctx)
		if err != nil {
			return unlessEnded(ctx, err)
		}
		topic, row, _ := strings.Cut(ring.Payload, " ")
		frame, err := websocket.NewPreparedMessage(websocket.TextMessage, []byte(row))
		if err != nil {
			return fmt.Errorf("preparing a frame: %w", err)
		}
		f.mu.Lock()
		sockets := f.sockets[topic]
		f.mu.Unlock()
		for _, socket := range sockets {
			if err := socket.WritePreparedMessage(frame); err != nil {
				return fmt.Errorf("writing a frame: %w", err)
			}
		}
	}
}
