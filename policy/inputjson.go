package policy

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/open-policy-agent/opa/v1/ast"
)

// InputJSON writes an input (a *ChangeInput, *PrincipalInput or *PlanInput) as rules see it:
// every field of its schema is there, parts without values and the attributes that accord.yaml
// declares too. Other tools that evaluate Rego so come to the same results, and DecodeChange
// reads it back.
func InputJSON(input any, attributes []string) ([]byte, error) {
	for _, e := range entries() {
		if reflect.TypeOf(input) != reflect.PointerTo(e.shape.typ) {
			continue
		}
		enc := &encoder{attributes: attributes}
		term := enc.input(e.shape, input)
		if enc.err != nil {
			return nil, fmt.Errorf("%w: writing the input of package %s: %v", ErrJudge, e.pkg, enc.err)
		}
		v, err := ast.JSON(term.Value)
		if err != nil {
			return nil, fmt.Errorf("writing the input of package %s: %w", e.pkg, err)
		}
		return json.Marshal(v)
	}
	return nil, fmt.Errorf("writing an input: no package judges a %T", input)
}
