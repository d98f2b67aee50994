package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"rowcall/cmd/internal/node"
	"rowcall/schema/cluster"
)

// base is where the numbers of the rooms and users of the measurements begin. Room and user
// base+n belong to writer n; nobody waits for another's row.
const base = 1000

// database is a PostgreSQL of the run's own with the four apps in it.
type database struct {
	cluster *cluster.Cluster
	dir     string
	url     string
}

// openDatabase starts the server with PostgreSQL's own defaults: fsync and synchronous_commit are
// on. There is a room for each writer, and one more.
func openDatabase(ctx context.Context, o options) (*database, error) {
	bin, err := cluster.FindOrFetch(ctx, binariesDir(), silent())
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.dir, "rowcall-bench-")
	if err != nil {
		return nil, fmt.Errorf("making the database's folder: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { // the server's user passes through
		return nil, fmt.Errorf("making the database's folder: %w", err)
	}
	c, err := cluster.Start(ctx, cluster.Options{Dir: dir, Binaries: bin, Logger: silent()})
	if err != nil {
		_ = os.RemoveAll(dir) // the error that counts is the server's
		return nil, err
	}
	db := &database{cluster: c, dir: dir, url: c.URL("bench")}
	if err := db.fill(ctx, c.URL("postgres"), o.writers+1); err != nil {
		db.close()
		return nil, err
	}
	return db, nil
}

// close stops the server and removes its files, also when the run was interrupted.
func (db *database) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := db.cluster.Stop(ctx); err != nil {
		slog.Warn("PostgreSQL did not stop", "err", err)
	}
	if err := os.RemoveAll(db.dir); err != nil {
		slog.Warn("files were left behind", "dir", db.dir, "err", err)
	}
}

// binariesDir is where PostgreSQL is downloaded to on a machine that has none.
func binariesDir() string {
	cache, err := os.UserCacheDir()
	if err != nil || os.Geteuid() == 0 {
		cache = "/var/cache"
	}
	return filepath.Join(cache, "rowcall")
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// fill makes the database, its tables and triggers, and the rows that the writers' rows belong to.
func (db *database) fill(ctx context.Context, maintenance string, rooms int) error {
	if err := execute(ctx, maintenance, "CREATE DATABASE bench"); err != nil {
		return err
	}
	c, err := example(db.url)
	if err != nil {
		return err
	}
	if err := node.Migrate(ctx, c, true, silent()); err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	return execute(ctx, db.url, `
		INSERT INTO users (id, username) SELECT $1 + n, 'writer' || n FROM generate_series(0, $2 - 1) n;
		INSERT INTO chat_rooms (id, owner_id, title) SELECT $1 + n, $1 + n, 'room' || n FROM generate_series(0, $2 - 1) n;
		INSERT INTO chat_room_members (room_id, user_id) SELECT $1 + n, 1 FROM generate_series(0, $2 - 1) n`, base, rooms)
}

// execute runs statements on a connection of their own.
func execute(ctx context.Context, url, statements string, args ...any) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close(ctx)
	args = append([]any{pgx.QueryExecModeSimpleProtocol}, args...)
	if _, err := conn.Exec(ctx, statements, args...); err != nil {
		return fmt.Errorf("running %q: %w", strings.TrimSpace(statements), err)
	}
	return nil
}

// durability is what the server says of itself. Anything but on would make the ratios worthless.
func (db *database) durability(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, db.url)
	if err != nil {
		return "", fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close(ctx)
	var version, fsync, commit string
	const query = `SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')`
	if err := conn.QueryRow(ctx, query).Scan(&version, &fsync, &commit); err != nil {
		return "", fmt.Errorf("reading the server's settings: %w", err)
	}
	if fsync != "on" || commit != "on" {
		return "", fmt.Errorf("fsync is %s and synchronous_commit %s: both have to be on", fsync, commit)
	}
	return "PostgreSQL " + version + ", fsync and synchronous_commit on", nil
}
