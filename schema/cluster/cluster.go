// Package cluster runs a private PostgreSQL server from the binaries of the machine: the demo's
// own, and the throw-away servers of the tests.
//
// A running cluster has one goroutine, which holds the operating system's thread that started the
// server: on Linux the kernel shuts the server down when that thread ends, so a server does not
// outlive the process that started it, however that process ends. Elsewhere a server that was
// left behind is stopped by the next Start on the same folder.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"
)

// Options say what to run, and where. Dir and Binaries are required.
type Options struct {
	Dir      string            // the folder that holds everything of this cluster; made when missing
	Binaries Binaries          // what Find or Fetch found
	Port     int               // on 127.0.0.1; 0: the port of last time, or a free one
	Settings map[string]string // server settings for this run, such as fsync
	Auth     string            // how pg_hba.conf of new data checks passwords; scram-sha-256
	Fresh    bool              // throw the data of earlier runs away
	Logger   *slog.Logger      // slog.Default()
}

// Cluster is a running server.
type Cluster struct {
	folder  folder
	bin     Binaries
	port    int
	secret  string // password of the superuser over TCP
	process *process
	lock    *lock
}

// Start starts the server of o.Dir and returns when it accepts connections. The first Start
// creates the data; a later one finds it again. A server that an earlier, killed run left behind
// is stopped first. Every error is one sentence that says what to do.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	f, err := openFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	lock, err := f.acquire()
	if err != nil {
		return nil, err
	}
	c, err := start(ctx, f, o)
	if err != nil {
		lock.release()
		return nil, err
	}
	c.lock = lock
	return c, nil
}

// start does the work of Start while the folder is locked.
func start(ctx context.Context, f folder, o Options) (*Cluster, error) {
	if err := f.stopLeftover(ctx); err != nil {
		return nil, err
	}
	if o.Fresh {
		if err := f.empty(); err != nil {
			return nil, err
		}
	}
	bin, err := f.matching(ctx, o.Binaries, o.logger())
	if err != nil {
		return nil, err
	}
	secret, err := f.prepare(ctx, bin, o)
	if err != nil {
		return nil, err
	}
	c := &Cluster{folder: f, bin: bin, secret: secret}
	return c, c.launch(ctx, o)
}

// tryFor is how long launch tries to get hold of a port or of its own shared memory.
const tryFor = 30 * time.Second

// launch starts the server process. Between the choice of a free port and its use another program
// may take it, and the last backends of a killed server may need a moment to go: both are tried again.
func (c *Cluster) launch(ctx context.Context, o Options) error {
	var err error
	for began := time.Now(); time.Since(began) < tryFor; {
		if c.port, err = c.folder.choosePort(o.Port); err != nil {
			return err
		}
		if err = c.run(ctx, o.Settings); err == nil {
			c.folder.rememberPort(c.port)
			o.logger().Debug("PostgreSQL is running", "dir", c.folder.dir, "version", c.bin.Version, "port", c.port)
			return nil
		}
		if !errors.Is(err, errAgain) || ctx.Err() != nil {
			break
		}
	}
	return err
}

// run starts the server process once and waits until it is ready.
func (c *Cluster) run(ctx context.Context, settings map[string]string) error {
	log, err := os.OpenFile(c.folder.log(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("open the server's log: %w", err)
	}
	defer log.Close()
	cmd := c.folder.command(c.bin.tool("postgres"), c.arguments(settings)...)
	cmd.Stdout, cmd.Stderr = log, log
	if c.process, err = spawn(cmd); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	return c.awaitReady(ctx)
}

// arguments are the server's. The settings go on the command line: nothing of one run is left in
// the data for the next.
func (c *Cluster) arguments(settings map[string]string) []string {
	all := []string{
		"-D", c.folder.data(),
		"-c", "port=" + strconv.Itoa(c.port),
		"-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=" + c.socketSetting(),
		"-c", "logging_collector=off",
		"-c", "log_destination=stderr",
		"-c", "log_line_prefix=%m [%p] %q%u@%d %a ",
	}
	for name, value := range settings {
		all = append(all, "-c", name+"="+value)
	}
	return all
}

// Stop shuts the server down and waits until it is gone: clients are disconnected, the data is
// left clean. When ctx ends first it is shut down at once, and the next start recovers the data.
// The server is gone when Stop returns, in any case. Stopping twice is harmless.
func (c *Cluster) Stop(ctx context.Context) error {
	defer c.lock.release()
	if err := c.process.stop(ctx); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}

// Kill ends the server like a crash, for tests: SIGKILL to the server's first process, on which
// the others end by themselves.
func (c *Cluster) Kill() {
	c.process.kill()
	c.lock.release()
}

// Remove removes the whole folder of a cluster that no living process runs, stopping what a killed
// one left behind. A folder that is in use is left alone, with an error.
func Remove(dir string) error {
	f, err := openFolder(dir)
	if err != nil {
		return err
	}
	lock, err := f.acquire()
	if err != nil {
		return err
	}
	defer lock.release()
	if err := f.stopLeftover(context.Background()); err != nil {
		return err
	}
	return os.RemoveAll(f.dir)
}

// Done is closed when the server has ended, whoever ended it.
func (c *Cluster) Done() <-chan struct{} { return c.process.done }

// LastWords is the end of the server's log, on one line, for the report of a server that ended by itself.
func (c *Cluster) LastWords() string { return c.folder.lastWords() }

// Data is the server's data folder.
func (c *Cluster) Data() string { return c.folder.data() }

// Port is where the server listens on 127.0.0.1.
func (c *Cluster) Port() int { return c.port }

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.Default()
	}
	return o.Logger
}

// oneLine puts a tool's output on one line, for an error.
func oneLine(text string) string {
	return strings.Join(strings.Fields(text), " ")
}
