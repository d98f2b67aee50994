package notifier_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// A trigger that knows a login, and not whose it is, names the login: it is asked again with all its topics, and
// another login of the same user is left alone.
func TestALoginThatEndsByItsAliasEndsItsSubscriptions(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	var ended atomic.Bool
	var others atomic.Int32
	rules := openRules{ask: func(_ context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
		grants := make([]notifier.Grant, len(questions))
		for i, q := range questions {
			switch {
			case !ended.Load():
			case q.Follower.Alias == "site:first":
				grants[i].Err = notifier.ErrUnauthorized
			default:
				others.Add(1)
			}
		}
		return grants, nil
	}}
	n := startNode(t, db.URL, rules, notifier.Options{})
	first := follow(t, n, notifier.Request{Follower: notifier.Follower{User: "7", Alias: "site:first"}}, "room/1", "jobs/7")
	second := follow(t, n, notifier.Request{Follower: notifier.Follower{User: "7", Alias: "site:second"}}, "room/1")
	without := follow(t, n, notifier.Request{Follower: notifier.Follower{User: "7"}}, "room/1")
	ended.Store(true)
	db.Exec(t, `DO $$ BEGIN PERFORM rowcall.publish('room/1', 'test', '"secret"'); PERFORM rowcall.revalidate_user('site:first'); END $$`)
	if e, reset, err := first.take(time.After(patience)); !errors.Is(err, notifier.ErrUnauthorized) {
		t.Errorf("it got %v %v %v", e, reset, err)
	}
	for _, r := range []*reader{second, without} {
		if got := r.data(1); got[0] != `"secret"` {
			t.Errorf("another got %v", got)
		}
	}
	if n := others.Load(); n != 0 {
		t.Errorf("%d others were asked again", n)
	}
}
