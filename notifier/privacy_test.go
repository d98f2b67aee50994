package notifier_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// roomMembers are the members and the owner of each room.
type roomMembers struct {
	members map[topic.Topic]map[string]bool
	owners  map[topic.Topic]string
}

func drawRoomMembers(random *rand.Rand, rooms, users int) roomMembers {
	m := roomMembers{members: make(map[topic.Topic]map[string]bool), owners: make(map[topic.Topic]string)}
	for room := range rooms {
		topic := topic.Topic(fmt.Sprintf("room/%d", room))
		m.owners[topic] = fmt.Sprint(1 + random.IntN(users))
		m.members[topic] = map[string]bool{m.owners[topic]: true}
		for user := 1; user <= users; user++ {
			if random.IntN(3) == 0 {
				m.members[topic][fmt.Sprint(user)] = true
			}
		}
	}
	return m
}

func (m roomMembers) ask(_ context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
	grants := make([]notifier.Grant, len(questions))
	for i, q := range questions {
		switch {
		case !m.members[q.Topic][q.Follower.User]:
			grants[i].Err = notifier.ErrForbidden
		case m.owners[q.Topic] == q.Follower.User:
			grants[i].Roles = []string{"owner"}
		}
	}
	return grants, nil
}

// TestEveryEventDeliveredIsOneItsReceiverMaySee files a hundred thousand events in rooms of random members, a quarter of
// them for the owner only, and counts what each member of each room gets.
func TestEveryEventDeliveredIsOneItsReceiverMaySee(t *testing.T) {
	const rooms, users, rounds, perRound = 10, 12, 50, 2000
	random := rand.New(rand.NewPCG(*seed, 18))
	m := drawRoomMembers(random, rooms, users)
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{ask: m.ask}, notifier.Options{})

	var reading sync.WaitGroup
	for room := range rooms {
		topic := topic.Topic(fmt.Sprintf("room/%d", room))
		for user := 1; user <= users; user++ {
			who := notifier.Follower{User: fmt.Sprint(user)}
			r, err := tryFollow(t, n, notifier.Request{Follower: who}, topic)
			if !m.members[topic][who.User] {
				if !errors.Is(err, notifier.ErrForbidden) {
					t.Errorf("user %s follows %s: %v", who.User, topic, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			want := rounds * perRound / rooms
			if m.owners[topic] != who.User {
				want = want * 3 / 4
			}
			reading.Go(func() { m.read(t, r, topic, who.User, want) })
		}
	}
	// Of the events of each room, every fourth is for the owner.
	for round := range rounds {
		db.Exec(t, `SELECT rowcall.publish('room/' || i % 10, 'test', json_build_object('round', $1::int), CASE WHEN i / 10 % 4 = 0 THEN 'owner' END)
			FROM generate_series(0, $2::int - 1) AS i`, round, perRound)
	}
	reading.Wait()
}

// read takes as many events as there should be, and looks that no more are waiting.
func (m roomMembers) read(t *testing.T, r *reader, topic topic.Topic, user string, want int) {
	deadline := time.After(2 * patience)
	for got := range want {
		e, reset, err := r.take(deadline)
		if err != nil || reset != nil {
			t.Errorf("user %s in %s: %d of %d events, then %v %v", user, topic, got, want, reset, err)
			return
		}
		if e.Topic != topic || e.Role != "" && m.owners[topic] != user || !strings.HasPrefix(string(e.Data), "{") {
			t.Errorf("user %s in %s got event %d of %s for %q", user, topic, e.ID, e.Topic, e.Role)
			return
		}
	}
	if taken, err := r.sub.Take(1); err != nil || len(taken.Events) > 0 {
		t.Errorf("user %s in %s got more than he may see: %v, %v", user, topic, taken.Events, err)
	}
}
