package sites

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// manual returns the configuration, the triggers and the grant of docs/django.md, word for word.
func manual(t *testing.T) (config, triggers, grant string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "django.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := func(expression string) string {
		found := regexp.MustCompile(expression).FindStringSubmatch(string(page))
		if found == nil {
			t.Fatalf("docs/django.md has nothing like %s", expression)
		}
		return found[1]
	}
	return block("(?s)```yaml\n(.*?)```"), block("(?s)```sql\n(.*?)```"), block(`(GRANT SELECT ON [^;]*;)`)
}

// openManual sets up a site with Django's own users and the models of the chat seed, with tables
// that Django has made, and a node as docs/django.md says.
func openManual(t *testing.T) *djangoSite {
	t.Helper()
	python := rowcalltest.DjangoPython(t)
	config, triggers, grant := manual(t)
	db := schematest.New(t, schematest.CoreOnly)
	addr, role := schematest.UnusedAddress(t), "site_"+db.Name
	db.Exec(t, `CREATE ROLE `+role+` LOGIN PASSWORD '`+rowcalltest.Password+`'; GRANT CREATE ON SCHEMA public TO `+role+`; GRANT rowcall_publisher TO `+role)
	t.Cleanup(func() { db.Exec(t, `DROP OWNED BY `+role+` CASCADE; DROP ROLE `+role) })
	d := &djangoSite{t: t, python: python, url: "http://" + addr + "/"}
	u, _ := url.Parse(db.URL)
	u.User = url.UserPassword(role, rowcalltest.Password)
	d.setEnv(u.String())
	d.env = append(d.env, "DJANGO_SETTINGS_MODULE=settings_seed")
	d.manage("migrate", "-v", "0")
	d.manage("migrate", "--run-syncdb", "-v", "0") // the tables of apps without migrations, which need those before

	file := filepath.Join(t.TempDir(), "rowcall.yaml")
	config = strings.Replace(config, "https://www.example.org", strings.TrimSuffix(d.url, "/"), 1)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"ROWCALL_CONFIG": file, "ROWCALL_AUTH_DJANGO_SECRET_KEY": djangoSecret, "ROWCALL_HTTP_ADDR": "127.0.0.1:0", "ROWCALL_DATABASE_URL": db.URL}
	rowcalltest.Succeeds(t, env, "migrate")
	db.Exec(t, grant)
	env["ROWCALL_DATABASE_URL"] = rowcalltest.ServingURL(t, db)
	d.Server = &rowcalltest.Server{Database: db, Env: env}
	d.PsqlAs(t, role, triggers)
	d.Server = d.StartAnother(t)
	d.serve(addr)
	return d
}

// TestDjangoAsTheManualSays follows docs/django.md and nothing else, with Django's own users and
// the models of the seed unchanged.
func TestDjangoAsTheManualSays(t *testing.T) {
	t.Parallel()
	d := openManual(t)
	d.shell(`
from django.contrib.auth.models import User
from seed.models import ChatRoom
alice, bob, dave, admin = [User.objects.create_user(n, password=n, first_name=n.title(), last_name="X") for n in ["alice", "bob", "dave", "admin"]]
User.objects.filter(pk=admin.pk).update(is_staff=True, is_superuser=True)
ChatRoom.objects.create(id=1, owner=alice, title="Room").member_set.add(bob)`)
	owner, member, asking := d.user("alice").open("/ws/room/1"), d.user("bob"), d.user("dave")
	room, user := member.open("/ws/room/1"), asking.open("/ws/user/3")
	asking.open("/ws/room/1").ExpectClose(4403)

	admin := d.staff("admin")
	admin.submit("admin/chat/chatroomjoinrequest/add/", "user", "3", "room", "1")
	request := `{"type":"did_alter_join_request","kwargs":{"id":"1","action":"create","requesting_user":{"id":3,"first_name":"Dave","last_name":"X"}}}`
	owner.Expect(request)
	user.Expect(request)
	admin.submit("admin/chat/chatmessage/add/", "room", "1", "sender", "2", "message", "from the admin")
	owner.Expect(rowcalltest.ChatMessageFrame(1, "from the admin"))
	room.Expect(rowcalltest.ChatMessageFrame(1, "from the admin"))

	d.shell("from seed.models import ChatRoom\nChatRoom.objects.get().member_set.set([3])")
	room.ExpectClose(4403)
	joined := asking.open("/ws/room/1")
	d.shell("from django.contrib.auth.models import User\nUser.objects.filter(username='dave').update(is_active=False)")
	joined.ExpectClose(4401)
	user.ExpectClose(4401)
	asking.open("/ws/room/1").ExpectClose(4401)
	owner.ExpectNoMore()
}
