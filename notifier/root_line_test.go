package notifier

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// filledLine is a line of four permits with ten items of each root.
func filledLine(roots ...string) *rootLine[int] {
	l := newRootLine[int](4, mostPerRoot(4))
	for _, root := range roots {
		for i := range 10 {
			l.add(root, i)
		}
	}
	return l
}

// work is what a line serves at a time, by root.
type work map[string][]*service[int]

// takeAll takes every permit that may be taken now, and begins the work.
func (w work) takeAll(t *testing.T, l *rootLine[int]) {
	t.Helper()
	for s := l.next(); s != nil; s = l.next() {
		_, end := l.begin(t.Context(), s)
		t.Cleanup(end)
		w[s.root.name] = append(w[s.root.name], s)
	}
}

// leave gives the permits back of services that are interrupted, as failures, and parks their items.
// A service that leaves may have the line interrupt another service.
func (w work) leave(l *rootLine[int]) {
	for left := true; left; {
		left = false
		for root, services := range w {
			w[root] = nil
			for _, s := range services {
				if s.interrupted {
					fail(l, s)
					left = true
				} else {
					w[root] = append(w[root], s)
				}
			}
		}
	}
}

func fail(l *rootLine[int], s *service[int]) {
	l.park(s.root.name, s.item, s.failures+1)
	l.done(s, outcomeFailed)
}

func (w work) check(t *testing.T, when string, want map[string]int) {
	t.Helper()
	served := make(map[string]int)
	for root, services := range w {
		if len(services) > 0 {
			served[root] = len(services)
		}
	}
	if !maps.Equal(served, want) {
		t.Errorf("%s, the roots have so many items at work: %v, want %v", when, served, want)
	}
}

// pass lets time pass in synctest, and everything happen that is due.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestNoRootTakesAllPermits has one root take what it can, with first attempts and a retry, and then has another one come.
func TestNoRootTakesAllPermits(t *testing.T) {
	t.Parallel()
	l, now := filledLine("a"), work{}
	l.addRetry("a", 10, 1) // retries have permits of their own, within those of the root
	now.takeAll(t, l)
	now.check(t, "first", map[string]int{"a": 3})
	l.add("b", 0)
	select {
	case <-l.ready:
	default:
		t.Error("the line does not say that the other root may be served")
	}
	now.takeAll(t, l)
	now.check(t, "then", map[string]int{"a": 3, "b": 1})
}

// TestSlowRootsAreInterruptedForAnother has two roots take all permits and keep them. When they are
// slow, a third root gets half of the permits as it needs them, and the two keep one each.
func TestSlowRootsAreInterruptedForAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, now := filledLine("a", "b"), work{}
		now.takeAll(t, l)
		pass(2 * slowAfter)
		now.leave(l)
		if n := len(now["a"]) + len(now["b"]); n != 4 {
			t.Errorf("%d are served while nobody else needs a permit, want 4", n)
		}
		l.add("c", 1)
		l.add("c", 2)
		l.add("c", 3)
		now.leave(l)
		now.takeAll(t, l)
		now.check(t, "with a third root in line", map[string]int{"a": 1, "b": 1, "c": 2})
		for _, s := range now["c"] {
			l.done(s, outcomeServed)
		}
		now["c"] = nil
		now.takeAll(t, l)
		now.check(t, "after two of its items", map[string]int{"a": 1, "b": 1, "c": 1})
	})
}

// TestOnePermitIsForAllRoots has a line with one permit. The items of one root take long and fail, again and
// again. The item of another root is served all the same.
func TestOnePermitIsForAllRoots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newRootLine[int](1, 1)
		for i := range 30 {
			l.addRetry("bad", i, 1)
		}
		l.add("good", 0)
		for range 4 {
			s := l.next()
			_, end := l.begin(t.Context(), s)
			t.Cleanup(end)
			if s.root.name == "good" {
				l.done(s, outcomeServed)
				return
			}
			pass(2 * slowAfter)
			fail(l, s)
		}
		t.Error("after four items of the bad root the other root was not served")
	})
}

// TestTheYoungestOfSlowWorkIsInterrupted has work of four roots take long, and a fifth root come with one
// item. One permit is taken back, of the work that began last: the other work can end.
func TestTheYoungestOfSlowWorkIsInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, now := newRootLine[int](4, mostPerRoot(4)), work{}
		for _, root := range []string{"a", "b", "c", "d"} {
			l.add(root, 0)
			now.takeAll(t, l)
			pass(slowAfter / 10)
		}
		pass(slowAfter)
		l.add("e", 0)
		now.leave(l)
		now.takeAll(t, l)
		now.check(t, "with a fifth root in line", map[string]int{"a": 1, "b": 1, "c": 1, "e": 1})
	})
}

// TestOneOfASlowRootsPermitsGoesToAnotherSlowRoot has one slow root take all permits that there are
// for slow ones. Another one gets its share when it is known to be slow.
func TestOneOfASlowRootsPermitsGoesToAnotherSlowRoot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, now := filledLine("a"), work{}
		now.takeAll(t, l)
		pass(2 * slowAfter)
		l.add("b", 0)
		now.takeAll(t, l)
		pass(2 * slowAfter)
		fail(l, now["b"][0]) // so it is slow
		now["b"] = nil
		l.add("b", 1)
		now.leave(l)
		now.takeAll(t, l)
		if len(now["b"]) == 0 {
			t.Errorf("the other slow root is not served beside %d of the first", len(now["a"]))
		}
	})
}

// TestAnItemThatFailsLeavesItsRootAlone has one item fail at once and another after a long time. They are
// parked without a permit, and tried one at a time, while the others of the root go on.
func TestAnItemThatFailsLeavesItsRootAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, now := filledLine("a"), work{}
		now.takeAll(t, l)
		fail(l, now["a"][0])
		pass(2 * slowAfter)
		fail(l, now["a"][1])
		l.done(now["a"][2], outcomeServed)
		now = work{}
		now.takeAll(t, l)
		pass(2 * longestPark)
		for served := 3; served < 10; served++ {
			s := l.next()
			for s != nil && s.failures > 0 { // it is stuck, whenever it is tried
				s = l.next()
			}
			if s == nil && len(now["a"]) == 0 {
				t.Fatalf("after %d items nothing is served", outcomeServed)
			}
			if s != nil {
				now["a"] = append(now["a"], s)
			}
			l.done(now["a"][0], 0)
			now["a"] = now["a"][1:]
		}
		retries := 0
		for _, s := range l.busy {
			if s.failures > 0 {
				retries++
			}
		}
		if retries != 1 {
			t.Errorf("%d items that had failed are tried at a time, want 1", retries)
		}
	})
}

// TestAServedRetryBringsTheOthersBack has all items of a root fail again and again. When one of them
// is served, the others are tried at once.
func TestAServedRetryBringsTheOthersBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newRootLine[int](4, 3)
		for i := range 5 {
			l.park("a", i, 8)
		}
		var first *service[int]
		for first = l.next(); first == nil; first = l.next() {
			pass(10 * time.Millisecond)
		}
		l.done(first, outcomeServed)
		for i := range 4 {
			s := l.next()
			if s == nil {
				t.Fatalf("only %d of the 4 others are tried", i)
			}
			l.done(s, outcomeServed)
		}
		pass(2 * longestPark)
		if s := l.next(); s != nil || len(l.roots) != 0 {
			t.Errorf("afterwards %+v is served and %d roots are left, want nothing", s, len(l.roots))
		}
	})
}

// TestFailuresAreRetriedLessOften fails one item again and again, and many items once.
func TestFailuresAreRetriedLessOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waited := func(l *rootLine[int], root string) time.Duration {
			began := time.Now()
			for l.parkedItems(root) > 0 {
				pass(10 * time.Millisecond)
			}
			return time.Since(began)
		}
		l := newRootLine[int](4, 3)
		l.park("a", 0, 1)
		if d := waited(l, "a"); d > 2*shortestPark {
			t.Errorf("after one failure it is parked for %v", d)
		}
		l.park("a", 0, 12)
		if d := waited(l, "a"); d < longestPark/2 || d > 2*longestPark {
			t.Errorf("after twelve failures it is parked for %v", d)
		}
		for i := range 2000 {
			l.park("a", i, 12)
		}
		if d := waited(l, "a"); d < 1000*parkSpacing {
			t.Errorf("2,000 items are tried within %v", d)
		}
	})
}

// lineRun is a run of random steps on a line.
type lineRun struct {
	t      *testing.T
	random *rand.Rand
	line   *rootLine[int]
	want   map[int]string // items in line or parked, and their roots
	busy   []*service[int]
}

// step adds, removes, serves and ends items. It returns false if there was nothing to serve or end.
func (r *lineRun) step(add int) bool {
	if add >= 0 {
		r.want[add] = fmt.Sprint(r.random.IntN(8))
		r.line.add(r.want[add], add)
	}
	if gone := r.random.IntN(500); r.random.IntN(4) == 0 && r.want[gone] != "" && r.line.remove(r.want[gone], gone) {
		delete(r.want, gone)
	}
	s := r.line.next()
	if s != nil {
		if r.want[s.item] != s.root.name {
			r.t.Fatalf("item %d of %q is served, want one that waits, of its root", s.item, s.root.name)
		}
		delete(r.want, s.item)
		r.busy = append(r.busy, s)
	}
	if len(r.busy) == 0 {
		return false
	}
	if r.random.IntN(2) == 0 || s == nil {
		first := r.busy[0]
		r.busy = r.busy[1:]
		how := outcome(r.random.IntN(3))
		if how == outcomeFailed {
			r.want[first.item] = first.root.name
			r.line.park(first.root.name, first.item, first.failures+1)
		}
		r.line.done(first, how)
	}
	return true
}

// TestEachItemInLineIsServed adds, removes and serves items at random, with services that fail and
// last. Each item is served until it does not fail, and nothing is left in the end.
func TestEachItemInLineIsServed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 2))
			permits := 1 + random.IntN(5)
			r := &lineRun{t: t, random: random, line: newRootLine[int](permits, 1+random.IntN(3)), want: make(map[int]string)}
			for item := 0; item < 500 || len(r.want)+len(r.busy) > 0; item++ {
				add := -1
				if item < 500 {
					add = item
				}
				if !r.step(add) {
					pass(maxPark)
				} else if random.IntN(20) == 0 {
					pass(slowAfter)
				}
				if item > 100_000 {
					t.Fatalf("seed %d: %d items are never served", seed, len(r.want))
				}
			}
			pass(2 * maxPark)
			if len(r.line.roots) != 0 || len(r.line.busy) != 0 || r.line.suspects != 0 {
				t.Errorf("seed %d: in the end %d roots are left, %d permits are taken, %d of them suspect",
					seed, len(r.line.roots), len(r.line.busy), r.line.suspects)
			}
		})
	}
}
