package main

import (
	"bufio"
	"context"
	"encoding/binary"
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
	conn, from, err := dial(ctx, addr, "/v1/ws", "Cookie", cookie, "Sec-WebSocket-Protocol", "rowcall.v1")
	if err != nil {
		return nil, err
	}
	err = say(conn, fmt.Sprintf(`{"op":"subscribe","topic":"room/%d"}`, room))
	for _, op := range []string{"welcome", "subscribed"} {
		if err != nil {
			break
		}
		err = expect(from, op)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, conn.SetDeadline(time.Time{})
}

func expect(from *bufio.Reader, op string) error {
	text, err := readFrame(from)
	if err == nil && !strings.HasPrefix(string(text), `{"op":"`+op+`"`) {
		return fmt.Errorf("waiting for %s, heard %s", op, text)
	}
	return err
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

// say sends a short text frame. Its mask is zero, as a mask may be.
func say(conn net.Conn, text string) error {
	frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
	_, err := conn.Write(frame)
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
