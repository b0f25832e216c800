//go:build unix

package servertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
)

// Gitea's source as the Go module proxy has it, pinned by its sum, which covers its go.sum and
// so everything that is built into it. Later versions have a module path that isn't there.
const (
	giteaModule  = "code.gitea.io/gitea"
	giteaVersion = "1.26.0"
	giteaSum     = "h1:fJP9dqLbzKrKWUVnCVTfVersZdVDuyJQLEDzCAOmKKA="
)

// giteaProgram builds Gitea where that wasn't done yet, and gives the folder with the program and
// the files that it reads.
func giteaProgram(ctx context.Context) (string, error) {
	root := fmt.Sprintf("/var/tmp/accord-servertest-%d-gitea-%s", os.Geteuid(), giteaVersion)
	unlock, err := lock(root + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	done := filepath.Join(root, "installed")
	if _, err := os.Stat(done); err == nil {
		return root, ownedByUs(root)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("building Gitea: %w", err)
	}
	if err := ownedByUs(root); err != nil {
		return "", err
	}
	if _, err := exec.LookPath("gcc"); err != nil { // for SQLite, which comes in C
		if err := install(ctx, "gcc", "libc6-dev"); err != nil {
			return "", fmt.Errorf("building Gitea: %w", err)
		}
	}
	source, err := giteaSource(ctx, root)
	if err != nil {
		return "", err
	}
	build := goCommand(ctx, source, "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-tags", "sqlite sqlite_unlock_notify",
		"-ldflags", "-s -w -X main.Version="+giteaVersion, "-o", filepath.Join(root, "gitea"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building Gitea: %w\n%s", err, tail(out))
	}
	for _, sub := range []string{"templates", "options", "public"} { // the module cache may be emptied
		if err := os.RemoveAll(filepath.Join(root, sub)); err != nil {
			return "", fmt.Errorf("building Gitea: %w", err)
		}
		if err := os.CopyFS(filepath.Join(root, sub), os.DirFS(filepath.Join(source, sub))); err != nil {
			return "", fmt.Errorf("building Gitea: %w", err)
		}
	}
	return root, os.WriteFile(done, nil, 0o644)
}

// giteaSource gets the source and checks that it is the one that is meant.
func giteaSource(ctx context.Context, dir string) (string, error) {
	out, err := goCommand(ctx, dir, "mod", "download", "-json", giteaModule+"@v"+giteaVersion).Output()
	var got struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(out, &got); err != nil || jsonErr != nil {
		return "", fmt.Errorf("getting Gitea's source: %w: %s", errors.Join(err, jsonErr), got.Error)
	}
	if got.Sum != giteaSum {
		return "", fmt.Errorf("getting Gitea's source: its sum is %s, not %s", got.Sum, giteaSum)
	}
	return got.Dir, nil
}

// goCommand is a call of Go's own command, in a folder and without the settings of another module.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=1")
	return cmd
}

// giteaConf is the configuration of a server that only answers.
func giteaConf(dir, home string, port int) string {
	runner := "root"
	if u, err := user.Current(); err == nil {
		runner = u.Username
	}
	return fmt.Sprintf(`APP_NAME = Gitea
RUN_MODE = prod
RUN_USER = %[4]s
WORK_PATH = %[1]s
[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[3]d
ROOT_URL = http://127.0.0.1:%[3]d/
STATIC_ROOT_PATH = %[2]s
DISABLE_SSH = true
OFFLINE_MODE = true
LFS_START_SERVER = false
APP_DATA_PATH = %[1]s/data
[database]
DB_TYPE = sqlite3
PATH = %[1]s/data/gitea.db
[repository]
ROOT = %[1]s/repos
[security]
INSTALL_LOCK = true
SECRET_KEY = servertest-servertest-servertest-servertest
INTERNAL_TOKEN = eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYmYiOjE1MDAwMDAwMDB9.servertest-servertest-servertest-0000000
PASSWORD_HASH_ALGO = pbkdf2_v1
[service]
DISABLE_REGISTRATION = true
[oauth2]
ENABLED = false
[mailer]
ENABLED = false
[log]
MODE = console
LEVEL = Warn
[cron]
ENABLED = false
[actions]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
[api]
DEFAULT_PAGING_NUM = 30
MAX_RESPONSE_ITEMS = 50
`, dir, home, port, runner)
}
