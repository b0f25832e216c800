package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/rogpeppe/go-internal/testscript"
)

// opaEval is `opa-eval [-d PATH]… -i FILE QUERY`: it evaluates a query as `opa eval` does, by
// OPA's own entry points and none of Accord's, and prints its value as JSON. With `!` the query
// is undefined or an error.
func opaEval(ts *testscript.TestScript, neg bool, args []string) {
	f := flag.NewFlagSet("opa-eval", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	var data []string
	f.Func("d", "a file or folder of policies and data", func(s string) error { data = append(data, ts.MkAbs(s)); return nil })
	input := f.String("i", "", "the input, one JSON document")
	err := f.Parse(args)
	usage(ts, err == nil && *input != "" && f.NArg() == 1, "[!] opa-eval [-d PATH]… -i FILE QUERY")
	value, err := evaluate(data, ts.ReadFile(*input), f.Arg(0))
	if (err != nil) != neg {
		ts.Fatalf("evaluating %s on %s: %v, %s", f.Arg(0), *input, err, value)
	}
	if err != nil {
		fmt.Fprintln(ts.Stderr(), err)
		return
	}
	fmt.Fprintf(ts.Stdout(), "%s\n", value)
}

func evaluate(data []string, input, query string) ([]byte, error) {
	var in any
	d := json.NewDecoder(strings.NewReader(input))
	d.UseNumber()
	if err := d.Decode(&in); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("the input has more than one document")
	}
	set, err := rego.New(rego.Query(query), rego.Load(data, nil), rego.Input(in),
		rego.SetRegoVersion(ast.RegoV1), rego.StrictBuiltinErrors(true)).Eval(context.Background())
	if err != nil {
		return nil, err
	}
	if len(set) != 1 || len(set[0].Expressions) != 1 {
		return nil, errors.New("undefined")
	}
	return json.Marshal(set[0].Expressions[0].Value)
}
