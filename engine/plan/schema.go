package plan

import _ "embed"

//go:embed schema.json
var schema []byte

// Schema is the published JSON Schema (draft 2020-12) of the plan file, and of what
// `accord plan --format json` prints, in the version FormatVersion. It is made from the types
// and their comments; a test holds it to them. Like Read it knows of no other keys.
func Schema() []byte { return append([]byte(nil), schema...) }
