package upkeep

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"rowcall/notifier/dbconn"
)

const (
	// lookEvery is how often the keeper asks whether the catalog has changed.
	lookEvery = 2 * time.Second

	// checkEvery is how often it prepares all settings, whatever the answer is.
	checkEvery = time.Minute

	// shareOfTime bounds the time that checks take: 1 part in so many.
	shareOfTime = 50
)

// Keeper prepares the settings of a node anew when the catalog changes.
type Keeper struct {
	pool  *dbconn.Pool
	items []*Item // all of them
	log   *slog.Logger
}

// New returns the keeper of items, some of which may be nil. It logs from now on when a setting does
// not fit any more, and when it fits again. Items then have the pool discard the plans of its sessions
// when a function or trigger fails because of an old plan.
func New(pool *dbconn.Pool, log *slog.Logger, items ...*Item) *Keeper {
	k := &Keeper{pool: pool, log: log}
	for _, i := range items {
		if i == nil {
			continue
		}
		i.mu.Lock()
		i.notify, i.replan = k.tell, pool.DiscardPlans
		i.mu.Unlock()
		k.items = append(k.items, i)
	}
	return k
}

func (k *Keeper) tell(i *Item, now State) {
	if now.Err == nil {
		k.log.Info("a setting fits the database again", "setting", i.Setting, "name", i.Name)
		return
	}
	k.log.Warn("a setting does not fit the database any more: requests that need it are refused until it does", "setting", i.Setting, "name", i.Name, "err", now.Err)
}

// Unfit is a setting that does not fit.
type Unfit struct {
	Setting string    `json:"setting"`
	Name    string    `json:"name"`
	Reason  string    `json:"reason"`
	Since   time.Time `json:"since"`
}

// Unfit returns the settings that do not fit at present, in their order. A nil keeper has none.
func (k *Keeper) Unfit() []Unfit {
	list := []Unfit{}
	if k == nil {
		return list
	}
	for _, i := range k.items {
		if s := i.State(); s.Err != nil {
			list = append(list, Unfit{i.Setting, i.Name, s.Err.Error(), s.Since.UTC()})
		}
	}
	return list
}

// changesOfCatalog is the number of rows of the catalog that transactions have written. PostgreSQL
// keeps it in memory, so that asking costs the same whatever the database holds. The catalogs are
// those that statements, resources, functions and declared tables depend on.
const changesOfCatalog = `
SELECT coalesce(sum(pg_catalog.pg_stat_get_tuples_inserted(c) + pg_catalog.pg_stat_get_tuples_updated(c)
                    + pg_catalog.pg_stat_get_tuples_deleted(c)), 0)::bigint
FROM unnest(ARRAY['pg_catalog.pg_class', 'pg_catalog.pg_attribute', 'pg_catalog.pg_attrdef', 'pg_catalog.pg_constraint',
                  'pg_catalog.pg_index', 'pg_catalog.pg_type', 'pg_catalog.pg_enum', 'pg_catalog.pg_proc',
                  'pg_catalog.pg_namespace', 'pg_catalog.pg_operator', 'pg_catalog.pg_cast', 'pg_catalog.pg_trigger',
                  'pg_catalog.pg_inherits']::pg_catalog.regclass[]) AS c`

// Run checks the settings until ctx ends: whenever the catalog has changed, and once a minute, since
// the number of changes is not counted everywhere. Each item with a fingerprint has a goroutine of its own.
func (k *Keeper) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	counted := []*Item{}
	for _, i := range k.items {
		if i.fingerprint == nil {
			counted = append(counted, i)
			continue
		}
		running.Go(func() { k.followFingerprint(ctx, i) })
	}
	if len(counted) > 0 {
		k.checkCounted(ctx, counted)
	}
	return nil
}

// checkCounted checks items when the number of changes of the catalog is another one.
func (k *Keeper) checkCounted(ctx context.Context, items []*Item) {
	known, checked, took := int64(-1), time.Time{}, time.Duration(0)
	for sleep(ctx, min(max(lookEvery, shareOfTime*took), checkEvery)) {
		took = 0
		changes, err := k.countChanges(ctx)
		if err != nil || changes == known && time.Since(checked) < checkEvery {
			continue // a database that is away is noticed and told by others
		}
		checked = time.Now()
		if k.checkAll(ctx, items) {
			known, took = changes, time.Since(checked)
		}
	}
}

func (k *Keeper) countChanges(ctx context.Context) (changes int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	err = k.pool.QueryRow(ctx, changesOfCatalog).Scan(&changes)
	return changes, err
}

// checkAll prepares items. It reports false if some could not be judged: a table may be locked,
// or the database is away.
func (k *Keeper) checkAll(ctx context.Context, items []*Item) bool {
	judged := true
	for _, i := range items {
		if err := i.check(ctx); err != nil {
			judged = false
			k.log.Debug("a setting cannot be compared with the database for now", "setting", i.Setting, "err", err)
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return judged
}
