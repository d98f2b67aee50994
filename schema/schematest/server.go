package schematest

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"rowcall/schema/cluster"
)

// prefix starts the name of every folder that tests make.
const prefix = "rowcall-test-"

// server is a throw-away cluster and its templates.
type server struct {
	cluster *cluster.Cluster
	options cluster.Options
	count   atomic.Int64 // databases made so far, for their names

	mu        sync.Mutex         // guards templates; held while one is made
	templates map[content]string // names of the migrated databases to clone
}

// startServer starts a throw-away cluster with settings for tests, and those given.
func startServer(ctx context.Context, settings map[string]string) (*server, error) {
	bin, err := binaries(ctx)
	if err != nil {
		return nil, err
	}
	port, err := unusedPort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(serverFolder(), prefix)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil { // the server's user passes through
		return nil, err
	}
	if err := ownFolder(dir); err != nil {
		return nil, err
	}
	o := cluster.Options{Dir: dir, Binaries: bin, Port: port, Auth: "md5", Settings: fast(settings), Logger: slog.New(slog.DiscardHandler)}
	c, err := cluster.Start(ctx, o)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &server{cluster: c, options: o, templates: map[content]string{}}, nil
}

// MaxConnections is how many connections the server of tests takes. A standby of it must take as many.
const MaxConnections = "400"

// fast are settings for data that nobody will miss. Commits are synchronous all the same: tests
// are about what a commit promises.
func fast(more map[string]string) map[string]string {
	settings := map[string]string{
		"fsync":                     "off",
		"password_encryption":       "md5", // scram-sha-256 is most of the work of opening a connection
		"full_page_writes":          "off",
		"max_connections":           MaxConnections,
		"max_prepared_transactions": "20",
		"shared_buffers":            "64MB",
		"max_wal_size":              "1GB",
		"checkpoint_timeout":        "1h",
		"jit":                       "off", // a test asks each of its questions a few times
	}
	maps.Copy(settings, more)
	return settings
}

// binaries are the machine's, or downloaded ones in a cache that the server's user can reach.
func binaries(ctx context.Context) (cluster.Binaries, error) {
	cache, err := os.UserCacheDir()
	if err != nil || os.Geteuid() == 0 {
		cache = "/var/cache"
	}
	return cluster.FindOrFetch(ctx, filepath.Join(cache, "rowcall"), slog.New(slog.DiscardHandler))
}

// remove stops the server the quick way and removes its files.
func (s *server) remove() error {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.cluster.Stop(now); err != nil {
		return err
	}
	if err := os.RemoveAll(s.options.Dir); err != nil {
		return fmt.Errorf("remove the tests' cluster: %w", err)
	}
	return nil
}
