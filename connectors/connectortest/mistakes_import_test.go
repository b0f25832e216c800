package connectortest

import (
	"context"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// importMistakes are those that keep a system from being imported.
func importMistakes() []mistake {
	return []mistake{
		{"reports grants on what it doesn't list", []string{"import/round-trips"}, "doesn't list", nil, reads(func(o *access.Object) bool { return o.ID.Kind != "folder" }, nil)},
		{"reports permissions that it doesn't describe", []string{"import/round-trips"}, "Describe doesn't know", nil, reads(nil, func(g *access.Grant) bool {
			if g.Target.Kind == "role" {
				g.Permission = "guest"
			}
			return true
		})},
		{"spells what it reads otherwise than what is declared", []string{"import/round-trips"}, "a usual name", nil, func(b *broken) {
			b.normalize = func(o access.Object) (access.Object, error) {
				o, err := b.Connector.Normalize(o)
				if o.ID.IsAccount() {
					o.ID.Name += "@lawful"
				}
				return o, err
			}
		}},
		{"fills in what isn't there", []string{"import/round-trips"}, "", nil, func(b *broken) {
			b.normalize = func(o access.Object) (access.Object, error) {
				o, err := b.Connector.Normalize(o)
				if err == nil && o.ID.IsAccount() {
					o.Attributes = map[string]string{"comment": "made by accord"}
				}
				return o, err
			}
		}},
		{"reports accounts that hold something, and doesn't list them", []string{"import/round-trips"}, "doesn't list", nil, func(b *broken) {
			b.read = func(ctx context.Context, scope connectors.Scope) (*access.State, error) {
				s, err := b.Connector.Read(ctx, scope)
				if err != nil || !scope.Whole() {
					return s, err
				}
				return changed(s, func(o *access.Object) bool { return !o.ID.IsAccount() }, nil)
			}
		}},
	}
}
