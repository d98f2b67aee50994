package api

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api/apitest"
	"rowcall/api/identity/issuertest"
	"rowcall/config/rules"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// openBearerLiveServer accepts the tokens of an issuer besides cookies.
func openBearerLiveServer(t *testing.T) (*liveServer, *issuertest.Issuer) {
	t.Helper()
	is := issuertest.OpenPlain(t)
	tn := openLiveServerWith(t, schematest.New(t, schematest.Samples), bearersOf(is))
	return tn, is
}

// bearersOf accept the tokens of an issuer, and those of its symmetric key.
func bearersOf(is *issuertest.Issuer) rules.JWT {
	return rules.JWT{Key: issuertest.Symmetric, JWKSURL: is.HTTP.URL + "/keys", Issuer: issuertest.Name, Audience: issuertest.Audience, StaffClaim: "staff"}
}

// with returns the header of a request with a bearer token.
func with(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// bearer opens a native socket with a token and reads the welcome.
func (tn *liveServer) bearer(t *testing.T, token string) *socketClient {
	t.Helper()
	b := tn.dialWith(t, "/v1/ws", with(token))
	b.hears(`{"op":"welcome"`)
	return b
}

func TestBearersFollowOnEveryTransport(t *testing.T) {
	t.Parallel()
	tn, _ := openBearerLiveServer(t)
	token := issuertest.Sign(t, issuertest.Claims("2"))
	native, plain := tn.bearer(t, token), tn.dialWith(t, "/ws/room/1", with(token))
	native.subscribe("room/1", "")
	offered := tn.dialWith(t, "/v1/ws", http.Header{"Sec-WebSocket-Protocol": {issuertest.Offer(token)}})
	if got := offered.Subprotocol(); got != nativeSubprotocol {
		t.Errorf("answered with the subprotocol %q", got)
	}
	offered.hears(`{"op":"welcome"`)
	offered.subscribe("room/1", "")
	stream := listen(t, "http://"+tn.addr, url.Values{"topic": {"room/1"}}, "Authorization", "Bearer "+token)
	stream.live()
	tn.db.Psql(t, say(100, "to all"))
	native.hears(`"message":"to all"`)
	offered.hears(`"message":"to all"`)
	plain.expect(kwargs("100", "to all"))
	if got := stream.event(); !strings.Contains(got, `"message":"to all"`) {
		t.Errorf("heard %s", got)
	}
	native.say(`{"op":"subscribe","topic":"room/2"}`)
	native.hears(`"op":"subscribed"`) // bob owns it
	native.say(`{"op":"subscribe","topic":"user/1"}`)
	native.hears(`"code":"forbidden"`)
}

func TestBadBearersAreToldByACloseFrame(t *testing.T) {
	t.Parallel()
	tn, _ := openBearerLiveServer(t)
	cookie := tn.login(t, "bob")
	for name, token := range map[string]string{
		"garbage": "abc", "nobody": issuertest.Sign(t, issuertest.Claims("99")), "none": issuertest.Join(`{"alg":"none"}`, issuertest.Encode(t, issuertest.Claims("2")), nil),
		"expired": issuertest.Sign(t, issuertest.Claims("2", "exp", time.Now().Add(-time.Minute).Unix())),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header, offered := with(token), http.Header{"Sec-WebSocket-Protocol": {issuertest.Offer(token)}}
			tn.dialWith(t, "/v1/ws", header).expectClose(4401)
			tn.dialWith(t, "/v1/ws", offered).expectClose(4401)
			tn.dialWith(t, "/ws/room/1", header).expectClose(4401)
			header.Set("Cookie", cookie)
			tn.dialWith(t, "/v1/ws", header).expectClose(4401)
			_, answer, err := websocketDial(tn, "/ws/job-status/", with(token))
			if err == nil || answer.StatusCode != http.StatusForbidden {
				t.Errorf("a socket that refuses the anonymous: %v", answer)
			}
			stream := listen(t, "http://"+tn.addr, url.Values{"topic": {"dams"}}, "Authorization", "Bearer "+token)
			if stream.answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("a stream: %d", stream.answer.StatusCode)
			}
		})
	}
}

func TestStaffBearersAreStaffWhateverTheTableSays(t *testing.T) {
	t.Parallel()
	tn, _ := openBearerLiveServer(t)
	staff, admin := tn.bearer(t, issuertest.Sign(t, issuertest.Claims("2", "staff", true))), tn.bearer(t, issuertest.Sign(t, issuertest.Claims("5")))
	staff.subscribe("ward", "")
	admin.say(`{"op":"subscribe","topic":"ward"}`)
	admin.hears(`"code":"forbidden"`) // staff in the table, and not by the token
	tn.db.Psql(t, `UPDATE users SET is_staff = NOT is_staff WHERE id IN (2, 5);`)
	staff.subscribe("jobs/1", "")
	staff.say(`{"op":"ping"}`)
	staff.hears(`{"op":"pong"`)
	if err := tn.server.vigil.askAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	staff.say(`{"op":"ping"}`)
	staff.hears(`{"op":"pong"`)
}

func TestSocketsEndWithTheirToken(t *testing.T) {
	t.Parallel()
	tn, _ := openBearerLiveServer(t)
	exp := time.Now().Add(testdeadline.Scale(4 * time.Second)).Truncate(time.Second)
	token := issuertest.Sign(t, issuertest.Claims("2", "exp", exp.Unix()))
	idle, plain := tn.bearer(t, token), tn.dialWith(t, "/ws/room/1", with(token))
	stream := listen(t, "http://"+tn.addr, url.Values{"topic": {"room/1"}}, "Authorization", "Bearer "+token)
	stream.live()
	idle.expectClose(4401)
	plain.expectClose(4401)
	for {
		if _, err := stream.next(); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("the stream has ended with %v", err)
			}
			break
		}
	}
	if now := time.Now(); now.Before(exp) {
		t.Errorf("ended %v before the token", exp.Sub(now))
	}
	again := listen(t, "http://"+tn.addr, url.Values{"topic": {"room/1"}}, "Authorization", "Bearer "+token)
	if again.answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("it comes back, and gets %d", again.answer.StatusCode)
	}
}

func TestATokenIsReplacedOnAnOpenSocket(t *testing.T) {
	t.Parallel()
	tn, _ := openBearerLiveServer(t)
	short := issuertest.Sign(t, issuertest.Claims("2", "exp", time.Now().Add(patience).Unix()))
	renewed, stubborn, plain := tn.bearer(t, short), tn.bearer(t, short), tn.dialWith(t, "/ws/room/1", with(short))
	cookie := tn.native(t, "bob")
	renewed.subscribe("room/1", "")
	for token, want := range map[string]string{
		issuertest.Sign(t, issuertest.Claims("1")):                `{"op":"error","code":"forbidden","message":"the token is of another user; the one before it still counts","retryable":false}`,
		issuertest.Sign(t, issuertest.Claims("2", "staff", true)): `{"op":"error","code":"forbidden","message":"the token gives other rights; open another socket with it","retryable":false}`,
		"abc":                        `{"op":"error","code":"unauthorized","message":"the token is not valid","retryable":false}`,
		strings.Repeat("a", 8<<10+1): `{"op":"error","code":"unauthorized","message":"the token is not valid","retryable":false}`,
	} {
		for _, b := range []*socketClient{renewed, stubborn} {
			b.say(`{"op":"auth","token":"` + token + `"}`)
			b.expect(want)
		}
	}
	cookie.say(`{"op":"auth","token":"` + issuertest.Sign(t, issuertest.Claims("2")) + `"}`)
	cookie.expect(`{"op":"error","code":"bad_request","message":"this socket was not opened with a token","retryable":false}`)
	stubborn.say(`{"op":"auth","token":7}`)
	stubborn.hears(`"code":"bad_request"`)
	plain.say(`{"op":"auth","token":"` + issuertest.Sign(t, issuertest.Claims("2")) + `"}`) // is not even read
	renewed.say(`{"op":"auth","token":"` + issuertest.Sign(t, issuertest.Claims("2")) + `"}`)
	renewed.say(`{"op":"ping"}`)
	renewed.hears(`{"op":"pong"`)

	tn.server.vigil.endExpired(time.Now().Add(30 * time.Minute))
	stubborn.expectClose(4401)
	plain.expectClose(4401)
	tn.db.Psql(t, say(100, "still here"))
	renewed.hears(`"message":"still here"`)
	tn.server.vigil.endExpired(time.Now().Add(2 * time.Hour))
	renewed.expectClose(4401)
	cookie.say(`{"op":"ping"}`)
	cookie.hears(`{"op":"pong"`)
}

func TestBearersEndWithTheirUser(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"deactivated": `UPDATE users SET is_active = false WHERE id = 90;`,
		"deleted":     `DELETE FROM users WHERE id = 90;`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tn, _ := openBearerLiveServer(t)
			tn.db.Psql(t, `INSERT INTO users (id, username, password) VALUES (90, 'frank', '!');`)
			token := issuertest.Sign(t, issuertest.Claims("90"))
			following, idle := tn.bearer(t, token), tn.bearer(t, token)
			following.subscribe("dams", "")
			tn.db.Psql(t, sql)
			following.expectClose(4401)
			if err := tn.server.vigil.askAll(t.Context()); err != nil {
				t.Fatal(err)
			}
			idle.expectClose(4401)
			tn.dialWith(t, "/v1/ws", with(token)).expectClose(4401)
		})
	}
}

// No trigger runs when a login expires, so only the vigil can end its sockets.
func TestSocketsEndWithALoginThatRunsOut(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	over, other := tn.native(t, "bob"), tn.native(t, "alice")
	plain := tn.dial(t, "/ws/room/1", "bob")
	tn.db.Exec(t, `UPDATE rowcall.sessions SET expires_at = now() WHERE user_id = '2'`)
	if err := tn.server.vigil.askAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	over.expectClose(4401)
	plain.expectClose(4401)
	other.say(`{"op":"ping"}`)
	other.hears(`{"op":"pong"`)
}

func TestALogoutEndsSocketsThatFollowNothing(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	cookie := tn.login(t, "bob")
	idle, other := tn.dialWith(t, "/v1/ws", http.Header{"Cookie": {cookie}}), tn.native(t, "bob")
	idle.hear()
	r, _ := http.NewRequest("POST", "http://"+tn.addr+"/api/logout", strings.NewReader("{}"))
	r.Header = http.Header{"Cookie": {cookie}, "Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}}
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode >= 300 {
		t.Fatalf("logout: %v %v", answer, err)
	}
	answer.Body.Close()
	idle.expectClose(4401)
	other.say(`{"op":"ping"}`)
	other.hears(`{"op":"pong"`)
}

func TestIdentitiesOfOpenSocketsOutlastTheDatabase(t *testing.T) {
	t.Parallel()
	is := issuertest.OpenPlain(t)
	db := schematest.Private(t, schematest.Samples)
	tn := openLiveServerWith(t, db, bearersOf(is))
	cookie := tn.native(t, "bob")
	b := tn.bearer(t, issuertest.Sign(t, issuertest.Claims("2", "exp", time.Now().Add(patience).Unix())))
	b.subscribe("room/1", "")
	db.Stop(t)
	if err := tn.server.vigil.askAll(t.Context()); err == nil {
		t.Fatal("it has an answer without a database")
	}
	b.say(`{"op":"auth","token":"` + issuertest.Sign(t, issuertest.Claims("2")) + `"}`)
	b.say(`{"op":"ping"}`)
	b.hears(`{"op":"pong"`)
	tn.server.vigil.endExpired(time.Now().Add(30 * time.Minute))
	cookie.say(`{"op":"ping"}`)
	cookie.hears(`{"op":"pong"`)
	tn.dialWith(t, "/v1/ws", with(issuertest.Sign(t, issuertest.Claims("2")))).expectClose(websocket.CloseTryAgainLater)
	db.Start(t)
	apitest.WaitFor(t, "the feed", func() bool { return tn.feed.Health().Err == nil })
	tn.db.Psql(t, say(100, "back"))
	b.hears(`"message":"back"`)
}
