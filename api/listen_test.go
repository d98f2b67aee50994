package api

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPlainHTTPIsForLoopback(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		addr  string
		plain bool
		want  error
	}{
		{"127.0.0.1:0", false, nil},
		{"localhost:0", false, nil},
		{"0.0.0.0:0", false, errUnprotected},
		{":0", false, errUnprotected},
		{"0.0.0.0:0", true, nil},
	} {
		listener, err := Listen(t.Context(), c.addr, ListenOptions{Plain: c.plain})
		if !errors.Is(err, c.want) {
			t.Errorf("%s, plain %v: %v", c.addr, c.plain, err)
		}
		if err == nil {
			listener.Close()
		}
	}
}

func TestABusyPortIsSaid(t *testing.T) {
	t.Parallel()
	first, err := Listen(t.Context(), "127.0.0.1:0", ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := Listen(t.Context(), first.Addr().String(), ListenOptions{}); err == nil {
		t.Error("a busy port was opened")
	}
}

func TestTLSIsNewEnough(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	listener, err := Listen(t.Context(), "0.0.0.0:0", ListenOptions{Cert: cert, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(t.Context())
			conn.Close()
		}
	}()
	for version, want := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		conn, err := tls.Dial("tcp", net.JoinHostPort("127.0.0.1", port), &tls.Config{
			InsecureSkipVerify: true, MinVersion: version, MaxVersion: version,
		})
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			conn.Close()
		}
	}
	listener.Close()
	<-served
}

func TestAMissingCertificateIsSaid(t *testing.T) {
	t.Parallel()
	if _, err := Listen(t.Context(), "127.0.0.1:0", ListenOptions{Cert: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a missing certificate is plain http")
	}
}

// certificate writes a certificate and its key as PEM files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "CERTIFICATE", signed), writePEM(t, "PRIVATE KEY", secret)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	var text bytes.Buffer
	if err := pem.Encode(&text, &pem.Block{Type: kind, Bytes: der}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
