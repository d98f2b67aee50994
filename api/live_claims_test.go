package api

import (
	"net/netip"
	"strings"
	"testing"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/identity/issuertest"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// openClaimsServer serves topics of tenants.
func openClaimsServer(t *testing.T) *liveServer {
	t.Helper()
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, `CREATE TABLE tenants (id text PRIMARY KEY, open bool); GRANT SELECT ON tenants TO PUBLIC;
		INSERT INTO tenants VALUES ('1', true), ('acme', true), ('zeta', true), ($$a"b'c$$, true)`)
	return openLiveServerFor(t, db, append(apitest.SeedTopics(), []rules.Topic{
		{Topic: "tenants/{tenant_id}", Allow: "authenticated",
			Access:   `SELECT @claims->>'tenant_id' = id AS allowed, @claims->'roles' ? 'editor' AS editor FROM tenants WHERE id = @tenant_id AND open`,
			Snapshot: `SELECT @claims->>'tenant_id' AS tenant, jsonb_typeof(@claims) AS kind`},
		{Topic: "number", Allow: "authenticated", Access: `SELECT (@claims->>'tenant_id')::bigint = 9007199254740993 AS allowed`},
		{Topic: "open", Allow: "public", Access: `SELECT @claims = '{}' AS allowed`},
		{Topic: "plain", Allow: "authenticated", Access: `SELECT @me = 2 AS allowed`},
	}...), bearersOf(issuertest.OpenPlain(t)), door.Options{Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, notifier.Options{})
}

// as opens a native socket of bob with claims, given as name, value.
func (tn *liveServer) as(t *testing.T, claims ...any) *socketClient {
	t.Helper()
	return tn.bearer(t, issuertest.Sign(t, issuertest.Claims("2", claims...)))
}

// refuses expects an error for a topic.
func (b *socketClient) refuses(topic, code string) {
	b.say(`{"op":"subscribe","topic":"` + topic + `"}`)
	b.hears(`"code":"` + code + `"`)
}

func TestClaimsDecideWhoFollowsATenant(t *testing.T) {
	t.Parallel()
	tn := openClaimsServer(t)
	acme, zeta := tn.as(t, "tenant_id", "acme", "roles", []string{"editor"}), tn.as(t, "tenant_id", "zeta")
	acme.subscribe("tenants/acme", "")
	zeta.subscribe("tenants/zeta", "")
	for _, other := range []*socketClient{zeta, tn.as(t), tn.as(t, "tenant_id", nil), tn.as(t, "tenant_id", []string{"acme"}),
		tn.as(t, "tenant_id", `acme' OR 'a'='a`), tn.as(t, "tenant_id", `acme"},{"tenant_id":"acme`), tn.as(t, "tenant_id", `{acme}`), tn.native(t, "bob")} {
		other.refuses("tenants/acme", "forbidden")
	}
	acme.refuses("tenants/zeta", "forbidden")
	tn.as(t, "tenant_id", `a"b'c`).subscribe("tenants/a%22b'c", "")
	tn.native(t, "bob").subscribe("open", "")
	acme.refuses("open", "forbidden")

	// All are asked again in one statement, and each has the claims of its own token.
	tn.db.Psql(t, `SELECT rowcall.revalidate('tenants/acme'); SELECT rowcall.revalidate('tenants/zeta');
		SELECT rowcall.publish('tenants/acme', 'note', '{"n": 1}'); SELECT rowcall.publish('tenants/zeta', 'note', '{"n": 2}');`)
	acme.hears(`"n":1`)
	zeta.hears(`"n":2`)

	// A row that is revoked ends its topic, and no other.
	tn.db.Psql(t, `BEGIN; UPDATE tenants SET open = false WHERE id = 'acme'; SELECT rowcall.revalidate('tenants/acme'); SELECT rowcall.revalidate('tenants/zeta'); COMMIT;
		SELECT rowcall.publish('tenants/acme', 'note', '{"n": 3}'); SELECT rowcall.publish('tenants/zeta', 'note', '{"n": 4}');`)
	acme.hears(`"code":"not_found"`)
	zeta.hears(`"n":4`)
}

func TestSnapshotsReadTheClaims(t *testing.T) {
	t.Parallel()
	tn := openClaimsServer(t)
	for _, tenant := range []string{"acme", "zeta"} {
		b := tn.as(t, "tenant_id", tenant)
		b.say(`{"op":"subscribe","topic":"tenants/` + tenant + `","snapshot":true}`)
		b.hears(`"tenant":"` + tenant + `","kind":"object"`)
	}
}

// Numbers keep their digits, and a claim that the SQL cannot convert fails nobody else's question.
func TestClaimsAreConvertedOneByOne(t *testing.T) {
	t.Parallel()
	tn := openClaimsServer(t)
	exact, near, text := tn.as(t, "tenant_id", int64(9007199254740993)), tn.as(t, "tenant_id", int64(9007199254740992)), tn.as(t, "tenant_id", "abc")
	exact.subscribe("number", "")
	near.refuses("number", "forbidden")
	text.refuses("number", "not_found")
	exact.say(`{"op":"ping"}`)
	exact.hears(`{"op":"pong"`)
}

func TestTokensWhoseClaimsNoRuleCanReadAreRefused(t *testing.T) {
	t.Parallel()
	tn := openClaimsServer(t)
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	for name, claims := range map[string][]any{
		"NUL": {"tenant_id", "a\x00b"}, "NUL in a name": {"a\x00b", 1}, "long": {"x", strings.Repeat("x", 4<<10)},
		"deep": {"x", jsonText(deep)}, "large": {"x", jsonText("1e-100000")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tn.dialWith(t, "/v1/ws", with(issuertest.Sign(t, issuertest.Claims("2", claims...)))).expectClose(4401)
		})
	}
	tn.as(t, "x", strings.Repeat("x", 3<<10), "y", jsonText("1e-300"), "tenant_id", "acme").subscribe("tenants/acme", "")
}

// jsonText is a value that is encoded as it is.
type jsonText string

func (j jsonText) MarshalJSON() ([]byte, error) { return []byte(j), nil }

// A newer token with the same claims takes the older one's place; one with others makes the client come back.
func TestNewerClaimsCount(t *testing.T) {
	t.Parallel()
	tn := openClaimsServer(t)
	b := tn.as(t, "tenant_id", "acme", "jti", "1")
	b.subscribe("tenants/acme", "")
	b.say(`{"op":"auth","token":"` + issuertest.Sign(t, issuertest.Claims("2", "tenant_id", "acme", "jti", "2", "iat", 1700000000)) + `"}`)
	b.say(`{"op":"ping"}`)
	b.hears(`{"op":"pong"`)
	b.say(`{"op":"auth","token":"` + issuertest.Sign(t, issuertest.Claims("2", "tenant_id", "zeta")) + `"}`)
	b.expectClose(1012)
}

// Where no rule names claims, they are not kept, and no token is refused for them.
func TestClaimsThatNoRuleNamesAreNotKept(t *testing.T) {
	t.Parallel()
	tn, _ := openBearerLiveServer(t)
	b := tn.as(t, "x", strings.Repeat("x", 4<<10))
	b.subscribe("room/1", "")
	b.say(`{"op":"auth","token":"` + issuertest.Sign(t, issuertest.Claims("2", "x", "\x00")) + `"}`)
	b.say(`{"op":"ping"}`)
	b.hears(`{"op":"pong"`)
}
