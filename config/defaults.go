package config

import (
	_ "embed"
	"log/slog"
	"time"

	"rowcall/config/rules"
)

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		Database:  Database{Pooler: PoolerAuto, PoolSize: 20},
		HTTP:      HTTP{Addr: "127.0.0.1:8080", Shutdown: 10 * time.Second},
		Auth:      defaultAuth(),
		Limits:    defaultLimits(),
		Log:       defaultLog(),
		LogFormat: "text",
		LogLevel:  slog.LevelInfo,
	}
}

func defaultAuth() Auth {
	return Auth{
		Users: Users{
			Table:    "users",
			ID:       "id",
			Username: "username",
			Password: "password",
			Active:   "is_active",
			Staff:    "is_staff",
		},
		Session: Session{Lifetime: 14 * 24 * time.Hour, Cookie: "rowcall_session"},
		Login:   Login{PerAddress: 20, PerAccount: 5},
		JWT:     rules.JWT{StaffClaim: "staff", Leeway: 10 * time.Second},
		Django:  Django{Cookie: "sessionid", Table: "django_session"},
	}
}

func defaultLimits() Limits {
	return Limits{
		Sockets:                20_000,
		SocketsPerAddress:      1_000,
		HandshakesPerSecond:    100,
		RequestsPerSecond:      100,
		SocketsPerUser:         100,
		SubscriptionsPerSocket: 100,
		FramesPerSecond:        50,
		FrameBytes:             64 * KiB,
		QueueEvents:            1_000,
		QueueBytes:             MiB,
		QueuedBytes:            512 * MiB,
		ReplayEvents:           10_000,
		ReplaysPerUser:         20,
		ReplayBytesPerMinute:   256 * MiB,
		WriteTimeout:           10 * time.Second,
		PingInterval:           25 * time.Second,
		PongTimeout:            time.Minute,
	}
}

func defaultLog() Log {
	return Log{
		Ring:       "auto",
		RingBusy:   150,
		RingQuiet:  50,
		Sweep:      time.Second,
		Poll:       4 * time.Millisecond,
		PollIdle:   50 * time.Millisecond,
		Keep:       24 * time.Hour,
		KeepBytes:  1 << 30,
		Abandon:    24 * time.Hour,
		TailEvents: 20_000,
		TailBytes:  32 * MiB,
	}
}

// Example is the configuration of the four example applications, with every setting at its
// default. The demo runs on it.
//
//go:embed rowcall.example.yaml
var Example []byte
