// Package declare turns the YAML files of one revision into documents, strictly: what can't
// be understood is an error that names file, line and column, shows the line, says what is
// wrong and what to do; all errors are reported at once, sorted.
//
//	files ──Parse──▶ Repository ──Check──▶ Repository that holds together
//
// Parse knows the shape of each document, Check what the documents say of each other
// (references, cycles, windows in negative positions, attributes) and, through the
// descriptions of the connectors, which entitlements exist. It reads no file and no clock.
package declare
