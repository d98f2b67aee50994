package config

import (
	"log/slog"
	"net/netip"
	"time"

	"rowcall/config/rules"
)

// Config is every setting of a Rowcall. Default gives the documented defaults.
type Config struct {
	Database Database `mapstructure:"database"`
	HTTP     HTTP     `mapstructure:"http"`
	Auth     Auth     `mapstructure:"auth"`
	Limits   Limits   `mapstructure:"limits"`
	Log      Log      `mapstructure:"log"`
	Web      Web      `mapstructure:"web"`
	Ops      Ops      `mapstructure:"ops"`

	// Apps keeps the tables and triggers of the four example applications.
	Apps      bool             `mapstructure:"apps"`
	Topics    []rules.Topic    `mapstructure:"topics"`
	Sockets   []rules.Socket   `mapstructure:"sockets"`
	Resources []rules.Resource `mapstructure:"resources"`
	Functions []rules.Function `mapstructure:"functions"`

	LogFormat string     `mapstructure:"log_format"` // text or json
	LogLevel  slog.Level `mapstructure:"log_level"`
}

// Database says where PostgreSQL is.
type Database struct {
	URL        DSN `mapstructure:"url"`
	DirectURL  DSN `mapstructure:"direct_url"`  // past any pooler: LISTEN, polls and locks
	MigrateURL DSN `mapstructure:"migrate_url"` // as a role that may create tables and triggers
	PoolSize   int `mapstructure:"pool_size"`   // connections for replays, access and snapshots
}

// Direct is the connection string for what cannot go through a pooler.
func (d Database) Direct() DSN { return firstOf(d.DirectURL, d.URL) }

// Migrate is the connection string for migrations, which a pooler would disturb as well.
func (d Database) Migrate() DSN { return firstOf(d.MigrateURL, d.DirectURL, d.URL) }

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
	Origins        []string       `mapstructure:"origins"`         // pages that may connect, scheme://host[:port]
	TrustedProxies []netip.Prefix `mapstructure:"trusted_proxies"` // whose X-Forwarded-For is believed
	Shutdown       time.Duration  `mapstructure:"shutdown"`        // how long goodbyes may take
}

// Ops says where operators look.
type Ops struct {
	Addr  string   `mapstructure:"addr"`  // host:port of numbers and profiles; port 0 takes a free one; empty: nowhere
	Hosts []string `mapstructure:"hosts"` // names that operators ask for it by, besides addresses and localhost
}

// Auth says who people are.
type Auth struct {
	Users   Users   `mapstructure:"users"`
	Session Session `mapstructure:"session"`
	Login   Login   `mapstructure:"login"`
	JWT     JWT     `mapstructure:"jwt"`
	Django  Django  `mapstructure:"django"`
}

// Users names the table of accounts and its columns. Table may carry a schema before a dot.
type Users struct {
	Table    string `mapstructure:"table"`
	ID       string `mapstructure:"id"`
	Username string `mapstructure:"username"`
	Password string `mapstructure:"password"`
	Active   string `mapstructure:"active"`
	Staff    string `mapstructure:"staff"`
}

// Session bounds a login.
type Session struct {
	Lifetime time.Duration `mapstructure:"lifetime"`
	Idle     time.Duration `mapstructure:"idle"` // ends a session not used for so long; 0: never
	Cookie   string        `mapstructure:"cookie"`
}

// Login bounds attempts to log in, per minute.
type Login struct {
	PerAddress int `mapstructure:"per_address"`
	PerAccount int `mapstructure:"per_account"`
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
	FramesPerSecond        int            `mapstructure:"frames_per_second"` // that one socket may send
	FrameBytes             Bytes          `mapstructure:"frame_bytes"`       // of one frame that comes in
	QueueEvents            int            `mapstructure:"queue_events"`      // waiting for one subscription
	QueueBytes             Bytes          `mapstructure:"queue_bytes"`       // waiting for one subscription
	QueuedBytes            Bytes          `mapstructure:"queued_bytes"`      // waiting for all sockets of the node
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
	RingBusy   int           `mapstructure:"ring_busy"`  // transactions a second above which writers stop ringing
	RingQuiet  int           `mapstructure:"ring_quiet"` // transactions a second below which they ring again
	Sweep      time.Duration `mapstructure:"sweep"`      // how often a sleeping node looks all the same
	Poll       time.Duration `mapstructure:"poll"`       // between polls while nobody rings
	PollIdle   time.Duration `mapstructure:"poll_idle"`  // between polls while only a long transaction is waited for
	Keep       time.Duration `mapstructure:"keep"`       // how long events are kept at least
	KeepBytes  Bytes         `mapstructure:"keep_bytes"` // what the log may take on disk, about, even where that is less
	Abandon    time.Duration `mapstructure:"abandon"`    // triggers stop filing so long after the last node
	TailEvents int           `mapstructure:"tail_events"`
	TailBytes  Bytes         `mapstructure:"tail_bytes"`
}
