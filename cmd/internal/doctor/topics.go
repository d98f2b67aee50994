package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"rowcall/config"
	"rowcall/notifier/topic"
)

const (
	topicsAsked = 2000 // topics of each slot that are looked at
	topicsNamed = 20   // topics that get a finding of their own
)

// topicsInLog reads different topics from the index, one probe for each, and not the log itself.
const topicsInLog = `
WITH RECURSIVE found AS (
	(SELECT slot, topic, 1 AS n FROM rowcall.log WHERE slot = $1 ORDER BY topic LIMIT 1)
	UNION ALL
	SELECT next.slot, next.topic, f.n + 1
	FROM found f CROSS JOIN LATERAL (SELECT l.slot, l.topic FROM rowcall.log l WHERE l.slot = $1 AND l.topic > f.topic ORDER BY l.topic LIMIT 1) next
	WHERE f.n < $2
)
SELECT topic FROM found`

// lookAtTopics finds topics in the log that nobody can follow.
func lookAtTopics(ctx context.Context, e *examination, tx pgx.Tx) ([]Finding, error) {
	if _, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', '2s', true), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var found []Finding
	unfollowed, named := 0, topicsNamed
	patterns := configuredPatterns(e.config)
	if len(patterns) == 0 {
		named = 0 // one finding says it all
	}
	for slot := range 4 {
		topics, err := queryRows(ctx, tx, pgx.RowTo[string], topicsInLog, slot, topicsAsked)
		if err != nil {
			return found, err
		}
		for _, name := range topics {
			if seen[name] || canFollow(patterns, name) {
				continue
			}
			seen[name] = true
			events, err := isEvent(ctx, tx, name)
			if err != nil {
				return found, err
			}
			if !events {
				continue
			}
			if unfollowed++; unfollowed <= named {
				found = append(found, unfollowable(name))
			}
		}
	}
	if unfollowed > named {
		found = append(found, finding(TopicUnfollowable, "rowcall.log", "", fmt.Sprintf("%d topics of the log, those named above aside, match no pattern of topics in the configuration: nobody can follow them", unfollowed-named), "add patterns to topics in the configuration"))
	}
	return found, nil
}

// isEvent reports whether a topic has events beside those that ask for access again, which concern everybody.
func isEvent(ctx context.Context, tx pgx.Tx, name string) (found bool, err error) {
	const query = `SELECT EXISTS (SELECT FROM (SELECT type FROM rowcall.log WHERE topic = $1 LIMIT 1000) l WHERE NOT starts_with(l.type, 'rowcall.'))`
	return found, tx.QueryRow(ctx, query, name).Scan(&found)
}

// configuredPatterns are the patterns of topics and of declared tables. The parameters of a table have the types of its
// columns, which are not looked up here: a topic counts as followable whatever its values are.
func configuredPatterns(c *config.Config) []topic.Pattern {
	var patterns []topic.Pattern
	for _, rule := range c.Topics {
		patterns = append(patterns, rule.Pattern())
	}
	for _, table := range c.Tables {
		for _, t := range table.Topics {
			if p, err := topic.ParsePattern(t.Topic); err == nil {
				patterns = append(patterns, p)
			}
		}
	}
	return patterns
}

// canFollow reports whether the configuration lets anybody follow a topic or one above it. Names must be in the one
// spelling that followers use.
func canFollow(patterns []topic.Pattern, name string) bool {
	if _, err := topic.Parse(name); err != nil {
		return false
	}
	for above := range topic.Topic(name).Lineage {
		if slices.ContainsFunc(patterns, func(p topic.Pattern) bool { return isSpelled(p, string(above)) }) {
			return true
		}
	}
	return false
}

// isSpelled reports whether a pattern has a topic, spelled as here.
func isSpelled(p topic.Pattern, name string) bool {
	values, ok := p.Match(name)
	if !ok {
		return false
	}
	next := 0
	return name == p.Expand(func(string) string {
		next++
		return values[next-1]
	})
}

func unfollowable(name string) Finding {
	shown := name
	if len(shown) > 80 {
		shown = strings.ToValidUTF8(shown[:80], "") + "..."
	}
	why := "neither it nor a topic above it matches a pattern of topics in the configuration"
	remedy := "add a pattern to topics, or correct the trigger that files the events"
	if _, err := topic.Parse(name); err != nil {
		why, remedy = err.Error(), "correct the trigger that files the events"
	}
	return finding(TopicUnfollowable, "rowcall.log", shown, fmt.Sprintf("nobody can follow topic %q: %s", shown, why), remedy)
}
