// Package watch is the inside of rowcall watch: it makes tables live, prepares a node of this machine that serves them, says
// where their page is, and prints their changes.
package watch

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"

	"rowcall/api/identity"
	"rowcall/cmd/internal/node"
	"rowcall/config"
	"rowcall/config/rules"
	"rowcall/notifier/topic"
	"rowcall/triggers/tables"
)

// Options say what is watched, and where it is shown.
type Options struct {
	Topic  string            // a pattern for the only table; empty: each table's name
	Public bool              // everybody who reaches the node may read the tables
	JSON   bool              // changes are printed as JSON
	Lookup map[string]string // the environment, for NO_COLOR and TERM
	Out    io.Writer         // for changes alone, which another program may read
	Note   func(line string) // for the person in front of the terminal
}

// Settings returns the settings of the node. Of the given ones it takes how to reach the database, the limits and the settings
// of the log: the node has no accounts, and no topics but those of its tables. The error says that addr is reached from other
// machines; an empty addr is any free port of this one.
func Settings(given *config.Config, addr string) (*config.Config, error) {
	c := config.Default()
	c.Database, c.Limits, c.Log, c.LogFormat, c.LogLevel = given.Database, given.Limits, given.Log, given.LogFormat, given.LogLevel
	c.Auth.Users.Table = "-"
	c.Limits.Exempt = append(c.Limits.Exempt, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	c.HTTP.Addr = "127.0.0.1:0"
	if addr != "" {
		c.HTTP.Addr = addr
	}
	if host, _, err := net.SplitHostPort(c.HTTP.Addr); err != nil || !rules.IsLoopback(host) {
		return nil, fmt.Errorf("rowcall watch serves this machine only, and %s is an address for others: give --addr 127.0.0.1:0, "+
			"or declare the tables in a configuration file and run rowcall serve", c.HTTP.Addr)
	}
	return &c, nil
}

// Watch is one rowcall watch. Close it afterwards.
type Watch struct {
	*node.Watch
	config   *config.Config
	options  Options
	operator *identity.Operator
	tail     *tail // nil before Start
	node     *node.Node
}

// Open opens the database.
func Open(ctx context.Context, c *config.Config, o Options) (*Watch, error) {
	attaching, err := node.OpenWatch(ctx, c, o.Note)
	if err != nil {
		return nil, err
	}
	return &Watch{Watch: attaching, config: c, options: o, operator: identity.NewOperator()}, nil
}

// Prepare makes the tables live, and returns the node that is to serve them. Run the node.
func (w *Watch) Prepare(ctx context.Context, names []string, log *slog.Logger) (*node.Node, error) {
	allow := rules.AllowStaff
	if w.options.Public {
		allow = rules.AllowPublic
	}
	if err := w.Attach(ctx, names, tables.WatchOptions{Topic: w.options.Topic, Allow: allow}); err != nil {
		return nil, err
	}
	var err error
	w.node, err = node.Open(ctx, w.config, node.Options{Operator: w.operator}, log)
	return w.node, err
}

// Start prints changes from now on, and says where the page is. address is that of the node's pages, and ends with a slash.
// stop is called if nobody reads what is printed. Call Start while the node runs, and Wait when it has ended.
func (w *Watch) Start(ctx context.Context, stop context.CancelFunc, address string) {
	w.tail = &tail{
		node: w.node, topics: followedTopics(w.config.Tables), who: w.operator.Identity(),
		lines: newLines(w.options), note: w.options.Note,
	}
	w.tail.start(ctx, stop)
	w.greet(address)
}

// Wait waits until nothing is printed any more.
func (w *Watch) Wait() {
	if w.tail != nil {
		w.tail.wait()
	}
}

// greet says where the live page is. It comes when whatever is committed from now on will be printed.
func (w *Watch) greet(address string) {
	lines := []string{
		"",
		"  page    " + address + "live#code=" + w.operator.Code(),
		"          The code works once, within ten minutes, on this machine. Whoever opens the page with it reads these tables.",
		"  topics  " + strings.Join(patternsOf(w.config.Tables), ", "),
	}
	if w.options.Public {
		lines = append(lines, "",
			"  PUBLIC  Everybody who reaches "+address+" reads every row and column of these tables, without a code:",
			"          every user and every program of this machine. Put no proxy and no tunnel in front of it.")
	}
	for _, line := range append(lines, "", "Changes follow. Ctrl-C ends this.") {
		w.options.Note(line)
	}
}

// patternsOf are the topics of declared tables, as they are declared.
func patternsOf(declared []rules.Table) []string {
	var patterns []string
	for _, t := range declared {
		for _, own := range t.Topics {
			patterns = append(patterns, own.Topic)
		}
	}
	return patterns
}

// followedTopics are the topics of declared tables that have no parameters: of each table there is one, above all others.
func followedTopics(declared []rules.Table) []topic.Topic {
	var topics []topic.Topic
	for _, pattern := range patternsOf(declared) {
		if !strings.Contains(pattern, "{") {
			topics = append(topics, topic.Topic(pattern))
		}
	}
	return topics
}
