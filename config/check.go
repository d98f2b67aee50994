package config

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"rowcall/config/rules"
)

// check reports every value that is out of range or contradicts another.
func (c *Config) check(p *rules.Problems) {
	c.Database.check(p)
	c.HTTP.check(p)
	c.Auth.check(p)
	c.Limits.check(p)
	c.Log.check(p)
	c.Web.check(p)
	c.Ops.check(p)
	rules.CheckTopics(c.Topics, p)
	rules.CheckTables(c.Tables, c.Topics, p)
	c.checkClaims(p)
	topics := slices.Concat(c.Topics, rules.TopicsOf(c.Tables))
	rules.CheckSockets(c.Sockets, topics, c.Resources, p)
	rules.CheckResources(c.Resources, topics, p)
	rules.CheckFunctions(c.Functions, p)
	p.RequireOneOf("log_format", c.LogFormat, "text", "json")
}

// checkClaims refuses rules that read claims where nobody can have any.
func (c *Config) checkClaims(p *rules.Problems) {
	const missing = "names @claims, the claims of a token, but no tokens are accepted: set auth.jwt"
	for i, t := range c.Topics {
		p.Require(c.Auth.JWT.On() || !t.NamesClaims(), t.At(i), missing)
	}
	for i, t := range c.Tables {
		p.Require(c.Auth.JWT.On() || !t.NamesClaims(), rules.Entry("tables", i), missing)
	}
}

// NamesClaims reports whether SQL of the configuration names @claims.
func (c *Config) NamesClaims() bool {
	return slices.ContainsFunc(c.Topics, rules.Topic.NamesClaims) || slices.ContainsFunc(c.Tables, rules.Table.NamesClaims)
}

func (d Database) check(p *rules.Problems) {
	for i, dsn := range []DSN{d.URL, d.DirectURL, d.MigrateURL} {
		if err := dsn.check(); err != nil {
			p.Add(secretKeys()[i], "%v", err)
		}
	}
	p.RequireOneOf("database.pooler", d.Pooler, PoolerAuto, PoolerNone, PoolerTransaction)
	requireBetween(p, "database.pool_size", d.PoolSize, 2, 10_000)
}

func (h HTTP) check(p *rules.Problems) {
	host, port, err := net.SplitHostPort(h.Addr)
	_, portErr := strconv.ParseUint(port, 10, 16)
	p.Require(err == nil && portErr == nil, "http.addr",
		"%q is no address to serve on: write host:port, such as 127.0.0.1:8080", h.Addr)
	secure := h.TLSCert != "" && h.TLSKey != ""
	p.Require(secure || h.Plain || rules.IsLoopback(host), "http.addr",
		"%q can be reached from other machines: set http.tls_cert and http.tls_key, "+
			"or http.plain: true where a proxy or a private network is in front", h.Addr)
	p.Require(h.TLSCert == "" || h.TLSKey != "", "http.tls_key", "is missing: http.tls_cert needs its key")
	p.Require(h.TLSKey == "" || h.TLSCert != "", "http.tls_cert", "is missing: http.tls_key needs its certificate")
	for i, origin := range h.Origins {
		_, err := rules.ParseOriginPattern(origin)
		p.AddError(rules.Entry("http.origins", i), err)
	}
	requireAtLeast(p, "http.shutdown", h.Shutdown, time.Millisecond)
}

func (o Ops) check(p *rules.Problems) {
	_, port, err := net.SplitHostPort(o.Addr)
	_, portErr := strconv.ParseUint(port, 10, 16)
	p.Require(o.Addr == "" || err == nil && portErr == nil, "ops.addr",
		"%q is no address to serve on: write host:port, such as 127.0.0.1:9090, or leave it empty", o.Addr)
	for i, host := range o.Hosts {
		p.Require(isHostName(host), rules.Entry("ops.hosts", i),
			"%q is no name of a machine: write it in small letters, without scheme and port, such as rowcall or ops.example.org", host)
	}
}

// isHostName reports whether text can be the host of a URL, in small letters and without a port.
func isHostName(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

func (l Limits) check(p *rules.Problems) {
	requireBetween(p, "limits.sockets", l.Sockets, 1, greatestCount)
	requireBetween(p, "limits.sockets_per_address", l.SocketsPerAddress, 1, greatestCount)
	requireBetween(p, "limits.handshakes_per_second", l.HandshakesPerSecond, 1, greatestCount)
	requireBetween(p, "limits.requests_per_second", l.RequestsPerSecond, 1, greatestCount)
	requireBetween(p, "limits.sockets_per_user", l.SocketsPerUser, 1, greatestCount)
	requireBetween(p, "limits.subscriptions_per_socket", l.SubscriptionsPerSocket, 1, greatestCount)
	requireBetween(p, "limits.frames_per_second", l.FramesPerSecond, 1, greatestCount)
	requireBetween(p, "limits.frame_bytes", l.FrameBytes, KiB, GiB)
	requireBetween(p, "limits.queue_events", l.QueueEvents, 1, greatestCount)
	requireBetween(p, "limits.queue_bytes", l.QueueBytes, KiB, 64*GiB)
	requireBetween(p, "limits.queued_bytes", l.QueuedBytes, MiB, 1024*GiB)
	p.Require(l.QueuedBytes > 2*l.QueueBytes, "limits.queued_bytes",
		"it is not more than twice limits.queue_bytes (%s): one reader who falls behind would be too much", l.QueueBytes)
	requireBetween(p, "limits.replay_events", l.ReplayEvents, 1, greatestCount)
	requireBetween(p, "limits.replays_per_user", l.ReplaysPerUser, 1, greatestCount)
	requireBetween(p, "limits.replay_bytes_per_minute", l.ReplayBytesPerMinute, KiB, 1024*GiB)
	requireAtLeast(p, "limits.write_timeout", l.WriteTimeout, 100*time.Millisecond)
	requireAtLeast(p, "limits.ping_interval", l.PingInterval, 100*time.Millisecond)
	p.Require(l.PongTimeout > l.PingInterval, "limits.pong_timeout",
		"%s is not more than limits.ping_interval (%s): no pong could come in time", l.PongTimeout, l.PingInterval)
}

func (l Log) check(p *rules.Problems) {
	p.RequireOneOf("log.ring", l.Ring, "auto", "always", "never")
	requireBetween(p, "log.ring_busy", l.RingBusy, 1, greatestCount)
	requireBetween(p, "log.ring_quiet", l.RingQuiet, 1, greatestCount)
	p.Require(l.RingQuiet < l.RingBusy, "log.ring_quiet",
		"%d is not less than log.ring_busy (%d): ringing would flutter", l.RingQuiet, l.RingBusy)
	requireAtLeast(p, "log.sweep", l.Sweep, 50*time.Millisecond)
	requireAtLeast(p, "log.poll", l.Poll, time.Millisecond)
	p.Require(l.PollIdle >= l.Poll, "log.poll_idle", "%s is less than log.poll (%s)", l.PollIdle, l.Poll)
	requireAtLeast(p, "log.keep", l.Keep, time.Minute)
	requireBetween(p, "log.keep_bytes", l.KeepBytes, 64*MiB, 1<<20*GiB)
	requireAtLeast(p, "log.abandon", l.Abandon, 10*time.Minute)
	requireBetween(p, "log.tail_events", l.TailEvents, 1, greatestCount)
	requireBetween(p, "log.tail_bytes", l.TailBytes, KiB, 64*GiB)
}

// greatestCount bounds every count. No machine can serve so many.
const greatestCount = 1_000_000_000

// requireBetween requires a number from low to high.
func requireBetween[N int | Bytes](p *rules.Problems, key string, value, low, high N) {
	p.Require(low <= value && value <= high, key, "%v is out of range: give %v to %v", value, low, high)
}

// requireAtLeast requires a duration of low or more.
func requireAtLeast(p *rules.Problems, key string, value, low time.Duration) {
	p.Require(value >= low, key, "%s is too short: give %s or more", value, low)
}
