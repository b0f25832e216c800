//go:build unix

package servertest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// GiteaServer is a running Gitea with an empty database of its own.
type GiteaServer struct {
	// URL is the root of the server; its API is below /api/v1.
	URL string
	// Token is one of the administrator's, with all scopes.
	Token string
	// Dir is the server's folder.
	Dir string
	// Version is what the server calls itself.
	Version string
}

// GiteaPassword is the password of every user that NewUser makes.
const GiteaPassword = "canary-rootpw-5d1e"

const giteaAdmin = "keeper"

// Gitea returns the server that all tests of this binary share, starting it first if need be.
func Gitea(t testing.TB) *GiteaServer {
	t.Helper()
	s, err := sharedGitea()
	if err != nil {
		missing(t, "gitea", err)
	}
	t.Logf("Gitea %s at %s", s.Version, s.URL)
	return s
}

var sharedGitea = sync.OnceValues(func() (*GiteaServer, error) {
	dir, remove, err := folder("gitea")
	if err != nil {
		return nil, err
	}
	s, stop, err := StartGitea(dir)
	if err != nil {
		remove()
		return nil, err
	}
	atExit.add(func() { stop(); remove() })
	return s, nil
})

// StartGitea starts a server in the folder. Its program is built once from the source that the
// Go module proxy has, which takes some minutes, and kept in a folder of this user's under
// /var/tmp. The server ends when stop is called or this process dies.
func StartGitea(dir string) (s *GiteaServer, stop func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 18*time.Minute)
	defer cancel()
	home, err := giteaProgram(ctx)
	if err != nil {
		return nil, nil, err
	}
	for try := 1; ; try++ { // somebody else may take a port before the server does
		s, stop, err = serveGitea(dir, home)
		if err == nil || try == 3 {
			return s, stop, err
		}
	}
}

// serveGitea starts a server on a port that is free.
func serveGitea(dir, home string) (s *GiteaServer, stop func(), err error) {
	port, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	s = &GiteaServer{URL: "http://127.0.0.1:" + strconv.Itoa(port), Dir: dir}
	for _, sub := range []string{"custom/conf", "data", "home"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, nil, fmt.Errorf("preparing Gitea: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "custom/conf/app.ini"), []byte(giteaConf(dir, home, port)), 0o600); err != nil {
		return nil, nil, fmt.Errorf("preparing Gitea: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "gitea.db")); err != nil {
		if err := s.populate(home); err != nil {
			return nil, nil, err
		}
	}
	token, err := s.command(home, "admin", "user", "generate-access-token", "--username", giteaAdmin, "--token-name", rand.Text(), "--scopes", "all", "--raw").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("preparing Gitea: making a token: %w", err)
	}
	lines := strings.Fields(string(token)) // a warning about root stands before it
	s.Token = lines[len(lines)-1]
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, nil, fmt.Errorf("starting Gitea: %w", err)
	}
	defer log.Close()
	cmd := s.command(home, "web")
	cmd.Stdout, cmd.Stderr = log, log
	p, err := start(cmd, syscall.SIGKILL)
	if err != nil {
		return nil, nil, err
	}
	stop = func() { p.stop(syscall.SIGTERM, 20*time.Second) }
	if err := until(90*time.Second, p.gone, s.greet); err != nil {
		stop()
		text, _ := os.ReadFile(log.Name())
		return nil, nil, fmt.Errorf("starting Gitea: %w\n%s", err, tail(text))
	}
	return s, stop, nil
}

// populate makes the database and the administrator.
func (s *GiteaServer) populate(home string) error {
	for _, args := range [][]string{
		{"migrate"},
		{"admin", "user", "create", "--admin", "--username", giteaAdmin, "--password", GiteaPassword, "--email", giteaAdmin + "@example.test", "--must-change-password=false"},
	} {
		if out, err := s.command(home, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("preparing Gitea: %s: %w\n%s", args[0], err, tail(out))
		}
	}
	return nil
}

// command is a call of Gitea's program with a home of its own.
func (s *GiteaServer) command(home string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(home, "gitea"), append([]string{"-c", filepath.Join(s.Dir, "custom/conf/app.ini")}, args...)...)
	cmd.Dir = s.Dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "USER=" + os.Getenv("USER"), "HOME=" + filepath.Join(s.Dir, "home"), "GITEA_WORK_DIR=" + s.Dir,
		"GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT=true", "I_AM_BEING_UNSAFE_RUNNING_AS_ROOT=true"}
	return cmd
}

// greet waits for the server to answer and asks which one it is.
func (s *GiteaServer) greet() error {
	var v struct{ Version string }
	if err := s.call(s.Token, http.MethodGet, "version", nil, &v); err != nil {
		return err
	}
	s.Version = v.Version
	return nil
}

// API makes a call below /api/v1 with a token, and wants it to succeed; a nil into drops the answer.
func (s *GiteaServer) API(t testing.TB, token, method, path string, body, into any) {
	t.Helper()
	if err := s.call(token, method, path, body, into); err != nil {
		t.Fatal(err)
	}
}

// NewUser makes a user with the address NAME@example.test and gives a token of theirs with the
// scopes, as "write:issue".
func (s *GiteaServer) NewUser(t testing.TB, name string, scopes ...string) (token string) {
	t.Helper()
	s.API(t, s.Token, http.MethodPost, "admin/users", map[string]any{
		"username": name, "email": name + "@example.test", "password": GiteaPassword, "must_change_password": false,
	}, nil)
	return s.NewToken(t, name, scopes...)
}

// NewToken gives another token of a user.
func (s *GiteaServer) NewToken(t testing.TB, name string, scopes ...string) string {
	t.Helper()
	var made struct{ Sha1 string }
	s.API(t, name+":"+GiteaPassword, http.MethodPost, "users/"+name+"/tokens", map[string]any{"name": rand.Text(), "scopes": scopes}, &made)
	return made.Sha1
}

// Settle waits until the server knows of a push: that the branch of OWNER/NAME is at the commit, and
// so is the pull request of that number, if it isn't 0. Pushes are worked on after they are answered.
func (s *GiteaServer) Settle(t testing.TB, repo, branch, commit string, request int) {
	t.Helper()
	err := until(time.Minute, nil, func() error {
		var b struct{ Commit struct{ ID string } }
		if err := s.call(s.Token, http.MethodGet, "repos/"+repo+"/branches/"+branch, nil, &b); err != nil || b.Commit.ID != commit {
			return fmt.Errorf("the branch %s is at %q, not %s (%v)", branch, b.Commit.ID, commit, err)
		}
		if request == 0 {
			return nil
		}
		var p struct{ Head struct{ Sha string } }
		if err := s.call(s.Token, http.MethodGet, fmt.Sprintf("repos/%s/pulls/%d", repo, request), nil, &p); err != nil || p.Head.Sha != commit {
			return fmt.Errorf("request %d is at %q, not %s (%v)", request, p.Head.Sha, commit, err)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("Gitea after a push to %s: %v", repo, err)
	}
}

// call authorizes by a token, or by USER:PASSWORD.
func (s *GiteaServer) call(auth, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, s.URL+"/api/v1/"+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if user, password, basic := strings.Cut(auth, ":"); basic {
		req.SetBasicAuth(user, password)
	} else {
		req.Header.Set("Authorization", "token "+auth)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode > 299 {
		return fmt.Errorf("Gitea: %s %s: %s: %s", method, path, res.Status, tail(answer))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
