package config

import (
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
	rules.CheckSockets(c.Sockets, c.Topics, c.Resources, p)
	rules.CheckResources(c.Resources, c.Topics, p)
	rules.CheckFunctions(c.Functions, p)
	p.RequireOneOf("log_format", c.LogFormat, "text", "json")
}

func (d Database) check(p *rules.Problems) {
	for i, dsn := range []DSN{d.URL, d.DirectURL, d.MigrateURL} {
		if err := dsn.check(); err != nil {
			p.Add(secretKeys()[i], "%v", err)
		}
	}
	between(p, "database.pool_size", d.PoolSize, 2, 10_000)
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
	atLeast(p, "http.shutdown", h.Shutdown, time.Millisecond)
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

// isHostName reports whether text is what a URL may have between its scheme and its port, in small letters.
func isHostName(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// isCookieName reports whether a name needs no quoting anywhere.
func isCookieName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		plain := unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_.-", r)
		return !plain || r >= utf8.RuneSelf
	})
}

func (a Auth) check(p *rules.Problems) {
	a.Users.check(p)
	atLeast(p, "auth.session.lifetime", a.Session.Lifetime, time.Minute)
	p.Require(a.Session.Idle >= 0, "auth.session.idle", "%s is negative: 0 means that sessions do not end by being idle", a.Session.Idle)
	p.Require(isCookieName(a.Session.Cookie), "auth.session.cookie",
		"%q is no name for a cookie: use letters, digits, _ . and -", a.Session.Cookie)
	between(p, "auth.login.per_address", a.Login.PerAddress, 1, most)
	between(p, "auth.login.per_account", a.Login.PerAccount, 1, most)
	a.JWT.check(p)
	a.Django.check(p, a.Session.Cookie)
	p.Require(a.Users.Table != "-" || !a.Django.On(), "auth.users.table", "is \"-\": the logins of a Django site need its table of users")
}

func (u Users) check(p *rules.Problems) {
	for _, name := range []struct{ key, value string }{
		{"table", u.Table}, {"id", u.ID}, {"username", u.Username},
		{"password", u.Password}, {"active", u.Active}, {"staff", u.Staff},
	} {
		p.Require(name.value != "", "auth.users."+name.key, "is empty: name it as it is in the database")
	}
}

func (l Limits) check(p *rules.Problems) {
	between(p, "limits.sockets", l.Sockets, 1, most)
	between(p, "limits.sockets_per_address", l.SocketsPerAddress, 1, most)
	between(p, "limits.handshakes_per_second", l.HandshakesPerSecond, 1, most)
	between(p, "limits.requests_per_second", l.RequestsPerSecond, 1, most)
	between(p, "limits.sockets_per_user", l.SocketsPerUser, 1, most)
	between(p, "limits.subscriptions_per_socket", l.SubscriptionsPerSocket, 1, most)
	between(p, "limits.frames_per_second", l.FramesPerSecond, 1, most)
	between(p, "limits.frame_bytes", l.FrameBytes, KiB, GiB)
	between(p, "limits.queue_events", l.QueueEvents, 1, most)
	between(p, "limits.queue_bytes", l.QueueBytes, KiB, 64*GiB)
	between(p, "limits.queued_bytes", l.QueuedBytes, MiB, 1024*GiB)
	p.Require(l.QueuedBytes > 2*l.QueueBytes, "limits.queued_bytes",
		"it is not more than twice limits.queue_bytes (%s): one reader who falls behind would be too much", l.QueueBytes)
	between(p, "limits.replay_events", l.ReplayEvents, 1, most)
	between(p, "limits.replays_per_user", l.ReplaysPerUser, 1, most)
	between(p, "limits.replay_bytes_per_minute", l.ReplayBytesPerMinute, KiB, 1024*GiB)
	atLeast(p, "limits.write_timeout", l.WriteTimeout, 100*time.Millisecond)
	atLeast(p, "limits.ping_interval", l.PingInterval, 100*time.Millisecond)
	p.Require(l.PongTimeout > l.PingInterval, "limits.pong_timeout",
		"%s is not more than limits.ping_interval (%s): no pong could come in time", l.PongTimeout, l.PingInterval)
}

func (l Log) check(p *rules.Problems) {
	p.RequireOneOf("log.ring", l.Ring, "auto", "always", "never")
	between(p, "log.ring_busy", l.RingBusy, 1, most)
	between(p, "log.ring_quiet", l.RingQuiet, 1, most)
	p.Require(l.RingQuiet < l.RingBusy, "log.ring_quiet",
		"%d is not less than log.ring_busy (%d): ringing would flutter", l.RingQuiet, l.RingBusy)
	atLeast(p, "log.sweep", l.Sweep, 50*time.Millisecond)
	atLeast(p, "log.poll", l.Poll, time.Millisecond)
	p.Require(l.PollIdle >= l.Poll, "log.poll_idle", "%s is less than log.poll (%s)", l.PollIdle, l.Poll)
	atLeast(p, "log.keep", l.Keep, time.Minute)
	between(p, "log.keep_bytes", l.KeepBytes, 64*MiB, 1<<20*GiB)
	atLeast(p, "log.abandon", l.Abandon, 10*time.Minute)
	between(p, "log.tail_events", l.TailEvents, 1, most)
	between(p, "log.tail_bytes", l.TailBytes, KiB, 64*GiB)
}

// most bounds counts, far above what any machine can serve.
const most = 1_000_000_000

// between requires a number within bounds, both of them allowed.
func between[N int | Bytes](p *rules.Problems, key string, value, low, high N) {
	p.Require(low <= value && value <= high, key, "%v is out of range: give %v to %v", value, low, high)
}

func atLeast(p *rules.Problems, key string, value, low time.Duration) {
	p.Require(value >= low, key, "%s is too short: give %s or more", value, low)
}
