//go:build unix

package servertest

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// ScimServer is a running SCIM 2.0 service provider: scimmy, with a storage of ours.
type ScimServer struct {
	// URL is the root of the server; the tenants are below it.
	URL string
	// Token is the bearer token that every tenant takes.
	Token string
	// Version names the software: "scimmy 1.3.5, scimmy-routers 1.3.2, node v20.20.2".
	Version string
	tenants atomic.Int64
}

// scimToken is what the shared server takes.
const scimToken = "canary-3f9a1c77d2e84b06"

//go:embed scim.mjs
var scimProgram []byte

// scimPackages are pinned: express 5 would break scimmy-routers' paging.
func scimPackages() []string {
	return []string{"scimmy@1.3.5", "scimmy-routers@1.3.2", "express@4.22.3"}
}

// Scim returns the SCIM server that all tests of this binary share, starting it first if need
// be.
func Scim(t testing.TB) *ScimServer {
	t.Helper()
	s, err := sharedScim()
	if err != nil {
		missing(t, "scim", err)
	}
	return s
}

var sharedScim = sync.OnceValues(func() (*ScimServer, error) {
	dir, remove, err := folder("scim")
	if err != nil {
		return nil, err
	}
	s, stop, err := StartScim(dir, scimToken)
	if err != nil {
		remove()
		return nil, err
	}
	atExit.add(func() { stop(); remove() })
	return s, nil
})

// StartScim starts a SCIM server that keeps everything in memory. It needs node and npm; the
// packages are installed once, into a folder of this user's under /var/tmp. The server ends
// when stop is called or this process dies.
func StartScim(dir, token string) (s *ScimServer, stop func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	modules, err := npm(ctx, "scim", scimPackages())
	if err != nil {
		return nil, nil, err
	}
	program := filepath.Join(dir, "scim.mjs")
	if err := os.WriteFile(program, scimProgram, 0o644); err != nil {
		return nil, nil, fmt.Errorf("starting a SCIM server: %w", err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil && !os.IsExist(err) {
		return nil, nil, fmt.Errorf("starting a SCIM server: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, nil, fmt.Errorf("starting a SCIM server: %w", err)
	}
	defer log.Close()
	cmd := exec.Command("node", program, strconv.Itoa(port), token)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	p, err := start(cmd, syscall.SIGKILL)
	if err != nil {
		return nil, nil, err
	}
	stop = func() { p.stop(syscall.SIGTERM, 5*time.Second) }
	s = &ScimServer{URL: "http://127.0.0.1:" + strconv.Itoa(port), Token: token}
	if err := until(20*time.Second, p.gone, s.greet); err != nil {
		stop()
		text, _ := os.ReadFile(log.Name())
		return nil, nil, fmt.Errorf("starting a SCIM server: %w\n%s", err, tail(text))
	}
	return s, stop, nil
}

// greet asks which server it is.
func (s *ScimServer) greet() error {
	var v struct{ Scimmy, Routers, Node string }
	if err := s.side(http.MethodGet, "", nil, &v); err != nil {
		return err
	}
	s.Version = fmt.Sprintf("scimmy %s, scimmy-routers %s, node %s", v.Scimmy, v.Routers, v.Node)
	return nil
}

// NewTenant names an empty directory on the server, and gives the address of its SCIM API.
func (s *ScimServer) NewTenant() (name, url string) {
	name = "t" + strconv.FormatInt(s.tenants.Add(1), 10)
	return name, s.URL + "/t/" + name + "/scim"
}

// ScimRows is what a tenant holds, as its storage has it: JSON of users and groups. Roles and
// Entitlements are the values that the schema names.
type ScimRows struct {
	Users        []map[string]any `json:"users"`
	Groups       []map[string]any `json:"groups"`
	Roles        []string         `json:"roles,omitempty"`
	Entitlements []string         `json:"entitlements,omitempty"`
}

// Rows shows what a tenant holds, not by SCIM.
func (s *ScimServer) Rows(t testing.TB, tenant string) ScimRows {
	t.Helper()
	var rows ScimRows
	if err := s.side(http.MethodGet, "/"+tenant, nil, &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

// Put adds rows to a tenant, or replaces those with the same id, not by SCIM.
func (s *ScimServer) Put(t testing.TB, tenant string, rows ScimRows) {
	t.Helper()
	if err := s.side(http.MethodPost, "/"+tenant, rows, nil); err != nil {
		t.Fatal(err)
	}
}

// Remove takes a row ("User" or "Group") out of a tenant, not by SCIM.
func (s *ScimServer) Remove(t testing.TB, tenant, kind, id string) {
	t.Helper()
	if err := s.side(http.MethodDelete, "/"+tenant+"/"+kind+"/"+id, nil, nil); err != nil {
		t.Fatal(err)
	}
}

func (s *ScimServer) side(method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, s.URL+"/side"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the SCIM server's side door: %s: %s", res.Status, tail(answer))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// npm installs packages once, into a folder of this user's under /var/tmp that is named by
// what it is for and their versions, and gives its node_modules.
func npm(ctx context.Context, purpose string, packages []string) (string, error) {
	pins := strings.NewReplacer("@", "-", "/", "-").Replace(strings.Join(packages, "+"))
	root := fmt.Sprintf("/var/tmp/accord-servertest-%d-%s-%s", os.Geteuid(), purpose, pins)
	unlock, err := lock(root + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	done := filepath.Join(root, "installed")
	modules := filepath.Join(root, "node_modules")
	if _, err := os.Stat(done); err == nil {
		return modules, ownedByUs(root)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("installing %s: %w", purpose, err)
	}
	args := append([]string{"install", "--prefix", root, "--ignore-scripts", "--no-audit", "--no-fund"}, packages...)
	if out, err := exec.CommandContext(ctx, "npm", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing %s: npm: %w\n%s", purpose, err, tail(out))
	}
	return modules, errors.Join(os.WriteFile(done, nil, 0o644), ownedByUs(root))
}
