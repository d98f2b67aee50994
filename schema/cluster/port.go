package cluster

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// choosePort returns the port asked for, or for 0 the port of last time, or else a free one.
func (f folder) choosePort(asked int) (int, error) {
	if asked != 0 {
		return asked, checkPort(asked)
	}
	text, _ := os.ReadFile(f.port())
	last, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil && last > 0 && checkPort(last) == nil {
		return last, nil
	}
	return freePort()
}

// rememberPort keeps the port for the next start. It is a convenience: nothing is lost without it.
func (f folder) rememberPort(port int) {
	_ = os.WriteFile(f.port(), []byte(strconv.Itoa(port)+"\n"), 0o600)
}

// checkPort says whether the server could listen on a port.
func checkPort(port int) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("port %d on 127.0.0.1 cannot be used for PostgreSQL, most likely another program has it: choose another port, or 0 for any free one", port)
	}
	return listener.Close()
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port on 127.0.0.1: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
