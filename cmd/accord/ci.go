package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/forge"
)

func (a *app) ciCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ci",
		Short: "Put a plan on a merge request; collect its approvals; find what waits to be applied",
		Long: `The subcommands speak to GitHub, GitLab, Gitea or Forgejo. In a job of their CI they find
out for themselves which repository, request and commit is meant; elsewhere --forge, --api,
--repo and --request say so. The token is read from the environment: GITHUB_TOKEN,
GITLAB_TOKEN, GITEA_TOKEN or FORGEJO_TOKEN, or the variable that --token-env names.`,
		Args: exactArgs(0, 0, "a subcommand: request, comment, status, approvals or pending"),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.ciRequestCommand(), a.ciCommentCommand(), a.ciStatusCommand(), a.ciApprovalsCommand(), a.ciPendingCommand())
	return c
}

// ciFlags say which forge is meant.
type ciFlags struct {
	forge, api, repo string
	request          int
	commit           string
	tokenEnv, caFile string
}

func (f *ciFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.forge, "forge", "", "github, gitlab, gitea or forgejo (as the CI is, if left out)")
	c.Flags().StringVar(&f.api, "api", "", "the address of the forge's API, as https://gitlab.example/api/v4")
	c.Flags().StringVar(&f.repo, "repo", "", "the repository: OWNER/NAME; on GitLab the project's path or number")
	c.Flags().IntVar(&f.request, "request", 0, "the number of the merge request")
	c.Flags().StringVar(&f.commit, "commit", "", "the commit of the request that this is about (the CI's, else the one on top)")
	c.Flags().StringVar(&f.tokenEnv, "token-env", "", "the environment variable that holds the token")
	c.Flags().StringVar(&f.caFile, "ca-file", "", "certificates (PEM) to verify the forge with, instead of the system's")
}

// target joins what the CI says and what the flags say, which counts more.
func (f *ciFlags) target(env func(string) string) (forge.Target, error) {
	t, found, err := forge.Detect(env)
	if err != nil {
		return t, err
	}
	if f.forge != "" {
		kind, err := forge.ParseKind(f.forge)
		if err != nil {
			return t, usageError{fmt.Errorf("--forge: %w", err)}
		}
		if !found || t.Kind != kind { // another forge than the one that the job runs on
			t = forge.Default(kind)
		}
	} else if !found {
		return t, usageError{errors.New("no CI job of a forge is around; say which forge with --forge, and --api, --repo and --request")}
	}
	if f.commit != "" && !fullHash.MatchString(f.commit) {
		return t, usageError{fmt.Errorf("--commit takes the full id of a commit, not %q", f.commit)}
	}
	if f.request < 0 {
		return t, usageError{fmt.Errorf("--request takes a number, not %d", f.request)}
	}
	for _, s := range []struct {
		at   *string
		flag string
	}{{&t.API, f.api}, {&t.Repo, f.repo}, {&t.Commit, f.commit}} {
		if s.flag != "" {
			*s.at = s.flag
		}
	}
	if f.request > 0 && f.request != t.Request {
		t.Request = f.request
		t.Commit, t.Merge, t.Pipeline = f.commit, "", "" // the job's are of another request
	}
	return t, nil
}

var (
	fullHash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	envName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// token finds the variable that holds the token. What --token-env was given is never repeated:
// it may be the token itself.
func (f *ciFlags) token(t forge.Target, env func(string) string) (name string, err error) {
	if f.tokenEnv != "" {
		if !envName.MatchString(f.tokenEnv) || env(f.tokenEnv) == "" {
			return "", errors.New("--token-env takes the name of an environment variable that holds the token; there is none of the name that it was given")
		}
		return f.tokenEnv, nil
	}
	for _, name := range t.Tokens {
		if env(name) != "" {
			return name, nil
		}
	}
	return "", fmt.Errorf("no token: none of %s is set; set it, or name another variable with --token-env", strings.Join(t.Tokens, ", "))
}

// openForge opens the forge; hide takes its token out of a text.
func (a *app) openForge(ctx context.Context, f *ciFlags) (t forge.Target, opened forge.Forge, hide func(string) string, err error) {
	if t, err = f.target(os.Getenv); err != nil {
		return t, nil, nil, err
	}
	name, err := f.token(t, os.Getenv)
	if err != nil {
		return t, nil, nil, err
	}
	secret, err := engine.Secrets(ctx, connectors.SecretRef{Env: name})
	if err != nil {
		return t, nil, nil, err
	}
	opened, err = t.Open(forge.Options{
		TokenName: name, CAFile: f.caFile, Log: a.engine().Log, Now: a.now,
		Secret: func(context.Context) (connectors.Secret, error) { return secret, nil },
	})
	return t, opened, func(s string) string { return strings.ReplaceAll(s, secret.Reveal(), secret.String()) }, err
}

// webLink checks an address that a comment or a status is to lead to.
func webLink(s string) error {
	u, err := url.Parse(s)
	if s != "" && (err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(s, "<>\"` \t\r\n")) {
		return errors.New("a link is a URL that begins with https:// or http://, without a user")
	}
	return nil
}
