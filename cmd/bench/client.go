package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// patience is how long the program waits for what must come. It also runs on slow and busy machines.
const patience = 2 * time.Minute

// protocol is one way to follow a room.
type protocol struct {
	name string
	open func(ctx context.Context, addr, cookie string, room int) (net.Conn, error)
}

func protocols() []protocol {
	return []protocol{{"chat socket", dialPlain}, {"native", dialNative}}
}

// dialPlain opens the chat's own socket of a room. It says nothing before the first event.
func dialPlain(ctx context.Context, addr, cookie string, room int) (net.Conn, error) {
	conn, _, err := dial(ctx, addr, fmt.Sprintf("/ws/room/%d", room), "Cookie", cookie)
	return conn, err
}

// dialNative opens a native socket and follows a room.
func dialNative(ctx context.Context, addr, cookie string, room int) (net.Conn, error) {
	conn, from, err := openNative(ctx, addr, cookie)
	if err != nil {
		return nil, err
	}
	err = ask(conn, fmt.Sprintf("room/%d", room), "")
	if err == nil {
		_, err = readSubscribed(from)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, conn.SetDeadline(time.Time{})
}

// openNative opens a native socket that follows nothing yet. Its deadline is set.
func openNative(ctx context.Context, addr, cookie string) (net.Conn, *bufio.Reader, error) {
	conn, from, err := dial(ctx, addr, "/v1/ws", "Cookie", cookie, "Sec-WebSocket-Protocol", "rowcall.v1")
	if err != nil {
		return nil, nil, err
	}
	text, err := readFrame(from)
	if err == nil && !strings.HasPrefix(string(text), `{"op":"welcome"`) {
		err = fmt.Errorf("waiting for welcome, heard %s", text)
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, from, nil
}

// ask asks to follow a topic, from a cursor if there is one.
func ask(conn net.Conn, topic, since string) error {
	request, err := json.Marshal(struct {
		Op    string `json:"op"`
		Topic string `json:"topic"`
		Since string `json:"since,omitempty"`
	}{"subscribe", topic, since})
	if err != nil {
		return err
	}
	return say(conn, request)
}

// readSubscribed reads the answer to ask, past everything else, and returns its cursor.
func readSubscribed(from *bufio.Reader) (cursor string, err error) { return readOp(from, "subscribed") }

// readOp reads up to the next frame of a kind, and returns its cursor. An error frame is an error.
func readOp(from *bufio.Reader, op string) (cursor string, err error) {
	for {
		text, err := readFrame(from)
		if err != nil {
			return "", fmt.Errorf("waiting for %s: %w", op, err)
		}
		var frame struct{ Op, Cursor string }
		if err := json.Unmarshal(text, &frame); err != nil {
			return "", fmt.Errorf("reading frame %s: %w", text, err)
		}
		switch frame.Op {
		case op:
			return frame.Cursor, nil
		case "error":
			return "", fmt.Errorf("waiting for %s, heard %s", op, text)
		}
	}
}

// dial makes a handshake. What the server says after its answer is in the reader, or will be.
func dial(ctx context.Context, addr, path string, header ...string) (net.Conn, *bufio.Reader, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	request := "GET " + path + " HTTP/1.1\r\nHost: " + addr + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for i := 0; i < len(header); i += 2 {
		request += header[i] + ": " + header[i+1] + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		conn.Close()
		return nil, nil, err
	}
	from := bufio.NewReader(conn)
	answer, err := http.ReadResponse(from, nil)
	if err == nil && answer.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("the handshake was answered %s", answer.Status)
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, from, nil
}

// say sends a text frame of less than 64 KiB. Its mask is zero, as a mask may be.
func say(conn net.Conn, text []byte) error {
	frame := []byte{0x81, 0x80 | byte(len(text))}
	if len(text) > 125 {
		frame = binary.BigEndian.AppendUint16([]byte{0x81, 0x80 | 126}, uint16(len(text)))
	}
	frame = append(frame, 0, 0, 0, 0)
	_, err := conn.Write(append(frame, text...))
	return err
}

// readFrame reads one frame of a server, which has no mask.
func readFrame(from *bufio.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return nil, err
	}
	length := uint64(head[1])
	switch length {
	case 126:
		var long [2]byte
		if _, err := io.ReadFull(from, long[:]); err != nil {
			return nil, err
		}
		length = uint64(binary.BigEndian.Uint16(long[:]))
	case 127:
		return nil, fmt.Errorf("a frame of more than 64 KiB")
	}
	payload := make([]byte, length)
	_, err := io.ReadFull(from, payload)
	return payload, err
}

// login returns the cookie of one of the samples' users.
func login(ctx context.Context, addr, user string) (string, error) {
	body := strings.NewReader(fmt.Sprintf(`{"username":%q,"password":%q}`, user, user))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/api/login", body)
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("logging in: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || len(answer.Cookies()) == 0 {
		return "", fmt.Errorf("logging in: %s", answer.Status)
	}
	cookie := answer.Cookies()[0]
	return cookie.Name + "=" + cookie.Value, nil
}
