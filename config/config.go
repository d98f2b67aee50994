package config

import (
	"log/slog"
	"net/netip"
	"time"

	"rowcall/config/rules"
)

// Config is every setting of a node. Default returns the documented defaults.
type Config struct {
	Database Database `mapstructure:"database"`
	HTTP     HTTP     `mapstructure:"http"`
	Auth     Auth     `mapstructure:"auth"`
	Limits   Limits   `mapstructure:"limits"`
	Log      Log      `mapstructure:"log"`
	Web      Web      `mapstructure:"web"`
	Ops      Ops      `mapstructure:"ops"`

	// Apps keeps the tables and triggers of the four example applications.
	Apps bool `mapstructure:"apps"`
	// TablesApply makes the node change the triggers of declared tables itself, at start and while it
	// serves.
	TablesApply bool          `mapstructure:"tables_apply"`
	Tables      []rules.Table `mapstructure:"tables"`

	Topics    []rules.Topic    `mapstructure:"topics"`
	Sockets   []rules.Socket   `mapstructure:"sockets"`
	Resources []rules.Resource `mapstructure:"resources"`
	Functions []rules.Function `mapstructure:"functions"`

	LogFormat string     `mapstructure:"log_format"` // text or json
	LogLevel  slog.Level `mapstructure:"log_level"`
}

// Database says where PostgreSQL is.
type Database struct {
	URL        DSN    `mapstructure:"url"`
	DirectURL  DSN    `mapstructure:"direct_url"`  // past any pooler: LISTEN, polls and locks
	MigrateURL DSN    `mapstructure:"migrate_url"` // as a role that may create tables and triggers
	Pooler     string `mapstructure:"pooler"`      // what URL leads through; see PoolerAuto
	PoolSize   int    `mapstructure:"pool_size"`   // connections for replays, access and snapshots
}

// The values of Database.Pooler, which say what stands between the node and the server.
const (
	PoolerAuto        = "auto"        // the node finds out
	PoolerNone        = "none"        // nothing that a session would notice
	PoolerTransaction = "transaction" // a pooler that gives each transaction another connection
)

// Direct returns the connection string for connections that cannot go through a pooler.
func (d Database) Direct() DSN { return firstOf(d.DirectURL, d.URL) }

// Migrate returns the connection string for migrations, which cannot go through a pooler either.
func (d Database) Migrate() DSN { return firstOf(d.MigrateURL, d.DirectURL, d.URL) }

// firstOf returns the first of the choices that is not empty.
func firstOf(choices ...DSN) DSN {
	for _, dsn := range choices {
		if dsn != "" {
			return dsn
		}
	}
	return ""
}

// HTTP says where and how to serve.
type HTTP struct {
	Addr           string         `mapstructure:"addr"`            // host:port; port 0 takes a free one
	Plain          bool           `mapstructure:"plain"`           // a proxy or a private network is in front
	TLSCert        string         `mapstructure:"tls_cert"`        // PEM file
	TLSKey         string         `mapstructure:"tls_key"`         // PEM file
	Origins        []string       `mapstructure:"origins"`         // origins of pages that may connect, scheme://host[:port]
	TrustedProxies []netip.Prefix `mapstructure:"trusted_proxies"` // proxies whose X-Forwarded-For header is believed
	Shutdown       time.Duration  `mapstructure:"shutdown"`        // how long closing the open sockets may take
}

// Ops says where metrics, profiles and health are served to operators.
type Ops struct {
	Addr  string   `mapstructure:"addr"`  // host:port; port 0 takes a free one; empty: they are not served
	Hosts []string `mapstructure:"hosts"` // host names that requests may use, besides addresses and localhost
}

// Limits bounds what one node, address, user or socket may take.
type Limits struct {
	Exempt                 []netip.Prefix `mapstructure:"exempt"` // addresses that are not counted
	Sockets                int            `mapstructure:"sockets"`
	SocketsPerAddress      int            `mapstructure:"sockets_per_address"`
	HandshakesPerSecond    int            `mapstructure:"handshakes_per_second"` // of one address
	RequestsPerSecond      int            `mapstructure:"requests_per_second"`   // over HTTP, of one address and of one user
	SocketsPerUser         int            `mapstructure:"sockets_per_user"`
	SubscriptionsPerSocket int            `mapstructure:"subscriptions_per_socket"`
	FramesPerSecond        int            `mapstructure:"frames_per_second"` // frames that one socket may send
	FrameBytes             Bytes          `mapstructure:"frame_bytes"`       // size of one frame that comes in
	QueueEvents            int            `mapstructure:"queue_events"`      // queued for one subscription
	QueueBytes             Bytes          `mapstructure:"queue_bytes"`       // queued for one subscription
	QueuedBytes            Bytes          `mapstructure:"queued_bytes"`      // queued for all sockets of the node
	ReplayEvents           int            `mapstructure:"replay_events"`
	ReplaysPerUser         int            `mapstructure:"replays_per_user"` // at a time
	ReplayBytesPerMinute   Bytes          `mapstructure:"replay_bytes_per_minute"`
	WriteTimeout           time.Duration  `mapstructure:"write_timeout"`
	PingInterval           time.Duration  `mapstructure:"ping_interval"`
	PongTimeout            time.Duration  `mapstructure:"pong_timeout"`
}

// Log says how the event log is read.
type Log struct {
	Ring       string        `mapstructure:"ring"`       // auto, always or never
	RingBusy   int           `mapstructure:"ring_busy"`  // transactions a second above which writers stop ringing if their commits wait for NOTIFY
	RingQuiet  int           `mapstructure:"ring_quiet"` // transactions a second below which they ring again in any case
	Sweep      time.Duration `mapstructure:"sweep"`      // how often a node polls although no ring came
	Poll       time.Duration `mapstructure:"poll"`       // rest between polls while events come and writers do not ring
	PollIdle   time.Duration `mapstructure:"poll_idle"`  // between polls while the node only waits for a long transaction
	Keep       time.Duration `mapstructure:"keep"`       // how long events are kept at least
	KeepBytes  Bytes         `mapstructure:"keep_bytes"` // about how much the log may take on disk; wins over Keep
	Abandon    time.Duration `mapstructure:"abandon"`    // how long after the last node was seen triggers stop filing events
	TailEvents int           `mapstructure:"tail_events"`
	TailBytes  Bytes         `mapstructure:"tail_bytes"`
}
