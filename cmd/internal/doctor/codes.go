package doctor

// Severity says how bad a finding is.
type Severity string

// The severities.
const (
	Information Severity = "information" // nothing is wrong, or it could not be seen
	Warning     Severity = "warning"     // events may come late, or something will go wrong
	Error       Severity = "error"       // events are missing or wrong, or nodes cannot serve
)

// rank orders severities.
func (s Severity) rank() int {
	return map[Severity]int{Information: 0, Warning: 1, Error: 2}[s]
}

// The codes. They are stable: programs may compare them.
const (
	LookDenied  = "look.denied"
	LookTimeout = "look.timeout"
	LookFailed  = "look.failed"

	ConnectionFailed  = "connection.failed"
	PoolerTransaction = "pooler.transaction"
	PoolerUndeclared  = "pooler.undeclared"
	ConnectionsFew    = "connections.few"
	ConnectionsLimit  = "connections.limit"
	ConnectionsUsed   = "connections.used"

	ServerTooOld  = "server.too_old"
	ServerStandby = "server.standby"
	ClockDiffers  = "clock.differs"

	SchemaMissing    = "schema.missing"
	SchemaPending    = "schema.pending"
	SchemaNewer      = "schema.newer"
	SchemaIncomplete = "schema.incomplete"
	SchemaOwner      = "schema.owner"
	SchemaSuperuser  = "schema.superuser"

	FunctionMissing  = "function.missing"
	FunctionOutdated = "function.outdated"
	FunctionSettings = "function.settings"
	FunctionSecurity = "function.security"
	FunctionOwner    = "function.owner"
	FunctionPublic   = "function.public"

	TriggerMissing    = "trigger.missing"
	TriggerDisabled   = "trigger.disabled"
	TriggerReplaced   = "trigger.replaced"
	TriggerOutdated   = "trigger.outdated"
	TriggerNotAlways  = "trigger.not_always"
	TriggerNotFirst   = "trigger.not_first"
	TriggerSearchPath = "trigger.search_path"
	TriggerRights     = "trigger.rights"

	TableUnfit      = "table.unfit"
	TableNotLive    = "table.not_live"
	TableColumns    = "table.columns"
	TablePartitions = "table.partitions"
	TableUndeclared = "table.undeclared"
	TableWatched    = "table.watched"

	SequenceCache  = "sequence.cache"
	SequenceBehind = "sequence.behind"

	RoleMissing   = "role.missing"
	RoleServer    = "role.server"
	RightsServe   = "rights.serve"
	RightsMigrate = "rights.migrate"

	LogAbandoned            = "log.abandoned"
	LogLarge                = "log.large"
	LogOld                  = "log.old"
	LogLocked               = "log.locked"
	LogFloor                = "log.floor"
	LogHistory              = "log.history"
	LogReplicated           = "log.replicated"
	NodeNone                = "node.none"
	TopicUnfollowable       = "topic.unfollowable"
	SettingUnfit            = "setting.unfit"
	NotifyQueue             = "notify.queue"
	NotifyPrepare           = "notify.prepare"
	TransactionLong         = "transaction.long"
	TransactionRead         = "transaction.read"
	TransactionMany         = "transaction.many"
	TransactionPrepared     = "transaction.prepared"
	ActivityHidden          = "activity.hidden"
	ServerTrackCounts       = "server.track_counts"
	ServerAutovacuum        = "server.autovacuum"
	ServerNotifyQueue       = "server.notify_queue"
	ServerSynchronousCommit = "server.synchronous_commit"
	ServerReplicationRole   = "server.replication_role"
	ServerIdleTimeout       = "server.idle_timeout"
	EncodingSQLASCII        = "encoding.sql_ascii"
	EncodingOther           = "encoding.other"
)

// severities has every code.
func severities() map[string]Severity {
	return map[string]Severity{
		LookDenied: Information, LookTimeout: Warning, LookFailed: Warning,

		ConnectionFailed: Error, PoolerTransaction: Error, PoolerUndeclared: Warning,
		ConnectionsFew: Error, ConnectionsLimit: Warning, ConnectionsUsed: Warning,

		ServerTooOld: Error, ServerStandby: Error, ClockDiffers: Warning,

		SchemaMissing: Error, SchemaPending: Error, SchemaNewer: Error, SchemaIncomplete: Error,
		SchemaOwner: Warning, SchemaSuperuser: Warning,

		FunctionMissing: Error, FunctionOutdated: Warning, FunctionSettings: Error, FunctionSecurity: Error,
		FunctionOwner: Warning, FunctionPublic: Warning,

		TriggerMissing: Error, TriggerDisabled: Error, TriggerReplaced: Error, TriggerOutdated: Error,
		TriggerNotAlways: Warning, TriggerNotFirst: Warning, TriggerSearchPath: Warning, TriggerRights: Error,

		TableUnfit: Error, TableNotLive: Error, TableColumns: Warning, TablePartitions: Warning, TableUndeclared: Information, TableWatched: Information,

		SequenceCache: Error, SequenceBehind: Error,

		RoleMissing: Information, RoleServer: Warning, RightsServe: Error, RightsMigrate: Warning,

		LogAbandoned: Error, LogLarge: Warning, LogOld: Warning, LogLocked: Warning, LogFloor: Error, LogHistory: Information, LogReplicated: Error,
		NodeNone: Information, TopicUnfollowable: Warning, SettingUnfit: Error,

		NotifyQueue: Warning, NotifyPrepare: Information,
		TransactionLong: Warning, TransactionRead: Information, TransactionMany: Warning, TransactionPrepared: Warning, ActivityHidden: Information,

		ServerTrackCounts: Warning, ServerAutovacuum: Warning, ServerNotifyQueue: Warning, ServerSynchronousCommit: Information,
		ServerReplicationRole: Warning, ServerIdleTimeout: Warning,
		EncodingSQLASCII: Warning, EncodingOther: Information,
	}
}

// finding makes a finding with the severity of its code.
func finding(code, table, object, message, remedy string) Finding {
	return Finding{Code: code, Severity: severities()[code], Table: table, Object: object, Message: message, Remedy: remedy}
}

// Worst returns the worst severity among findings; empty if there are none.
func Worst(findings []Finding) Severity {
	var worst Severity
	for _, f := range findings {
		if worst == "" || f.Severity.rank() > worst.rank() {
			worst = f.Severity
		}
	}
	return worst
}
