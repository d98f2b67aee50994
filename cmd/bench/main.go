// Bench takes Rowcall's own measurements on a PostgreSQL of its own, with every commit on disk before
// it is answered, and prints them as ratios: what a machine does in a second says little, what
// Rowcall leaves of it says much.
//
// Run it with make bench, or go run ./cmd/bench -h to see what can be chosen. Everything is on the
// loopback, has an end, and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what a run may be told.
type options struct {
	only    string        // names of measurements, with commas; empty: all
	rounds  int           // of each form of a measurement; the median counts
	round   time.Duration // how long one round is measured
	writers int           // that insert at the same time
	sockets int           // that follow one topic
	idle    int           // that do nothing
	samples int           // of latency
	bulk    int           // events of a large transaction
	beside  string        // which neighbors to measure, by a part of their names; empty: all
	dir     string        // where the database is put
	profile string        // where profiles are put; empty: none
	timeout time.Duration // of the whole run
}

func parseOptions(args []string, stdout io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.StringVar(&o.only, "only", "", "measurements to take, with commas: "+strings.Join(names(), ","))
	flags.IntVar(&o.rounds, "rounds", 9, "rounds of each form of writing, and a third of them of each form of fan-out; the median counts")
	flags.DurationVar(&o.round, "round", 2*time.Second, "length of a round")
	flags.IntVar(&o.writers, "writers", 32, "connections that insert at the same time")
	flags.IntVar(&o.sockets, "sockets", 1000, "sockets that follow one topic")
	flags.IntVar(&o.idle, "idle", 10_000, "sockets that do nothing, as far as the limit of open files allows")
	flags.IntVar(&o.samples, "samples", 300, "samples of latency")
	flags.IntVar(&o.bulk, "bulk", 300_000, "events of a large transaction")
	flags.StringVar(&o.beside, "beside", "", "neighbors to measure: those whose name holds this text; all when empty")
	flags.StringVar(&o.dir, "dir", "", "folder for the database, on the disk to measure; the system's temporary folder when empty")
	flags.StringVar(&o.profile, "profile", "", "folder for CPU profiles, one a measurement")
	flags.DurationVar(&o.timeout, "timeout", 10*time.Minute, "end of the whole run")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	for name := range strings.SplitSeq(o.only, ",") {
		if name != "" && !slices.Contains(names(), name) {
			return options{}, fmt.Errorf("there is no measurement %q: choose of %s", name, strings.Join(names(), ","))
		}
	}
	return o, nil
}

func (o options) wants(name string) bool {
	return o.only == "" || slices.Contains(strings.Split(o.only, ","), name)
}

// measurement is one thing that is measured.
type measurement struct {
	name string
	take func(context.Context, *bench) error
}

func measurements() []measurement {
	return []measurement{{"writers", writers}, {"capture", capture}, {"fanout", fanOut}, {"latency", latency}, {"rates", rates}, {"neighbors", neighbors}, {"idle", idle}}
}

func names() []string {
	var all []string
	for _, m := range measurements() {
		all = append(all, m.name)
	}
	return all
}

// bench is one run of the program.
type bench struct {
	options
	*database
	out io.Writer
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.out, format+"\n", args...) }

// run takes the measurements that are wanted. A result that is not as fast as the goal is no error; an
// event that is lost, doubled or out of order is.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	o, err := parseOptions(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	db, err := openDatabase(ctx, o)
	if err != nil {
		return err
	}
	defer db.close()
	b := &bench{options: o, database: db, out: stdout}
	if err := b.introduce(ctx); err != nil {
		return err
	}
	for _, m := range measurements() {
		if !o.wants(m.name) {
			continue
		}
		if err := b.profiled(m.name, func() error { return m.take(ctx, b) }); err != nil {
			return fmt.Errorf("measuring %s: %w", m.name, err)
		}
	}
	return nil
}

// introduce says what is measured on. Programs that compete for the processors make ratios worse, and
// more so the rate that writers keep: on a busy machine there is no time left in which they only wait
// for the disk.
func (b *bench) introduce(ctx context.Context) error {
	settings, err := b.durability(ctx)
	if err != nil {
		return err
	}
	b.say("%d processors, %s, %s", runtime.GOMAXPROCS(0), runtime.Version(), settings)
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		average, _, _ := strings.Cut(string(load), " ")
		b.say("load average of the machine before the start: %s", average)
	}
	return nil
}
