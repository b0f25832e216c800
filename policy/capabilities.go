package policy

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// allowList names the built-in functions that a policy may use, one a line. A test compares it
// and refusedBuiltins with those of the OPA that is compiled in: a new function is in neither,
// until somebody has decided.
//
//go:embed capabilities.txt
var allowList string

// refusedBuiltins are the functions that would let a verdict depend on something else than the
// input and the data, each with what to do instead.
func refusedBuiltins() map[string]string {
	const (
		network = "a policy has no network; ship what it needs as data, or ask for it in the input"
		clock   = "a policy has no clock; the time is input.plan.at"
		chance  = "a policy has no randomness: the same plan gets the same verdict"
		env     = "a policy doesn't see the environment; ship what it needs as data"
	)
	return map[string]string{
		"http.send":          network,
		"net.lookup_ip_addr": network,
		"json.match_schema":  network, "json.verify_schema": network, // they fetch remote $refs
		"providers.aws.sign_req":                                 network,
		"time.now_ns":                                            clock,
		"io.jwt.decode_verify":                                   clock,
		"crypto.x509.parse_and_verify_certificates":              clock,
		"crypto.x509.parse_and_verify_certificates_with_options": clock,
		"rand.intn":              chance,
		"uuid.rfc4122":           chance,
		"io.jwt.encode_sign":     chance,
		"io.jwt.encode_sign_raw": chance,
		"opa.runtime":            env,
		"rego.parse_module":      "a policy judges its input, not other policies",
	}
}

// capabilities are those of a policy: Rego v1 with the functions of the allow-list.
func capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion(ast.CapabilitiesRegoVersion(ast.RegoV1))
	allowed := strings.Fields(allowList)
	c.Builtins = slices.DeleteFunc(slices.Clone(c.Builtins), func(b *ast.Builtin) bool { return !slices.Contains(allowed, b.Name) })
	c.Features = []string{ast.FeatureRefHeadStringPrefixes, ast.FeatureRefHeads, ast.FeatureRegoV1Import, ast.FeatureRegoV1, ast.FeatureKeywordsInRefs, ast.FeatureTemplateStrings}
	c.FutureKeywords = nil
	c.AllowNet = []string{} // nil would mean any host
	return c
}
