package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// FindOrFetch is Find, and Fetch into dir where the machine has no server that can be used.
func FindOrFetch(ctx context.Context, dir string, log *slog.Logger) (Binaries, error) {
	bin, err := Find(ctx)
	if !errors.Is(err, ErrNoBinaries) {
		return bin, err
	}
	log.Info("PostgreSQL is not on this machine: downloading it, once", "dir", dir)
	bin, fetchErr := Fetch(ctx, dir)
	if fetchErr != nil {
		return Binaries{}, fmt.Errorf("%w, and it could not be downloaded: install PostgreSQL %d or newer: %w", err, MinMajor, fetchErr)
	}
	return bin, nil
}

// fetched is the version that Fetch downloads.
const fetched = embeddedpostgres.V18

// Fetch downloads a PostgreSQL server into dir, or finds what an earlier Fetch put there. It is
// for machines where Find finds none. The download has no psql.
func Fetch(ctx context.Context, dir string) (Binaries, error) {
	return fetch(ctx, dir, "https://repo1.maven.org/maven2")
}

// fetch downloads from a repository. The files appear under their final name only when all are
// there: an interrupted download leaves nothing that looks like a server.
func fetch(ctx context.Context, dir, repository string) (Binaries, error) {
	final := filepath.Join(dir, "postgresql-"+string(fetched))
	if bin, err := inspect(ctx, filepath.Join(final, "bin")); err == nil {
		return bin, nil
	}
	if err := makeReachable(dir); err != nil {
		return Binaries{}, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	scratch, err := os.MkdirTemp(dir, "fetching-")
	if err != nil {
		return Binaries{}, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	defer os.RemoveAll(scratch)
	if err := download(ctx, scratch, repository); err != nil {
		return Binaries{}, fmt.Errorf("download PostgreSQL %s: %w", fetched, err)
	}
	renameErr := os.Rename(filepath.Join(scratch, "server"), final)
	bin, err := inspect(ctx, filepath.Join(final, "bin")) // another process may have been first
	if err != nil {
		return Binaries{}, fmt.Errorf("put the downloaded PostgreSQL in its place: %w", errors.Join(renameErr, err))
	}
	return bin, nil
}

// download puts the server's files into scratch/server. The library cannot be cancelled: when ctx
// ends its goroutine is left alone, for the process is about to end then.
func download(ctx context.Context, scratch, repository string) error {
	result := make(chan error, 1)
	go func() { result <- unpack(scratch, repository) }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unpack lets the library download and unpack. It knows no way to do only that, so it is given a
// data folder that no server can start from, and its complaint about that is ignored if the
// programs are there.
func unpack(scratch, repository string) error {
	data := filepath.Join(scratch, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte("18\n"), 0o600); err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	server := filepath.Join(scratch, "server")
	err = embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(fetched).BinaryRepositoryURL(repository).Port(uint32(port)).Logger(io.Discard).
		CachePath(filepath.Join(scratch, "archive")).RuntimePath(filepath.Join(scratch, "run")).
		BinariesPath(server).DataPath(data)).Start()
	if err == nil {
		return errors.New("the library started a server from an empty folder")
	}
	if _, missing := os.Stat(filepath.Join(server, "bin", "postgres")); missing != nil {
		return err
	}
	return openToAll(server)
}

// openToAll lets every user read and run what lies under root, whatever the umask: when root asks
// for a cluster it runs as somebody else.
func openToAll(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		read := info.Mode().Perm() | 0o444
		if info.Mode()&0o100 != 0 {
			read |= 0o111
		}
		return os.Chmod(path, read)
	})
}
