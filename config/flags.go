package config

import "github.com/spf13/pflag"

// The flags of settings. --config names the file itself.
const (
	flagConfig      = "config"
	flagAddr        = "addr"
	flagDatabaseURL = "database-url"
	flagLogFormat   = "log-format"
	flagLogLevel    = "log-level"
)

// flagKeys says which key a flag sets.
func flagKeys() map[string]string {
	return map[string]string{
		flagAddr:        "http.addr",
		flagDatabaseURL: "database.url",
		flagLogFormat:   "log_format",
		flagLogLevel:    "log_level",
	}
}

// AddFlags adds the flags that Load understands to a command's own.
func AddFlags(flags *pflag.FlagSet) {
	d := Default()
	flags.String(flagConfig, "", "file with the `settings`; also ROWCALL_CONFIG")
	flags.String(flagAddr, d.HTTP.Addr, "`host:port` to serve on; port 0 takes a free one")
	flags.String(flagDatabaseURL, "", "`connection` string of PostgreSQL; ps shows it, so give one with a password as ROWCALL_DATABASE_URL or ROWCALL_DATABASE_URL_FILE")
	flags.String(flagLogFormat, d.LogFormat, "`format` of the log: text or json")
	flags.String(flagLogLevel, "info", "least `level` that is logged: debug, info, warn or error")
}
