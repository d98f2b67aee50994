package node

import (
	"log/slog"

	"rowcall/api"
	"rowcall/api/door"
	"rowcall/api/identity"
	"rowcall/config"
	"rowcall/notifier"
	"rowcall/notifier/topic"
	"rowcall/web"
)

// The configuration's settings, as the packages that need them name them.

func feedOptions(c *config.Config, log *slog.Logger) notifier.Options {
	return notifier.Options{
		QueueEvents:  c.Limits.QueueEvents,
		QueueBytes:   int(c.Limits.QueueBytes),
		QueuedBytes:  int64(c.Limits.QueuedBytes),
		ReplayEvents: c.Limits.ReplayEvents,
		TailEvents:   c.Log.TailEvents,
		TailBytes:    int(c.Log.TailBytes),
		Sweep:        c.Log.Sweep,
		PollBusy:     c.Log.Poll,
		PollIdle:     c.Log.PollIdle,
		RingBusy:     c.Log.RingBusy,
		RingQuiet:    c.Log.RingQuiet,
		Ring:         notifier.RingMode(c.Log.Ring),
		Abandon:      c.Log.Abandon,
		Keep:         c.Log.Keep,
		KeepBytes:    int64(c.Log.KeepBytes),
		Logger:       log,
	}
}

func doorOptions(c *config.Config, log *slog.Logger) door.Options {
	return door.Options{
		Origins:             c.HTTP.Origins,
		TrustedProxies:      c.HTTP.TrustedProxies,
		Exempt:              c.Limits.Exempt,
		Sockets:             c.Limits.Sockets,
		SocketsPerAddress:   c.Limits.SocketsPerAddress,
		SocketsPerUser:      c.Limits.SocketsPerUser,
		HandshakesPerSecond: c.Limits.HandshakesPerSecond,
		RequestsPerSecond:   c.Limits.RequestsPerSecond,
		ReplaysPerUser:      c.Limits.ReplaysPerUser,
		ReplayBytes:         int(c.Limits.ReplayBytesPerMinute),
		Logger:              log,
	}
}

func accountOptions(c *config.Config, operator *identity.Operator, log *slog.Logger) identity.Options {
	return identity.Options{
		Users:      identity.UsersTable(c.Auth.Users),
		UserType:   topic.Kind(c.Auth.UserType),
		KeepClaims: c.NamesClaims(),
		Login:      identity.LoginOptions(c.Auth.Session),
		Attempts:   identity.AttemptOptions(c.Auth.Login),
		JWT:        c.Auth.JWT,
		Django:     djangoOptions(c.Auth.Django),
		Operator:   operator,
		Logger:     log,
	}
}

func djangoOptions(d config.Django) identity.DjangoOptions {
	o := identity.DjangoOptions{SecretKey: string(d.SecretKey), Cookie: d.Cookie, Table: d.Table}
	for _, old := range d.SecretKeyFallbacks {
		o.SecretKeyFallbacks = append(o.SecretKeyFallbacks, string(old))
	}
	return o
}

// djangoSessionsTable names the table of Django's sessions, where they count.
func djangoSessionsTable(d config.Django) string {
	if !d.On() {
		return ""
	}
	return d.QuotedTable()
}

func socketLimits(c *config.Config) api.Limits {
	return api.Limits{
		SubscriptionsPerSocket: c.Limits.SubscriptionsPerSocket,
		FramesPerSecond:        c.Limits.FramesPerSecond,
		FrameBytes:             int(c.Limits.FrameBytes),
		WriteTimeout:           c.Limits.WriteTimeout,
		PingInterval:           c.Limits.PingInterval,
		PongTimeout:            c.Limits.PongTimeout,
	}
}

// pageOptions lets the map show tiles of a server that is not this one.
func pageOptions(w config.Web) web.Options {
	var o web.Options
	if origin := w.TilesOrigin(); origin != "" {
		o.Images = []string{origin}
	}
	return o
}

// mapTiles is what pages are told of the map's tiles.
func mapTiles(w config.Web) *api.Tiles {
	if w.Tiles == "" {
		return nil
	}
	return &api.Tiles{URL: w.Tiles, Attribution: w.Attribution}
}
