package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// folder is what a cluster keeps on disk, and the account that owns it:
//
//	lock          held while a process runs the cluster; contains its process id
//	cluster/      PostgreSQL's data folder
//	password      the superuser's, for connections over TCP
//	port          the port of last time
//	server.log    what the server said since its last start
type folder struct {
	dir     string
	account account
}

func (f folder) data() string     { return filepath.Join(f.dir, "cluster") }
func (f folder) password() string { return filepath.Join(f.dir, "password") }
func (f folder) port() string     { return filepath.Join(f.dir, "port") }
func (f folder) log() string      { return filepath.Join(f.dir, "server.log") }

// openFolder makes the folder where it is missing and decides which account the server runs as.
func openFolder(dir string) (folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return folder{}, fmt.Errorf("find the data folder: %w", err)
	}
	if err := makeReachable(dir); err != nil {
		return folder{}, fmt.Errorf("make the data folder: %w", err)
	}
	f := folder{dir: dir}
	if f.account, err = chooseAccount(f.data()); err != nil {
		return folder{}, err
	}
	return f, nil
}

// makeReachable makes a folder and its missing parents. What root makes here another user must be
// able to pass through, whatever the umask.
func makeReachable(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := makeReachable(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chmod(dir, 0o755)
}

// made reports whether an earlier run created the data. A data folder that somebody else made is
// an error: it is neither started nor thrown away.
func (f folder) made() (bool, error) {
	if _, err := os.Stat(f.data()); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	for _, path := range []string{filepath.Join(f.data(), "PG_VERSION"), f.password()} {
		if _, err := os.Stat(path); err != nil {
			return false, fmt.Errorf("%s was not made by Rowcall, so it is left alone: choose another data folder", f.data())
		}
	}
	return true, nil
}

// empty throws the data of earlier runs away.
func (f folder) empty() error {
	made, err := f.made()
	if err != nil || !made {
		return err
	}
	if err := os.RemoveAll(f.data()); err != nil {
		return fmt.Errorf("throw the old data away: %w", err)
	}
	return nil
}

// matching returns binaries of the major version that made the data: those given, or else others
// that the machine has.
func (f folder) matching(ctx context.Context, given Binaries, log *slog.Logger) (Binaries, error) {
	text, err := os.ReadFile(filepath.Join(f.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return given, nil
	}
	if err != nil {
		return Binaries{}, fmt.Errorf("read the version of the data: %w", err)
	}
	version := strings.TrimSpace(string(text))
	if version == strconv.Itoa(given.Major) {
		return given, nil
	}
	for _, other := range installed(ctx) {
		if version == strconv.Itoa(other.Major) {
			log.Info("the data was made by another version of PostgreSQL, which is here too", "version", other.Version, "dir", other.Dir)
			return other, nil
		}
	}
	return Binaries{}, fmt.Errorf("the data in %s was made by PostgreSQL %s, but %s is version %s: begin anew with fresh data, or install PostgreSQL %s",
		f.dir, version, given.Dir, given.Version, version)
}

// prepare creates the data where there is none and returns the superuser's password.
func (f folder) prepare(ctx context.Context, bin Binaries, o Options) (string, error) {
	if err := f.checkReach(ctx, bin); err != nil {
		return "", err
	}
	made, err := f.made()
	if err != nil {
		return "", err
	}
	if !made {
		return f.create(ctx, bin, o)
	}
	secret, err := os.ReadFile(f.password())
	if err != nil {
		return "", fmt.Errorf("read the cluster's password: %w", err)
	}
	return strings.TrimSpace(string(secret)), nil
}

// create runs initdb in a scratch folder and moves the result into place, so that a run killed in
// the middle leaves nothing that looks like data.
func (f folder) create(ctx context.Context, bin Binaries, o Options) (string, error) {
	secret := rand.Text()
	if err := f.writePassword(secret); err != nil {
		return "", fmt.Errorf("write the cluster's password: %w", err)
	}
	scratch := f.data() + ".new"
	if err := f.makeScratch(scratch); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	arguments := []string{
		"-D", scratch, "-U", Superuser, "--pwfile", f.password(),
		"--auth-local=trust", "--auth-host=" + cmp.Or(o.Auth, "scram-sha-256"), "--encoding=UTF8", "--no-locale", "--no-instructions",
	}
	if o.Settings["fsync"] == "off" {
		arguments = append(arguments, "--no-sync")
	}
	if out, err := f.output(ctx, bin.tool("initdb"), arguments...); err != nil {
		return "", fmt.Errorf("create the database cluster: %w: %s", err, out)
	}
	if err := os.Rename(scratch, f.data()); err != nil {
		return "", fmt.Errorf("put the new data in its place: %w", err)
	}
	return secret, nil
}

// writePassword leaves a file that only the server's account (and root) can read.
func (f folder) writePassword(secret string) error {
	if err := os.RemoveAll(f.password()); err != nil {
		return err
	}
	if err := os.WriteFile(f.password(), []byte(secret+"\n"), 0o600); err != nil {
		return err
	}
	return f.account.own(f.password())
}

func (f folder) makeScratch(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	return f.account.own(path)
}
