package sites

import (
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// djangoSecret is the site's SECRET_KEY.
const djangoSecret = "django-insecure-#of(the)tests="

// djangoSite is a Django site with its admin, on a database of its own, and a node on the same
// database that has the site's secret key.
type djangoSite struct {
	*rowcalltest.Server
	t      *testing.T
	python string
	env    []string // of the site's processes
	url    string   // the site's address, with a slash at its end
}

// openDjango migrates the site as a superuser, then the tables of the node, gives the accounts
// passwords that Django makes, and starts both. The site's role may do anything with the site's
// tables, and nothing else.
func openDjango(t *testing.T, settings map[string]string) *djangoSite {
	t.Helper()
	d := &djangoSite{t: t, python: rowcalltest.DjangoPython(t)}
	db := schematest.New(t, schematest.Samples)
	addr := schematest.UnusedAddress(t)
	d.url = "http://" + addr + "/"
	d.setEnv(db.URL)
	d.manage("migrate", "-v", "0")
	env := map[string]string{"ROWCALL_AUTH_DJANGO_SECRET_KEY": djangoSecret, "ROWCALL_HTTP_ORIGINS": "http://" + addr}
	maps.Copy(env, settings)
	d.prepare(db, env)
	d.Server = rowcalltest.StartServerOn(t, db, env)
	d.shell(`
from chat.models import User
for user in User.objects.all():
    user.set_password(user.username)
    user.save()`)
	d.serve(addr)
	return d
}

// prepare migrates the database as an operator does, and lets the node read the site's sessions.
func (d *djangoSite) prepare(db *schematest.Database, env map[string]string) {
	d.t.Helper()
	env = maps.Clone(env)
	env["ROWCALL_DATABASE_URL"], env["ROWCALL_CONFIG"] = db.URL, rowcalltest.ExampleFile(d.t)
	rowcalltest.Succeeds(d.t, env, "migrate")
	role := "site_" + db.Name
	db.Exec(d.t, `GRANT SELECT ON django_session TO rowcall_server;
		CREATE ROLE `+role+` LOGIN PASSWORD '`+rowcalltest.Password+`';
		GRANT ALL ON ALL TABLES IN SCHEMA public TO `+role+`; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO `+role)
	d.t.Cleanup(func() { db.Exec(d.t, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	u, _ := url.Parse(db.URL)
	u.User = url.UserPassword(role, rowcalltest.Password)
	d.setEnv(u.String())
}

// setEnv sets the address of the database in the variables that psql and Django's driver read.
func (d *djangoSite) setEnv(dsn string) {
	u, err := url.Parse(dsn)
	if err != nil {
		d.t.Fatal(err)
	}
	password, _ := u.User.Password()
	d.env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", "PYTHONWARNINGS=ignore", "DJANGO_SECRET_KEY="+djangoSecret,
		"PGHOST="+u.Hostname(), "PGPORT="+u.Port(), "PGUSER="+u.User.Username(), "PGPASSWORD="+password, "PGDATABASE="+strings.TrimPrefix(u.Path, "/"))
}

func (d *djangoSite) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(d.t.Context(), d.python, append([]string{"manage.py"}, args...)...)
	cmd.Dir, cmd.Env = filepath.Join("testdata", "django"), d.env
	return cmd
}

// manage runs a command of manage.py.
func (d *djangoSite) manage(args ...string) string {
	d.t.Helper()
	out, err := d.command(args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("manage.py %.200s: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// shell runs a script with the site's models.
func (d *djangoSite) shell(script string) string {
	d.t.Helper()
	return d.manage("shell", "-c", script)
}

// serve runs Django's own server until the test ends.
func (d *djangoSite) serve(addr string) {
	d.t.Helper()
	cmd := d.command("runserver", "--noreload", addr)
	cmd.Stdout, cmd.Stderr = rowcalltest.LogTo(d.t), rowcalltest.LogTo(d.t)
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed, and says so
	})
	late := time.After(testdeadline.Hang())
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return
		}
		select {
		case <-again.C:
		case <-late:
			d.t.Fatal("Django's server does not come up")
		}
	}
}
