package config

import (
	"strings"
	"testing"

	"rowcall/config/rules"
)

// Rules that read claims are refused where no tokens are accepted.
func TestClaimsNeedTokens(t *testing.T) {
	const sql = "SELECT @claims->>'tenant' = @id AS allowed"
	c := &Config{
		Topics: []rules.Topic{{Topic: "a/{id}", Access: sql}, {Topic: "b", Snapshot: "SELECT '@claims' AS text"}},
		Tables: []rules.Table{{Table: "t", Topics: []rules.TableTopic{{Topic: "t/{id}", Access: sql}}}},
	}
	refused := func() (all []string) {
		var wrong rules.Problems
		c.checkClaims(&wrong)
		for _, p := range wrong {
			all = append(all, p.String())
		}
		return all
	}
	const missing = ": names @claims, the claims of a token, but no tokens are accepted: set auth.jwt"
	if got := strings.Join(refused(), "\n"); got != "topics[0]"+missing+"\ntables[0]"+missing {
		t.Errorf("without tokens: %s", got)
	}
	c.Auth.JWT.Key = "0123456789abcdef0123456789abcdef"
	if got := refused(); got != nil {
		t.Errorf("with tokens: %s", got)
	}
}
