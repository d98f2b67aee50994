//go:build unix

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// account is who the server runs as. PostgreSQL refuses root; the zero account is whoever asks.
type account struct {
	uid, gid uint32
	name     string
}

// chooseAccount returns the zero account except for root, whose servers run as the owner of the
// data, else as who called sudo, else as postgres or nobody.
func chooseAccount(data string) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	info, err := os.Stat(data)
	if err == nil {
		stat := info.Sys().(*syscall.Stat_t)
		if stat.Uid != 0 {
			return account{stat.Uid, stat.Gid, accountName(stat.Uid)}, nil
		}
	}
	if found, err := user.LookupId(os.Getenv("SUDO_UID")); err == nil && found.Uid != "0" {
		return newAccount(found)
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		if found, err := user.Lookup(name); err == nil {
			return newAccount(found)
		}
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody: run this as another user")
}

func newAccount(found *user.User) (account, error) {
	uid, err := strconv.ParseUint(found.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("read the id of user %s: %w", found.Username, err)
	}
	gid, err := strconv.ParseUint(found.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("read the group of user %s: %w", found.Username, err)
	}
	return account{uint32(uid), uint32(gid), found.Username}, nil
}

func accountName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if found, err := user.LookupId(id); err == nil {
		return found.Username
	}
	return id
}

// own hands a file over to the account.
func (a account) own(path string) error {
	if a == (account{}) {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// command prepares a program that runs as the server's account, in a session of its own: Ctrl-C
// and the end of a terminal are for us, the server hears of them from us.
func (f folder) command(program string, arguments ...string) *exec.Cmd {
	return f.adopt(exec.Command(program, arguments...))
}

// output runs a program like command, to its end or until ctx ends. The thread is held meanwhile:
// its end would be a signal to the program.
func (f folder) output(ctx context.Context, program string, arguments ...string) (string, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := f.adopt(exec.CommandContext(ctx, program, arguments...))
	cmd.Cancel = func() error { return cmd.Process.Signal(fastShutdown) }
	cmd.WaitDelay = patience
	out, err := cmd.CombinedOutput()
	return oneLine(string(out)), err
}

func (f folder) adopt(cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = f.dir
	cmd.Env = serverEnvironment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if f.account != (account{}) {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: f.account.uid, Gid: f.account.gid}
	}
	followParent(cmd.SysProcAttr)
	return cmd
}

// serverEnvironment is ours without what would tell PostgreSQL another place or language.
func serverEnvironment() []string {
	var kept []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "PG") && !strings.HasPrefix(pair, "LC_") {
			kept = append(kept, pair)
		}
	}
	return append(kept, "LC_ALL=C")
}

// checkReach finds out whether the account can get at the folder and the programs, by trying: the
// same program is run from the folder and, when that is not permitted, from the root folder.
func (f folder) checkReach(ctx context.Context, bin Binaries) error {
	if _, err := f.output(ctx, bin.tool("postgres"), "--version"); !errors.Is(err, fs.ErrPermission) {
		return nil // whatever else may be wrong, the next command says it better
	}
	everywhere := folder{dir: "/", account: f.account}
	if _, err := everywhere.output(ctx, bin.tool("postgres"), "--version"); errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("user %s, who runs PostgreSQL here, may not run %s: let ROWCALL_PG_BIN name a folder of programs that everybody may run", f.accountName(), bin.tool("postgres"))
	}
	return fmt.Errorf("user %s, who runs PostgreSQL here, cannot reach %s: choose a data folder outside of private folders", f.accountName(), f.dir)
}

func (f folder) accountName() string {
	if f.account == (account{}) {
		return accountName(uint32(os.Geteuid()))
	}
	return f.account.name
}
