// Package rest is the one HTTP client that connectors speak through. It does what every API
// needs and each would get wrong in its own way:
//
//	c, err := rest.New(rest.Options{BaseURL: "https://api.acme.example/v2", Auth: rest.Bearer(token)})
//	res, err := c.Do(ctx, rest.Request{Method: "GET", Path: rest.Path("Users", id)})
//	…
//	err = res.JSON(&user)
//
// Repeating. A read is repeated when the connection fails or the answer is 408, 425, 429, 502,
// 503 or 504; a write only when the connector says that repeating it is safe (Request.Repeat), or
// when it certainly wasn't carried out: no connection came about, or the answer was 429 (or a 403
// that is about a rate limit). What the server asks for (Retry-After, a rate limit's reset) is waited for, up to a limit beyond
// which the call fails at once; else the pauses double, with jitter. A context that is done
// ends every wait at once.
//
// Rate limits are learned from the headers of the answers: when nothing is left the next request
// waits for the reset instead of being refused.
//
// Believing. An answer is an answer only if it is what was asked for: a redirect to another
// host, a login page with status 200, an empty or cut-off body where JSON is due, or a body beyond
// the limit is connectors.ErrIncomplete for a read. For a write it is
// connectors.ErrOutcomeUnknown, as is a reply that was lost.
//
// Errors name the request and say what the server said: quoted, cut, on one line. Statuses
// become the errors that the engine acts upon (see StatusError).
//
// Secrets. The client knows every credential that it sends and takes it out of every error and
// log line, in each form in which a server may echo it. URLs are shown without query and user.
// Bodies and headers are never logged.
package rest
