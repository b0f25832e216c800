package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// Engine joins the parts. Its fields are all that reaches it from outside; it keeps nothing
// between calls and is safe for concurrent use.
type Engine struct {
	// Types are the connectors that may be used.
	Types []connectors.Type
	// Secret resolves references to secrets; nil means Secrets.
	Secret func(context.Context, connectors.SecretRef) (connectors.Secret, error)
	// HTTP is the transport of connectors that speak HTTP; nil means the default.
	HTTP http.RoundTripper
	// Log gets what only a person who looks for a fault wants to know.
	Log *slog.Logger
	// Now is the clock.
	Now func() time.Time
	// Version is that of the program, for the journal.
	Version string
	// Actor is who runs it, for the journal.
	Actor string
	// Cache is the folder for what runs leave for the next one, so that it needn't parse everything
	// again; empty: nothing is left. It should be the user's alone.
	Cache string
}

// Source says which declaration is meant.
type Source struct {
	// Dir is the access repository or a folder inside it.
	Dir string
	// Rev is a git revision; empty means HEAD.
	Rev string
	// Worktree reads the folder as it is instead of a commit.
	Worktree bool
}

// Secrets reads secrets from the environment and from files; a line end behind a file's
// content isn't part of it.
func Secrets(_ context.Context, ref connectors.SecretRef) (connectors.Secret, error) {
	switch {
	case ref.Env != "":
		v, ok := os.LookupEnv(ref.Env)
		if !ok || v == "" {
			return connectors.Secret{}, fmt.Errorf("the environment variable %s is not set", ref.Env)
		}
		return connectors.NewSecret(v), nil
	case ref.File != "":
		b, err := os.ReadFile(ref.File)
		if err != nil {
			return connectors.Secret{}, fmt.Errorf("reading a secret: %w", err)
		}
		return connectors.NewSecret(strings.TrimRight(string(b), "\r\n")), nil
	}
	return connectors.Secret{}, errors.New("the reference names no secret")
}

func (e *Engine) secret(ctx context.Context, ref connectors.SecretRef) (connectors.Secret, error) {
	if e.Secret != nil {
		return e.Secret(ctx, ref)
	}
	return Secrets(ctx, ref)
}

// connector returns the type with that name.
func (e *Engine) connector(name string) (connectors.Type, bool) {
	for _, t := range e.Types {
		if t.Name == name {
			return t, true
		}
	}
	return connectors.Type{}, false
}

// Descriptions are what the connectors say of themselves, by name.
func (e *Engine) Descriptions() map[string]access.Description {
	out := make(map[string]access.Description, len(e.Types))
	for _, t := range e.Types {
		out[t.Name] = t.Describe()
	}
	return out
}
