package resource

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"rowcall/api/apitest"
)

func TestInjectionOverREST(t *testing.T) {
	t.Parallel()
	s := openServer(t)
	alice := s.user(t, "alice")
	apitest.ExpectUnharmed(t, s.db, func() {
		for _, text := range apitest.HostileTexts() {
			q, p, j := url.QueryEscape(text), url.PathEscape(text), apitest.QuoteJSON(t, text)
			for _, query := range []string{"?" + q + "=1", "?first_name=" + q, "?id=" + q, "?admission_date=" + q, "?ordering=" + q, "?ordering=-" + q, "?limit=" + q, "?offset=" + q, "?search=" + q, "?" + q} {
				alice.ExpectHarmless("GET", "/api/patients"+query, "")
			}
			alice.ExpectHarmless("GET", "/api/join_requests?search="+q, "")
			alice.ExpectHarmless("GET", "/api/resources?"+q, "")
			alice.ExpectHarmless("GET", "/api/patients/"+p, "")
			alice.ExpectHarmless("DELETE", "/api/patients/"+p, "")
			alice.ExpectHarmless("PATCH", "/api/patients/"+p, `{"first_name":"x"}`)
			alice.ExpectHarmless("GET", "/api/"+p, "")
			alice.ExpectHarmless("POST", "/api/functions/"+p, `{}`)
			alice.ExpectHarmless("POST", "/api/patients", `{`+j+`:1,"first_name":"x"}`)
			alice.ExpectHarmless("POST", "/api/patients", `{"admission_date":`+j+`,"first_name":"x","last_name":"y"}`)
			alice.ExpectHarmless("POST", "/api/messages", `{"room_id":`+j+`,"sender_id":1,"message":"x"}`)
			alice.ExpectHarmless("POST", "/api/functions/join_room", `{"code":`+j+`}`)
			alice.ExpectHarmless("POST", "/api/functions/leave_room", `{"room_id":`+j+`}`)
			alice.ExpectHarmless("POST", "/api/functions/leave_room", `{`+j+`:1}`)
		}
	})
}

func TestHostileTextIsText(t *testing.T) {
	t.Parallel()
	s := openServer(t)
	alice := s.user(t, "alice")
	stored := 4 // the samples
	for _, text := range apitest.HostileTexts() {
		if strings.ContainsRune(text, 0) || len(text) > 240 {
			continue
		}
		j := apitest.QuoteJSON(t, text)
		alice.Expect(201, `{"first_name":`+j+`,"last_name":`+j+`}`, "POST", "/api/patients", `{"first_name":`+j+`,"last_name":`+j+`,"admission_date":"2021-06-01T10:00:00Z"}`)
		alice.Expect(200, `{"total":1,"rows":[{"last_name":`+j+`}]}`, "GET", "/api/patients?first_name="+url.QueryEscape(text), "")
		stored++
	}
	if n := s.db.Text(t, `SELECT count(*) FROM patients`); n != strconv.Itoa(stored) {
		t.Errorf("stored rows: got %s, want %d", n, stored)
	}
}
