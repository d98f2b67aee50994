package upkeep

import (
	"context"
	"time"
)

// fingerprintPause is the longest time between two looks at the fingerprint of an item. Together with one look and one
// preparation it stays below the 10 seconds within which a node notices that a declared table is not live any more.
const fingerprintPause = 5 * time.Second

// followFingerprint prepares an item when its fingerprint has changed, and once a minute, until ctx ends. A look takes a small share of
// the time, but on a loaded machine no less than one look in fingerprintPause.
func (k *Keeper) followFingerprint(ctx context.Context, i *Item) {
	known, checked, took := "", time.Time{}, time.Duration(0)
	for sleep(ctx, min(max(lookEvery, shareOfTime*took), fingerprintPause)) {
		began := time.Now()
		fingerprint, err := k.readFingerprint(ctx, i)
		took = time.Since(began)
		if err != nil {
			k.log.Debug("the catalog cannot be looked at for now", "setting", i.Setting, "err", err)
			fingerprint = known // the check once a minute needs none
		}
		if fingerprint == known && time.Since(checked) < checkEvery {
			continue
		}
		began = time.Now()
		if err := i.check(ctx); err != nil {
			k.log.Debug("a setting cannot be compared with the database for now", "setting", i.Setting, "err", err)
			continue
		}
		known, checked = fingerprint, began
	}
}

func (k *Keeper) readFingerprint(ctx context.Context, i *Item) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	return i.fingerprint(ctx)
}
