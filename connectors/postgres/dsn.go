package postgres

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Errors about a DSN never quote it: any part of a malformed one may be the password.

// dsnKeys are the keywords that a DSN may have, and what each is if it has none. All of them
// are handed to pgconn, so that none is left for it to take from the environment, a password
// file or a service file: a connector has its settings and nothing else.
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
func dsnKeys() map[string]string {
	return map[string]string{
		"host": "", "port": "5432", "user": "", "password": "", "dbname": "", "passfile": "",
		"connect_timeout": "0", "sslmode": "", "sslkey": "", "sslcert": "", "sslcertmode": "allow",
		"sslrootcert": "", "sslpassword": "", "sslsni": "1", "sslnegotiation": "",
		"target_session_attrs": "any", "min_protocol_version": "", "max_protocol_version": "",
		"channel_binding": "prefer", "require_auth": "", "options": "", "application_name": "accord",
	}
}

// parseDSN makes the configuration of a connection.
func parseDSN(dsn string, allowInsecure bool, connectTimeout time.Duration) (*pgconn.Config, error) {
	given, err := splitDSN(dsn)
	if err != nil {
		return nil, err
	}
	known := dsnKeys()
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if _, ok := known[key]; !ok || key == "passfile" {
			return nil, errors.New("the dsn has a keyword that isn't supported; supported are host, port, user, password, dbname, sslmode, sslrootcert and other ssl… keywords, target_session_attrs, channel_binding, require_auth, options, application_name")
		}
	}
	if given["host"] == "" || given["user"] == "" {
		return nil, errors.New("the dsn must name host and user")
	}
	all := known
	maps.Copy(all, given)
	if all["dbname"] == "" {
		all["dbname"] = all["user"]
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s='%s' ", key, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(all[key]))
	}
	cfg, err := pgconn.ParseConfig(b.String())
	if err != nil {
		return nil, errors.New("the dsn isn't valid: check port, sslmode, the files that ssl… keywords name, and that PGSERVICE isn't set")
	}
	cfg.RuntimeParams = map[string]string{"application_name": all["application_name"], "client_encoding": "UTF8"}
	if all["options"] != "" {
		cfg.RuntimeParams["options"] = all["options"]
	}
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	return cfg, checkTLS(cfg, all["host"], given["sslmode"] != "" && allowInsecure)
}

// checkTLS refuses a connection over the network on which the server isn't verified: whoever
// poses as it would get Accord's credential, and could answer anything. It looks at what
// pgconn will really do, fallbacks included, not at the words of the DSN.
// https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
func checkTLS(cfg *pgconn.Config, hosts string, accepted bool) error {
	ways := []*pgconn.FallbackConfig{{Host: cfg.Host, TLSConfig: cfg.TLSConfig}}
	for _, w := range append(ways, cfg.Fallbacks...) {
		verified := w.TLSConfig != nil && (!w.TLSConfig.InsecureSkipVerify || w.TLSConfig.VerifyPeerCertificate != nil)
		if !verified && !local(w.Host) && !accepted {
			return fmt.Errorf("the dsn would connect to %s without verifying the server: add sslmode=verify-full (and sslrootcert), or name another sslmode and set allow_insecure_tls", hosts)
		}
	}
	return nil
}

// local tells hosts that a connection doesn't leave the machine for.
func local(host string) bool {
	if filepath.IsAbs(host) || strings.HasPrefix(host, "@") || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// splitDSN gives the keywords of a DSN in either form.
func splitDSN(dsn string) (map[string]string, error) {
	if strings.ContainsRune(dsn, 0) {
		return nil, errors.New("the dsn has a NUL in it")
	}
	dsn = strings.TrimSpace(dsn) // a secret in a file ends with a newline
	for _, scheme := range []string{"postgres://", "postgresql://"} {
		if rest, ok := strings.CutPrefix(dsn, scheme); ok {
			return splitURL(rest)
		}
	}
	return splitPairs(dsn)
}

var errNoURL = errors.New("the dsn isn't a valid postgres:// URL; percent-encode what is special in user and password")

func splitURL(rest string) (map[string]string, error) {
	given := map[string]string{}
	rest, query, _ := strings.Cut(rest, "?")
	authority, database, _ := strings.Cut(rest, "/")
	given["dbname"] = database
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		given["user"], given["password"], _ = strings.Cut(authority[:at], ":")
		authority = authority[at+1:]
	}
	var hosts, ports []string
	for h := range strings.SplitSeq(authority, ",") {
		host, port := h, ""
		if i := strings.LastIndexByte(h, ':'); i >= 0 && !strings.HasSuffix(h, "]") {
			host, port = h[:i], h[i+1:]
			if _, err := strconv.ParseUint(port, 10, 16); err != nil {
				return nil, errNoURL
			}
		}
		hosts = append(hosts, strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
		ports = append(ports, port)
	}
	given["host"] = strings.Join(hosts, ",")
	if len(strings.Join(ports, "")) > 0 {
		given["port"] = strings.Join(ports, ",")
	}
	for key, value := range given {
		plain, err := url.PathUnescape(value)
		if err != nil {
			return nil, errNoURL
		}
		given[key] = plain
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errNoURL
	}
	for key, v := range values {
		if len(v) > 1 {
			return nil, errors.New("the dsn has a keyword twice")
		}
		given[canonical(key)] = v[0]
	}
	return given, nil
}

func canonical(key string) string {
	if key == "database" {
		return "dbname"
	}
	return key
}

// splitPairs reads "keyword = value" pairs. Values may stand in single quotes; a backslash
// takes the next character literally.
func splitPairs(s string) (map[string]string, error) {
	bad := errors.New("the dsn is neither a postgres:// URL nor keyword=value pairs")
	given := map[string]string{}
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return given, nil
		}
		key, rest, ok := strings.Cut(s, "=")
		key = strings.TrimRight(key, " \t\r\n")
		if !ok || key == "" || strings.ContainsAny(key, " \t\r\n") {
			return nil, bad
		}
		value, rest, ok := pairValue(strings.TrimLeft(rest, " \t\r\n"))
		if !ok {
			return nil, bad
		}
		if _, twice := given[canonical(key)]; twice {
			return nil, errors.New("the dsn has a keyword twice")
		}
		given[canonical(key)] = value
		s = rest
	}
}

// pairValue reads one value and gives what follows it.
func pairValue(s string) (value, rest string, ok bool) {
	quoted := strings.HasPrefix(s, "'")
	if quoted {
		s = s[1:]
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case quoted && ch == '\'':
			return b.String(), s[i+1:], true
		case !quoted && strings.IndexByte(" \t\r\n", ch) >= 0:
			return b.String(), s[i:], true
		default:
			b.WriteByte(ch)
		}
	}
	return b.String(), "", !quoted
}
