//go:build unix

package servertest

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// githubPackage holds GitHub's description of its own API (OpenAPI 3), pinned.
const githubPackage = "@octokit/openapi@23.0.2"

// GitHubOpenAPI gives the path of GitHub's own description of the API of GitHub Enterprise Cloud,
// which it gets once: 28 MB, of which one file is kept.
func GitHubOpenAPI(t testing.TB) string {
	t.Helper()
	path, err := githubOpenAPI()
	if err != nil {
		missing(t, "github-openapi", err)
	}
	return path
}

func githubOpenAPI() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	root := fmt.Sprintf("/var/tmp/accord-servertest-%d-github-openapi-23.0.2", os.Geteuid())
	unlock, err := lock(root + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	path := filepath.Join(root, "ghec.json")
	if _, err := os.Stat(path); err == nil {
		return path, ownedByUs(root)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("getting GitHub's description: %w", err)
	}
	if err := ownedByUs(root); err != nil {
		return "", err
	}
	pack := exec.CommandContext(ctx, "npm", "pack", "--pack-destination", root, githubPackage)
	if out, err := pack.CombinedOutput(); err != nil {
		return "", fmt.Errorf("getting GitHub's description: npm: %w\n%s", err, tail(out))
	}
	archive := filepath.Join(root, "octokit-openapi-23.0.2.tgz")
	defer os.Remove(archive)
	return path, unpackOne(archive, "package/generated/ghec.json", path)
}

// unpackOne takes one file out of a .tgz.
func unpackOne(archive, name, to string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", archive, err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			return fmt.Errorf("unpacking %s from %s: %w", name, archive, err)
		}
		if h.Name != name {
			continue
		}
		out, err := os.Create(to + ".part")
		if err != nil {
			return err
		}
		_, err = io.Copy(out, r)
		if err = errors.Join(err, out.Close()); err != nil {
			return fmt.Errorf("unpacking %s: %w", name, err)
		}
		return os.Rename(to+".part", to)
	}
}
