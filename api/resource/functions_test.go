package resource

import (
	"strings"
	"testing"

	"rowcall/api/apitest"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

func TestChatFunctions(t *testing.T) {
	t.Parallel()
	s := openServer(t)
	alice, bob, dave, nobody := s.user(t, "alice"), s.user(t, "bob"), s.user(t, "dave"), s.user(t, "")
	const call = "/api/functions/"

	nobody.Expect(401, `{"code":"unauthorized"}`, "POST", call+"join_room", `{"code":"read-with-us"}`)
	dave.Expect(404, `{"code":"not_found","detail":"no room has this code"}`, "POST", call+"join_room", `{"code":"nonsense"}`)
	alice.Expect(409, `{"code":"conflict","detail":"you are in this room already"}`, "POST", call+"join_room", `{"code":"read-with-us"}`)
	asked := dave.Expect(200, `{"room_id":1,"title":"Reading group","status":"pending"}`, "POST", call+"join_room", `{"code":" read-with-us "}`)
	dave.Expect(200, asked.Body, "POST", call+"join_room", `{"code":"read-with-us"}`)
	dave.Expect(200, `{"total":1}`, "GET", "/api/join_requests", "")
	dave.Expect(404, "", "GET", "/api/rooms/1", "")
	alice.Expect(200, `{"status":"admitted"}`, "PATCH", "/api/join_requests/"+apitest.Field(t, asked.Body, "id"), `{"status":"admitted"}`)
	dave.Expect(200, `{"title":"Reading group"}`, "GET", "/api/rooms/1", "")

	dave.Expect(403, `{"code":"forbidden","detail":"only the owner of the room may do this"}`, "POST", call+"remove_member", `{"room_id":1,"user_id":2}`)
	alice.Expect(409, `{"detail":"only a member can take the room over"}`, "POST", call+"hand_over", `{"room_id":1,"user_id":3}`)
	alice.Expect(409, `{"detail":"hand the room over first"}`, "POST", call+"leave_room", `{"room_id":1}`)
	alice.Expect(204, "", "POST", call+"hand_over", `{"room_id":1,"user_id":4}`)
	alice.Expect(403, "", "POST", call+"remove_member", `{"room_id":1,"user_id":2}`)
	dave.Expect(204, "", "POST", call+"remove_member", `{"room_id":1,"user_id":2}`)
	dave.Expect(404, `{"detail":"this user is not a member"}`, "POST", call+"remove_member", `{"room_id":1,"user_id":2}`)
	bob.Expect(404, `{"detail":"you are not in this room"}`, "POST", call+"remove_member", `{"room_id":1,"user_id":1}`)
	alice.Expect(204, "", "POST", call+"leave_room", `{"room_id":1}`)
	alice.Expect(404, `{"detail":"you are not in this room"}`, "POST", call+"leave_room", `{"room_id":1}`)

	made := bob.Expect(200, `{"owner_id":2,"title":"Chess"}`, "POST", call+"create_room", `{"title":" Chess "}`)
	if code := apitest.Field(t, made.Body, "join_code"); len(code) != 12 {
		t.Errorf("join code: got %q, want 12 characters", code)
	}
	bob.Expect(200, `{"join_code":"e4-e5"}`, "POST", call+"create_room", `{"title":"Chess","join_code":"e4-e5"}`)
	bob.Expect(400, `{"detail":"a title has 1 to 50 characters"}`, "POST", call+"create_room", `{"title":" "}`)
	bob.Expect(400, `{"detail":"a join code has 4 to 32 characters"}`, "POST", call+"create_room", `{"title":"x","join_code":"x"}`)
}

const oddFunctions = `
CREATE FUNCTION "Odd""One"("User Id" bigint, "text" text DEFAULT 'x', n numeric(4,1) DEFAULT 1, list int[] DEFAULT '{}', at timestamptz DEFAULT NULL, OUT a text, OUT b jsonb)
	LANGUAGE sql AS $$ SELECT concat_ws('/', "User Id", "text", n, list::text, rowcall.iso(at)), jsonb_build_object('me', current_setting('rowcall.user_id'), 'role', current_user) $$;
CREATE FUNCTION many(n int) RETURNS SETOF int LANGUAGE sql AS 'SELECT generate_series(1, n)';
CREATE FUNCTION pairs() RETURNS TABLE (a int, b text) LANGUAGE sql AS $$ VALUES (1, 'x'), (2, NULL) $$;
CREATE FUNCTION moments() RETURNS TABLE (at timestamptz, list timestamptz[]) LANGUAGE sql AS $$ SELECT '2021-06-01 10:00Z'::timestamptz, '{2021-06-01 10:00:00.5Z}'::timestamptz[] $$;
CREATE FUNCTION nothing() RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE FUNCTION silent() RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION fails(code text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'what was said' USING ERRCODE = code; END $$;
CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS 'INSERT INTO users (username) VALUES (''x'') RETURNING 1';
CREATE FUNCTION twice(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION twice(a text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION nameless(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION anything(a anyelement) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION rest(VARIADIC a int[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION closed() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION closed FROM PUBLIC;
CREATE PROCEDURE proc() LANGUAGE sql AS ''`

func TestFunctions(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, oddFunctions)
	s := openServerOn(t, db, nil, []rules.Function{
		{Name: "odd", Function: `"Odd""One"`, Allow: "public"}, {Name: "many", Function: "public.many", Allow: "public"}, {Name: "pairs", Function: "pairs", Allow: "public"},
		{Name: "moments", Function: "moments", Allow: "public"}, {Name: "nothing", Function: "nothing", Allow: "public"}, {Name: "silent", Function: "silent", Allow: "public"}, {Name: "fails", Function: "fails", Allow: "public"},
		{Name: "writes", Function: "writes", Allow: "authenticated"}, {Name: "staff", Function: "nothing"},
	})
	nobody, alice, admin := s.user(t, ""), s.user(t, "alice"), s.user(t, "admin")
	const call = "/api/functions/"
	nobody.Expect(200, `{"a":"5/x/1/{}","b":{"me":"","role":"rowcall_app"}}`, "POST", call+"odd", `{"User Id":5}`)
	alice.Expect(200, `{"a":"5/ y /2.5/{1,2}/2021-06-01T10:00:00Z","b":{"me":"1"}}`, "POST", call+"odd/", `{"User Id":"5","text":" y ","n":2.5,"list":[1,2],"at":"2021-06-01 10:00"}`)
	alice.Expect(200, `{"a":"x/1/{}"}`, "POST", call+"odd", `{"User Id":null}`)
	alice.Expect(400, `{"errors":{"User Id":["This field is required."],"nope":["There is no such argument."],"at":["Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."]}}`,
		"POST", call+"odd", `{"nope":1,"at":5}`)
	alice.Expect(400, `{"errors":{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}}`, "POST", call+"odd", `[5]`)
	alice.Expect(200, `[1,2,3]`, "POST", call+"many", `{"n":3}`)
	alice.Expect(200, `[]`, "POST", call+"many", `{"n":0}`)
	alice.Expect(200, `[{"a":1,"b":"x"},{"a":2,"b":null}]`, "POST", call+"pairs", `{}`)
	alice.Expect(200, `[{"at":"2021-06-01T10:00:00Z","list":["2021-06-01T10:00:00.500000Z"]}]`, "POST", call+"moments", `{}`)
	alice.Expect(200, `null`, "POST", call+"nothing", `{}`)
	if came := alice.Expect(204, "", "POST", call+"silent", `{}`); came.Body != "" {
		t.Errorf("body of a void function: got %q, want none", came.Body)
	}
	for code, want := range map[string]int{"RC400": 400, "RC401": 401, "RC403": 403, "RC404": 404, "RC409": 409, "RC429": 429} {
		came := alice.Expect(want, `{"detail":"what was said"}`, "POST", call+"fails", `{"code":"`+code+`"}`)
		if want == 429 && came.Header.Get("Retry-After") == "" {
			t.Error("RC429: got no header Retry-After, want one")
		}
	}
	for code, want := range map[string]int{"RC500": 500, "RC200": 500, "P0001": 400, "22000": 400, "42501": 403, "40001": 503, "XX000": 500} {
		if came := alice.Expect(want, "", "POST", call+"fails", `{"code":"`+code+`"}`); strings.Contains(came.Body, "what was said") {
			t.Errorf("%s: got %s, want an answer without the text of the exception", code, came.Body)
		}
	}
	alice.Expect(403, `{"code":"forbidden"}`, "POST", call+"writes", `{}`)
	nobody.Expect(401, "", "POST", call+"writes", `{}`)
	alice.Expect(403, "", "POST", call+"staff", `{}`)
	admin.Expect(200, "", "POST", call+"staff", `{}`)
	alice.Expect(405, "", "GET", call+"silent", "")
	alice.Expect(404, "", "POST", call+"nowhere", `{}`)
}

// TestAFunctionThatReturnsASetNow replaces a function by one with the same arguments that returns a set.
// The first call after that returns the set, and its writes are committed once.
func TestAFunctionThatReturnsASetNow(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	const body = ` LANGUAGE sql SECURITY DEFINER AS 'INSERT INTO calls VALUES (1); SELECT n FROM generate_series(1, n) n'`
	db.Exec(t, `CREATE TABLE calls (n int); CREATE FUNCTION zero(n int) RETURNS int`+body+`; CREATE FUNCTION two(n int) RETURNS int`+body)
	s := openServerOn(t, db, nil, []rules.Function{{Name: "zero", Function: "zero", Allow: "public"}, {Name: "two", Function: "two", Allow: "public"}})
	for _, tt := range []struct{ function, n, want string }{{"zero", "0", "[]"}, {"two", "2", "[1,2]"}} {
		db.Exec(t, `TRUNCATE calls; DROP FUNCTION `+tt.function+`; CREATE FUNCTION `+tt.function+`(n int) RETURNS SETOF int`+body)
		s.user(t, "").Expect(200, tt.want, "POST", "/api/functions/"+tt.function, `{"n":`+tt.n+`}`)
		if got := db.Text(t, `(SELECT count(*) FROM calls)`); got != "1" {
			t.Errorf("%s has written %s times, want 1", tt.function, got)
		}
	}
}

// TestAFunctionThatFailsByItselfRunsOnce calls functions that raise errors with the SQLSTATEs of a changed
// catalog. What they do outside of their transaction, here to a sequence, is done once.
func TestAFunctionThatFailsByItselfRunsOnce(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, `CREATE SEQUENCE runs; GRANT USAGE ON SEQUENCE runs TO rowcall_app;
		CREATE FUNCTION raises(code text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('runs'); RAISE EXCEPTION 'no' USING ERRCODE = code; END $$;
		CREATE FUNCTION asks(query text) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN PERFORM nextval('runs'); EXECUTE query INTO n; RETURN n; END $$;
		CREATE FUNCTION calls(query text) RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''runs''); SELECT asks(query)'`)
	s := openServerOn(t, db, nil, []rules.Function{{Name: "raises", Function: "raises", Allow: "public"}, {Name: "asks", Function: "asks", Allow: "public"}, {Name: "calls", Function: "calls", Allow: "public"}})
	for _, tt := range []struct{ function, argument, runs string }{
		{"raises", `{"code":"42P01"}`, "1"}, {"raises", `{"code":"42804"}`, "1"}, {"raises", `{"code":"0A000"}`, "1"}, {"raises", `{"code":"3F000"}`, "1"}, {"raises", `{"code":"XX000"}`, "1"},
		{"asks", `{"query":"SELECT 1 FROM nowhere"}`, "1"}, {"asks", `{"query":"SELECT nothing()"}`, "1"}, {"calls", `{"query":"SELEKT"}`, "2"},
	} {
		db.Exec(t, `ALTER SEQUENCE runs RESTART`)
		s.user(t, "").Expect(500, `{"code":"internal"}`, "POST", "/api/functions/"+tt.function, tt.argument)
		if got := db.Text(t, `(SELECT last_value FROM runs)`); got != tt.runs {
			t.Errorf("%s %s: the sequence is at %s, want %s", tt.function, tt.argument, got, tt.runs)
		}
	}
}

// TestValuesThatOnlyPostgreSQLReads sends values of types whose input PostgreSQL refuses with the SQLSTATEs
// of a wrong statement. The user is told, and nothing is an error of ours.
func TestValuesThatOnlyPostgreSQLReads(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	types := []string{"jsonpath", "tsquery", "regclass", "regrole", "regproc", "regprocedure", "regconfig", "point", "pg_lsn"}
	columns := ""
	for _, name := range types {
		columns += ", c_" + name + " " + name
	}
	db.Exec(t, `CREATE TABLE papers (id int PRIMARY KEY`+columns+`); INSERT INTO papers VALUES (1); GRANT SELECT, UPDATE ON papers TO rowcall_app;
		CREATE FUNCTION finds(name regclass) RETURNS text LANGUAGE sql AS 'SELECT name::text'`)
	s := openServerOn(t, db, []rules.Resource{{Name: "papers", Table: "papers", Allow: "public"}}, []rules.Function{{Name: "finds", Function: "finds", Allow: "public"}})
	for _, name := range types {
		for _, value := range []string{"(no such", "nosuch", "no such"} {
			if name == "tsquery" && value == "nosuch" {
				continue // it is a query
			}
			s.user(t, "").Expect(400, `{"code":"invalid"}`, "PATCH", "/api/papers/1", `{"c_`+name+`":"`+value+`"}`)
		}
	}
	s.user(t, "").Expect(400, `{"code":"invalid"}`, "POST", "/api/functions/finds", `{"name":"nosuch"}`)
	s.user(t, "").Expect(200, `"papers"`, "POST", "/api/functions/finds", `{"name":"papers"}`)
}

func TestCompileFunctionsTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, oddFunctions)
	_, err := CompileFunctions(t.Context(), dbconn.Over(db.Pool(t)), []rules.Function{
		{Name: "many", Function: "many"}, {Name: "many", Function: "many"}, {Name: "a/b", Function: "", Allow: "x"}, {Name: "a", Function: "nowhere"},
		{Name: "b", Function: "twice"}, {Name: "c", Function: "nameless"}, {Name: "d", Function: "anything"}, {Name: "e", Function: "rest"},
		{Name: "f", Function: "closed"}, {Name: "g", Function: "proc"}, {Name: "h", Function: "many(int)"},
	})
	apitest.ExpectProblems(t, err, []string{
		`functions[1].name: "many" is the name of functions[0] too`,
		`functions[2].name: "a/b" stands in the address: write it with`,
		`functions[2].function: is missing`,
		`functions[2].allow: "x" is not one of`,
		`functions[3].function: there is no function nowhere; a name that several functions have is refused too`,
		`functions[4].function: there is no function twice; a name that several functions have is refused too`,
		`functions[5].function: the arguments of public.nameless need names`,
		`functions[6].function: the arguments of public.anything need names`,
		`functions[7].function: the arguments of public.rest need names`,
		`functions[8].function: rowcall_app may not call public.closed: GRANT EXECUTE ON FUNCTION public.closed TO rowcall_app`,
		`functions[9].function: public.proc is no plain function`,
		`functions[10].function: there is no function many(int)`,
	})
}
