package schematest

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// UnusedAddress returns an address on 127.0.0.1 on which no program listens.
func UnusedAddress(t testing.TB) string {
	t.Helper()
	port, err := unusedPort()
	if err != nil {
		t.Fatal(err)
	}
	return address(port)
}

// The ports to choose from are none of those that systems give to outgoing connections. Such a connection could take
// a port before the server for which it was chosen, or while that server is restarted.
const (
	firstPort = 15_000
	lastPort  = 30_000
)

func unusedPort() (int, error) {
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		listener, err := net.Listen("tcp", address(port))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, errors.New("find a port for a server of the tests: all that were tried are in use")
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
