package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// proxiedHost is the host name in the samples of docs/operations.md.
const proxiedHost = "app.example.org"

// TestProxiesAsTheManualSays runs a node behind nginx and behind Caddy, each with the sample of
// docs/operations.md. Only addresses and files of the samples are replaced.
func TestProxiesAsTheManualSays(t *testing.T) {
	t.Parallel()
	folder := map[string]string{"nginx": "sbin", "caddy": "bin"}
	for name, start := range map[string]func(*testing.T, sampleProxy){"nginx": startNginx, "caddy": startCaddy} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := rowcalltest.RepositoryPath(t, ".tmp", "proxies", "usr", folder[name], name)
			if _, err := os.Stat(program); err != nil {
				t.Skipf("make setup could not get %s: %v", name, err)
			}
			node := rowcalltest.StartServer(t, map[string]string{"ROWCALL_HTTP_TRUSTED_PROXIES": "127.0.0.1"})
			p := sampleProxy{
				dir: t.TempDir(), address: schematest.UnusedAddress(t), node: strings.TrimSuffix(strings.TrimPrefix(node.Pages, "http://"), "/"),
				program: program, sample: sampleOf(t, name),
			}
			p.trust(t)
			start(t, p)
			p.awaitHealthy(t)
			p.checkLoginSocketAndStream(t, node)
		})
	}
}

// sampleOf returns the code block of a language in docs/operations.md.
func sampleOf(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile(rowcalltest.RepositoryPath(t, "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begun := strings.Cut(string(page), "```"+language+"\n")
	block, _, ended := strings.Cut(rest, "```")
	if !begun || !ended {
		t.Fatalf("docs/operations.md has no sample for %s", language)
	}
	return block
}

// sampleProxy is a proxy with a certificate that only its own clients trust.
type sampleProxy struct {
	program string
	dir     string // of its files
	address string // where it listens
	node    string // the address that it passes requests to
	sample  string
	roots   *x509.CertPool
}

func (p *sampleProxy) certificate() string { return filepath.Join(p.dir, "proxy.pem") }
func (p *sampleProxy) key() string         { return filepath.Join(p.dir, "proxy.key") }

// trust makes the certificate.
func (p *sampleProxy) trust(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{proxiedHost}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, p.certificate(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	p.write(t, p.key(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	p.roots = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(certificate)
	if err != nil {
		t.Fatal(err)
	}
	p.roots.AddCert(parsed)
}

func (p *sampleProxy) write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// replaceOnce replaces what must stand in the sample exactly once.
func (p *sampleProxy) replaceOnce(t *testing.T, old, replacement string) {
	t.Helper()
	if n := strings.Count(p.sample, old); n != 1 {
		t.Fatalf("the sample has %q %d times, want once:\n%s", old, n, p.sample)
	}
	p.sample = strings.Replace(p.sample, old, replacement, 1)
}

func startNginx(t *testing.T, p sampleProxy) {
	p.replaceOnce(t, "listen 443 ssl;", "listen "+p.address+" ssl;")
	p.replaceOnce(t, "/etc/ssl/app.example.org.pem", p.certificate())
	p.replaceOnce(t, "/etc/ssl/app.example.org.key", p.key())
	p.replaceOnce(t, "127.0.0.1:8080", p.node)
	file := filepath.Join(p.dir, "nginx.conf")
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary.WriteString(kind + "_temp_path " + filepath.Join(p.dir, kind) + ";\n")
	}
	p.write(t, file, []byte("daemon off;\nmaster_process off;\npid "+filepath.Join(p.dir, "pid")+";\nevents {}\nhttp {\naccess_log off;\n"+
		temporary.String()+p.sample+"}\n"))
	p.run(t, "-e", "stderr", "-p", p.dir, "-c", file)
}

func startCaddy(t *testing.T, p sampleProxy) {
	_, port, _ := net.SplitHostPort(p.address)
	p.replaceOnce(t, proxiedHost+" {", "https://"+proxiedHost+":"+port+" {\n    bind 127.0.0.1\n    tls "+p.certificate()+" "+p.key())
	p.replaceOnce(t, "127.0.0.1:8080", p.node)
	file := filepath.Join(p.dir, "Caddyfile")
	p.write(t, file, []byte("{\n    admin off\n    auto_https disable_redirects\n    storage file_system "+p.dir+"\n}\n"+p.sample))
	p.run(t, "run", "--config", file, "--adapter", "caddyfile")
}

// run runs the program until the test ends. What the program writes for itself goes below dir.
func (p *sampleProxy) run(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(p.program, args...)
	cmd.Env = append(os.Environ(), "HOME="+p.dir, "XDG_CONFIG_HOME="+p.dir, "XDG_DATA_HOME="+p.dir)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", p.program, said.String())
		}
	})
}

func (p *sampleProxy) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", p.address)
}

func (p *sampleProxy) tls() *tls.Config { return &tls.Config{RootCAs: p.roots} }

// origin is the origin of the proxy's pages.
func (p *sampleProxy) origin() string {
	_, port, _ := net.SplitHostPort(p.address)
	return "https://" + net.JoinHostPort(proxiedHost, port)
}

// request sends a request as a page behind the proxy does. The caller closes the body of the answer.
func (p *sampleProxy) request(ctx context.Context, method, path, cookie, body string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.origin()+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", p.origin())
	r.Header.Set("Cookie", cookie)
	r.Header.Set("X-Forwarded-For", "192.0.2.7")          // what a client writes itself
	r.Header.Set("X-Forwarded-Host", "elsewhere.example") // must not reach the node
	client := http.Client{Transport: &http.Transport{DialContext: p.dial, TLSClientConfig: p.tls(), DisableKeepAlives: true}}
	return client.Do(r)
}

// awaitHealthy waits until the proxy passes requests on.
func (p *sampleProxy) awaitHealthy(t *testing.T) {
	t.Helper()
	rowcalltest.Eventually(t, func() bool {
		answer, err := p.request(t.Context(), http.MethodGet, "/healthz", "", "")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, "the proxy does not pass requests on")
}

// checkLoginSocketAndStream logs in, follows a topic over a socket and over a stream, and commits an
// event while both are open.
func (p *sampleProxy) checkLoginSocketAndStream(t *testing.T, node *rowcalltest.Server) {
	t.Helper()
	cookie := p.login(t)
	socket := p.openSocket(t, cookie)
	socket.Follow("dams")
	stream := p.openStream(t, cookie)
	node.Psql(t, `INSERT INTO dams (name, latitude, longitude) VALUES ('Mauvoisin', 46.0, 7.35)`)
	if f := socket.ReceiveFrame(); f.Type != "dam.create" {
		t.Errorf("the socket got %+v, want dam.create", f)
	}
	stream.expectLine(t, "dam.create")
}

// login returns the cookie, which must be one that browsers send over https only.
func (p *sampleProxy) login(t *testing.T) (cookie string) {
	t.Helper()
	answer, err := p.request(t.Context(), http.MethodPost, "/api/login", "", `{"username":"alice","password":"alice"}`)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK || len(answer.Cookies()) != 1 {
		t.Fatalf("login: got %s %s, want 200 and one cookie", answer.Status, body)
	}
	got := answer.Cookies()[0]
	if !got.Secure || !strings.HasPrefix(got.Name, "__Host-") {
		t.Errorf("the cookie is %q (Secure %v), want a __Host- cookie that is Secure", got.Name, got.Secure)
	}
	return got.Name + "=" + got.Value
}

func (p *sampleProxy) openSocket(t *testing.T, cookie string) *rowcalltest.SocketClient {
	t.Helper()
	dialer := websocket.Dialer{
		NetDialContext: p.dial, TLSClientConfig: p.tls(), Subprotocols: []string{"rowcall.v1"}, HandshakeTimeout: testdeadline.Hang(),
	}
	ws, answer, err := dialer.DialContext(t.Context(), "wss"+strings.TrimPrefix(p.origin(), "https")+"/v1/ws",
		http.Header{"Origin": {p.origin()}, "Cookie": {cookie}})
	if err != nil {
		t.Fatalf("open a native socket: %v %v", err, answer)
	}
	t.Cleanup(func() { ws.Close() })
	socket := &rowcalltest.SocketClient{Conn: ws, T: t}
	socket.Expect(rowcalltest.GoldenFrame(t, "native-welcome"))
	return socket
}

// eventLines are the lines of a stream of server-sent events.
type eventLines chan string

// openStream opens a stream and returns when it is live.
func (p *sampleProxy) openStream(t *testing.T, cookie string) eventLines {
	t.Helper()
	answer, err := p.request(t.Context(), http.MethodGet, "/v1/sse?topic=dams", cookie, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("open a stream: got %s, want 200", answer.Status)
	}
	lines := make(eventLines, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(lines)
		for text := bufio.NewScanner(answer.Body); text.Scan(); {
			lines <- text.Text()
		}
	}()
	t.Cleanup(func() { answer.Body.Close(); <-done })
	lines.expectLine(t, "id: ")
	return lines
}

// expectLine waits for a line with this text.
func (l eventLines) expectLine(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(testdeadline.Hang())
	for {
		select {
		case line, open := <-l:
			if !open {
				t.Fatalf("the stream ended, want a line with %q", text)
			}
			if strings.Contains(line, text) {
				return
			}
		case <-deadline:
			t.Fatalf("the stream brings no line with %q", text)
		}
	}
}
