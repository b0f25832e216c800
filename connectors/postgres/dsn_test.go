package postgres

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
)

func TestParseDSN(t *testing.T) {
	t.Setenv("PGPASSWORD", "from the environment")
	t.Setenv("PGSSLMODE", "disable")
	t.Setenv("PGHOST", "elsewhere")
	t.Setenv("PGOPTIONS", "-c role=somebody")
	t.Setenv("PGTZ", "Europe/Berlin")
	t.Setenv("PGAPPNAME", "another")
	for dsn, want := range map[string]string{
		"postgres://u:p%40ss@127.0.0.1:5433/app?sslmode=disable":                                               "u p@ss 127.0.0.1:5433 app plain",
		"postgresql://u@localhost/app":                                                                         "u  localhost:5432 app plain",
		"postgres://u@[::1]:5433/app?sslmode=disable\n":                                                        "u  ::1:5433 app plain",
		"postgres://u@127.0.0.1":                                                                               "u  127.0.0.1:5432 u plain",
		"postgres://u@/app?host=/run/postgresql":                                                               "u  /run/postgresql:5432 app plain",
		"host=/run/postgresql user=u dbname=app":                                                               "u  /run/postgresql:5432 app plain",
		`host = localhost user='it''s' password='a\'b c\\' database=app`:                                       "",
		`host = localhost user='u' password='a\'b c\\' database=app`:                                           `u a'b c\ localhost:5432 app plain`,
		`host=localhost user=u password=a\ b`:                                                                  `u a b localhost:5432 u plain`,
		"postgres://u@db.example.com/app?sslmode=verify-full":                                                  "u  db.example.com:5432 app verified",
		"postgres://u@a.example.com:1,b.example.com:2/app?sslmode=verify-full&target_session_attrs=read-write": "u  a.example.com:1 app verified",
		"": "", "user=u": "", "host=x": "", "postgres://db.example.com/app": "", "mysql://u@localhost/x": "",
		"postgres://u@localhost/app?pool_max_conns=4":     "",
		"postgres://u@localhost/app?user=a&user=b":        "",
		"host=localhost user=u passfile=/etc/shadow":      "",
		"host=localhost user=u service=x":                 "",
		"host=localhost user=u sslmode=sometimes":         "",
		"host=localhost,127.0.0.1 user=u port=1,2,3":      "",
		"host=localhost user=u user=v":                    "",
		"postgres://u@localhost:port/app":                 "",
		"postgres://u@db.example.com/app":                 "",
		"postgres://u@db.example.com/app?sslmode=require": "",
		"postgres://u@10.0.0.1/app?sslmode=prefer":        "",
		"postgres://u@127.0.0.1,db.example.com/app":       "",
		"postgres://u@localhost.example.com/app":          "",
	} {
		cfg, err := parseDSN(dsn, false, time.Second)
		got := ""
		if err == nil {
			how := "plain"
			if cfg.TLSConfig != nil && !cfg.TLSConfig.InsecureSkipVerify {
				how = "verified"
			}
			got = fmt.Sprintf("%s %s %s:%d %s %s", cfg.User, cfg.Password, cfg.Host, cfg.Port, cfg.Database, how)
			if cfg.RuntimeParams["options"] != "" || cfg.RuntimeParams["timezone"] != "" || cfg.RuntimeParams["application_name"] != "accord" || cfg.RuntimeParams["client_encoding"] != "UTF8" {
				t.Errorf("%s: %v", dsn, cfg.RuntimeParams)
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q (%v)", dsn, got, want, err)
		}
	}
}

// TestInsecureTLS: sslmodes that verify nobody need both the dsn's and the setting's word.
func TestInsecureTLS(t *testing.T) {
	for mode, named := range map[string]bool{"": false, "?sslmode=disable": true, "?sslmode=allow": true, "?sslmode=prefer": true, "?sslmode=require": true} {
		for _, allowed := range []bool{false, true} {
			_, err := parseDSN("postgres://u@db.example.com/app"+mode, allowed, time.Second)
			if (err == nil) != (named && allowed) {
				t.Errorf("%q, allowed %v: %v", mode, allowed, err)
			} else if err != nil && (!strings.Contains(err.Error(), "sslmode=verify-full") || !strings.Contains(err.Error(), "db.example.com")) {
				t.Errorf("%q: %v", mode, err)
			}
		}
	}
}

// TestTLS connects to a server that shows a certificate.
func TestTLS(t *testing.T) {
	f := newFar(t)
	dir := t.TempDir()
	ca, key := certificate(t, dir, "server", net.ParseIP("127.0.0.1"))
	other, _ := certificate(t, dir, "other", net.ParseIP("127.0.0.1"))
	elsewhere := filepath.Join(f.pg.Dir, "data")
	for from, to := range map[string]string{ca: "server.crt", key: "server.key"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		// Written by the server itself, so that it owns what it then reads.
		path := filepath.Join(elsewhere, to)
		f.sql(fmt.Sprintf("copy (select regexp_split_to_table(%s, E'\n')) to program %s", literal(strings.TrimSpace(string(text))), literal("umask 077; cat > '"+path+"'")))
	}
	f.sql("alter system set ssl = on")
	f.sql("select pg_reload_conf()")
	t.Cleanup(func() { f.sql("alter system reset ssl"); f.sql("select pg_reload_conf()") })
	waitFor(t, f, "show ssl", "on")
	base := strings.TrimSuffix(f.pg.DSNFor("accord", canary, "app"), "sslmode=disable")
	for mode, fine := range map[string]bool{
		"sslmode=verify-full&sslrootcert=" + ca: true, "sslmode=verify-ca&sslrootcert=" + ca: true,
		"sslmode=verify-full&sslrootcert=" + other: false, "sslmode=verify-ca&sslrootcert=" + other: false, "sslmode=verify-full": false,
		"sslmode=require": true,
	} {
		c := f.open(dsn(base + mode))
		_, err := c.Read(t.Context(), connectors.Scope{})
		if (err == nil) != fine {
			t.Errorf("%s: %v", mode, err)
		}
		if err == nil && f.value("select count(*) from pg_stat_ssl s join pg_stat_activity a using (pid) where s.ssl and a.usename = 'accord'") == "0" {
			t.Errorf("%s: the connection isn't encrypted", mode)
		}
		_ = c.Close()
	}
}

// certificate writes a self-signed certificate for the address, and its key.
func certificate(t *testing.T, dir, name string, ip net.IP) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{ip}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestMajorOf(t *testing.T) {
	for version, want := range map[string]int{"15.18 (Debian 15.18-0+deb12u1)": 15, "18.4": 18, "19beta1": 19, "18": 18, "9.6.24": 9, "": 0, "x": 0} {
		if got := majorOf(version); got != want {
			t.Errorf("%q: %d, want %d", version, got, want)
		}
	}
}

func TestOpenChecksSettings(t *testing.T) {
	good := connectors.Settings{"dsn": {Secret: connectors.SecretRef{Env: "DSN"}}}
	if _, err := open(connectors.Config{System: "w", Settings: good}); err != nil {
		t.Error(err)
	}
	for name, v := range map[string]connectors.Value{"dsn": {}, "handover": {Text: strings.Repeat("x", 64)}, "creators": {Texts: []string{"a", ""}}} {
		s := connectors.Settings{"dsn": good["dsn"]}
		s[name] = v
		if _, err := open(connectors.Config{System: "w", Settings: s}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzSplitDSN: whatever a DSN is, no part of it stands in the error.
func FuzzSplitDSN(f *testing.F) {
	for _, s := range []string{"postgres://u:secret-canary@h:1/d?sslmode=disable", "host=h user=u password='secret-canary'", "postgres://u:%zzsecret-canary@h", "x secret-canary=", "=secret-canary"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, err := parseDSN(s, false, time.Second)
		if err != nil && strings.Contains(err.Error(), "secret-canary") && !strings.Contains(s, "host") {
			t.Errorf("%q: %v", s, err)
		}
	})
}
