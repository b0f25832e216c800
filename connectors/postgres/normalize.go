package postgres

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/access"
)

// maxName is the longest name in bytes that PostgreSQL keeps: NAMEDATALEN less one. Longer
// ones it would cut off in silence.
const maxName = 63

// attributes are the pseudo-targets of kind attribute.
func attributes() []string {
	return []string{"bypassrls", "createdb", "createrole", "replication", "superuser"}
}

// Normalize checks names and writes attributes as Read returns them. Names keep their case:
// Accord quotes them, and so "Bob" and "bob" are two roles.
func (c *connector) Normalize(o access.Object) (access.Object, error) {
	n, err := normalize(o)
	if err != nil {
		return access.Object{}, fmt.Errorf("%s: %w", access.Ref{System: c.system, ID: o.ID}, err)
	}
	return n, nil
}

func normalize(o access.Object) (access.Object, error) {
	if err := checkName(o.ID.Name); err != nil {
		return o, err
	}
	switch o.ID.Kind {
	case access.KindAccount:
		if strings.HasPrefix(o.ID.Name, "pg_") {
			return o, errors.New(`names of accounts can't begin with "pg_", which PostgreSQL keeps for itself`)
		}
		return normalizeRole(o, attrComment, attrLimit)
	case kindRole:
		if o.Disabled {
			return o, errors.New("only accounts can be disabled")
		}
		return normalizeRole(o, attrDescription)
	case kindAttribute:
		o.ID.Name = strings.ToLower(o.ID.Name)
		if !slices.Contains(attributes(), o.ID.Name) {
			return o, fmt.Errorf("no such attribute; there are %s", strings.Join(attributes(), ", "))
		}
	case kindSchema, kindTables:
		if systemSchema(o.ID.Name) {
			return o, errors.New("the schemas of PostgreSQL itself aren't managed")
		}
	case kindDatabase:
	default:
		return o, fmt.Errorf("no kind %q", o.ID.Kind)
	}
	if o.Disabled {
		return o, errors.New("only accounts can be disabled")
	}
	return keepAttributes(o)
}

// normalizeRole refuses the two words that PostgreSQL takes for something else even where they
// are quoted: in GRANT, "public" is everybody.
// https://www.postgresql.org/docs/current/sql-createrole.html
func normalizeRole(o access.Object, attrs ...string) (access.Object, error) {
	if o.ID.Name == "public" || o.ID.Name == "none" {
		return o, fmt.Errorf("no role can be called %q", o.ID.Name)
	}
	return keepAttributes(o, attrs...)
}

// keepAttributes normalises the attributes' values and refuses those that aren't listed. The
// map that came in stays as it is.
func keepAttributes(o access.Object, attrs ...string) (access.Object, error) {
	var kept map[string]string
	for _, key := range slices.Sorted(maps.Keys(o.Attributes)) {
		if !slices.Contains(attrs, key) {
			return o, fmt.Errorf("%ss have no attribute %q", o.ID.Kind, key)
		}
		value, err := normalizeValue(key, o.Attributes[key])
		if err != nil {
			return o, err
		}
		if value == "" {
			continue
		}
		if kept == nil {
			kept = make(map[string]string, len(o.Attributes))
		}
		kept[key] = value
	}
	o.Attributes = kept
	return o, nil
}

// normalizeValue gives "" for what is the same as no attribute.
func normalizeValue(key, value string) (string, error) {
	if key == attrLimit {
		if value == "" {
			return "", nil
		}
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil || n < -1 {
			return "", fmt.Errorf("%s: %q isn't a number of sessions", key, value)
		}
		if n == -1 {
			return "", nil
		}
		return strconv.FormatInt(n, 10), nil
	}
	if strings.ContainsRune(value, 0) || !utf8.ValidString(value) {
		return "", fmt.Errorf("%s: PostgreSQL takes only valid UTF-8 without NUL", key)
	}
	return value, nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > maxName:
		return fmt.Errorf("the name has %d bytes; PostgreSQL allows %d", len(name), maxName)
	case strings.ContainsRune(name, 0) || !utf8.ValidString(name):
		return errors.New("PostgreSQL takes only names in valid UTF-8 without NUL")
	}
	return nil
}

// systemSchema tells the schemas that belong to PostgreSQL itself: the catalog, TOAST, and the
// temporary ones of sessions.
func systemSchema(name string) bool {
	return strings.HasPrefix(name, "pg_") || name == "information_schema"
}
