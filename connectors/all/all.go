// Package all lists the connectors that are compiled in. It is the only place that knows them
// all: a new connector joins by one line here.
package all

import (
	"slices"
	"strings"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/file"
	"github.com/accordhq/accord/connectors/ldap"
	"github.com/accordhq/accord/connectors/postgres"
	"github.com/accordhq/accord/connectors/scim"
)

// Types are the connectors, sorted by name.
func Types() []connectors.Type {
	types := []connectors.Type{
		file.Type(),
		ldap.ActiveDirectory(),
		ldap.Type(),
		postgres.Type(),
		scim.Type(),
	}
	slices.SortFunc(types, func(a, b connectors.Type) int { return strings.Compare(a.Name, b.Name) })
	return types
}

// Lookup returns the connector with that name.
func Lookup(name string) (connectors.Type, bool) {
	types := Types()
	i := slices.IndexFunc(types, func(t connectors.Type) bool { return t.Name == name })
	if i < 0 {
		return connectors.Type{}, false
	}
	return types[i], true
}
