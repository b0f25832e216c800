// Package repo reads access repositories out of git: files at a revision without a checkout,
// what changed between two revisions, and who wrote which line. It uses go-git's storage and
// object parsing, and walks of its own above them: git's command line tool isn't needed.
//
// # Which files belong to an access repository
//
// The access root is the folder that holds accord.yaml; it may lie anywhere below the root of
// the git repository. Of what is below the access root
//
//   - files ending in .yaml or .yml are declarations,
//   - files ending in .state.yaml are not: they are live systems of the file connector,
//   - names that begin with a dot are left out, files as well as folders (.github, .gitlab-ci.yml),
//   - a folder that holds an accord.yaml of its own is another access repository and left out,
//   - submodules are left out,
//   - the folders that the caller names, such as those of policies, are left out.
//
// A symbolic link that would have a say is an error: one that ends in .yaml or .yml, one that
// leads to a folder, and one that leads out of the access root or to nothing. A declaration must
// not come from where nobody reviews, and must not be missed either. Paths that hold control
// characters, backslashes or invalid UTF-8 are errors. .gitignore plays no part.
//
// The same rules hold for a folder on disk (Worktree).
//
// # What is written
//
// Commit adds a commit to a branch of Accord's own, accord/…, by its objects alone: HEAD, the
// index and the folder stay as they are, no branch is forced, and none that is checked out or
// that somebody else made is added to.
//
// # The journal in git
//
// JournalRef keeps the record of a journal in a ref below refs/accord, in a remote or in the
// repository itself. It speaks git's protocol by go-git's transports and asks for exactly what it
// needs, so that the size of the access repository doesn't matter: one fetch brings the commits
// behind the one that was seen last, one push sends a segment, three trees and a commit. The
// remote moves the ref only if it still is where this process has read it; nothing is ever
// forced.
//
// A remote is reached by a path (git's own programs serve it then), by ssh, with the keys of the
// agent at SSH_AUTH_SOCK and the hosts of known_hosts (or SSH_KNOWN_HOSTS), or by https. There the
// credential is the token that accord.yaml refers to, else the one in the remote's URL, else
// http.extraheader or http.URL.extraheader of git's configuration with its includes, as CI leaves
// them. url.BASE.insteadOf, http.sslCAInfo and HTTPS_PROXY are heeded; credential helpers,
// core.sshCommand and http.sslVerify are not. A token is sent over https only, and no credential
// to where a remote redirects.
package repo
