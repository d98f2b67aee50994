package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/config"
	"rowcall/schema/cluster"
)

// The demo's database, and the role that its node serves as.
const (
	demoDatabase = "rowcall"
	demoRole     = "rowcall_demo"
)

// stopPatience is how long the private PostgreSQL may take to write everything to disk.
const stopPatience = 30 * time.Second

// errServerGone says that the private PostgreSQL ended by itself.
var errServerGone = errors.New("the demo's PostgreSQL ended by itself")

// private is the demo's own PostgreSQL.
type private struct {
	*cluster.Cluster
	dir string
}

// defaultDataDir returns the folder for an application's data on this system. Root has another
// folder, because root's PostgreSQL runs as an unprivileged user that cannot read root's own
// folders.
func defaultDataDir(environment map[string]string) string {
	home := environment["HOME"]
	switch {
	case environment["ROWCALL_DATA_DIR"] != "":
		return environment["ROWCALL_DATA_DIR"]
	case os.Geteuid() == 0:
		return "/var/lib/rowcall/demo"
	case environment["XDG_DATA_HOME"] != "":
		return filepath.Join(environment["XDG_DATA_HOME"], "rowcall", "demo")
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support", "rowcall", "demo")
	}
	return filepath.Join(home, ".local", "share", "rowcall", "demo")
}

// startPrivate finds or fetches a PostgreSQL and starts it on the demo's folder.
func startPrivate(ctx context.Context, o demoOptions, log *slog.Logger) (*private, error) {
	bin, err := cluster.FindOrFetch(ctx, filepath.Join(o.dir, "postgresql"), log)
	if err != nil {
		return nil, fmt.Errorf("%w; or name a server that is there with --database-url", err)
	}
	log.Info("starting PostgreSQL", "version", bin.Version, "dir", o.dir)
	c, err := cluster.Start(ctx, cluster.Options{Dir: o.dir, Binaries: bin, Fresh: o.fresh, Logger: log})
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: name a folder of your own with --data-dir", err)
	}
	if err != nil {
		return nil, err
	}
	return &private{c, o.dir}, nil
}

// watch returns a context that ends with the server.
func (s *private) watch(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-s.Done():
			cancel(fmt.Errorf("%w: %s", errServerGone, s.LastWords()))
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// stop shuts the server down. After a further signal it takes the quick way, which leaves recovery
// to the next start.
func (s *private) stop(ctx context.Context) error {
	hurry, release := hurried(ctx)
	defer release()
	hurry, cancel := context.WithTimeout(hurry, stopPatience)
	defer cancel()
	return s.Cluster.Stop(hurry)
}

// psql returns a command that opens the demo's database without a password.
func (s *private) psql() string { return s.Psql(demoDatabase) }

// createDatabase makes the demo's database where it is missing, and returns its URL for the owner.
func (s *private) createDatabase(ctx context.Context) (config.DSN, error) {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return "", fmt.Errorf("connect to the demo's PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	const exists = `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`
	var there bool
	if err := conn.QueryRow(ctx, exists, demoDatabase).Scan(&there); err != nil {
		return "", fmt.Errorf("look for the demo's database: %w", err)
	}
	if !there {
		if _, err := conn.Exec(ctx, "CREATE DATABASE "+demoDatabase); err != nil {
			return "", fmt.Errorf("create the demo's database: %w", err)
		}
	}
	return config.DSN(s.URL(demoDatabase)), nil
}

// createRole makes the role that the node serves as, with a password for this run only, and returns
// the URL of the database for it. The role may do what rowcall_server may, and nothing else.
func (s *private) createRole(ctx context.Context, owner config.DSN) (config.DSN, error) {
	conn, err := pgx.Connect(ctx, string(owner))
	if err != nil {
		return "", fmt.Errorf("connect to the demo's database: %w", err)
	}
	defer conn.Close(ctx)
	const exists = `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`
	var there bool
	if err := conn.QueryRow(ctx, exists, demoRole).Scan(&there); err != nil {
		return "", fmt.Errorf("look for the role that serves: %w", err)
	}
	statement := "CREATE ROLE " + demoRole + " IN ROLE rowcall_server LOGIN PASSWORD "
	if there {
		statement = "ALTER ROLE " + demoRole + " LOGIN PASSWORD "
	}
	password := rand.Text() // letters and digits: safe between quotes
	if _, err := conn.Exec(ctx, statement+"'"+password+"'"); err != nil {
		return "", fmt.Errorf("let the role that serves log in: %w", err)
	}
	return config.DSN(s.URLFor(demoRole, password, demoDatabase)), nil
}
