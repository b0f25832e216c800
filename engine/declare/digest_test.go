package declare

import "testing"

// TestDigest: what is said counts, where it stands doesn't.
func TestDigest(t *testing.T) {
	const base = "system: db\nconnector: postgres\nconfig: {dsn: {file: a}, wait: 5m}\nguards: {max_removals: 5%}\naccounts: {delete_after: 30d}\n"
	digest := func(name, data string) string {
		r, ps := Parse([]File{{Path: configFile, Data: []byte(baseConfig)}, {Path: name, Data: []byte(data)}})
		if err := ps.Err(); err != nil {
			t.Fatal(err)
		}
		return Digest(r.System("db"))
	}
	want := digest("a.yaml", base)
	for _, same := range []string{"# remark\n" + base, "---\n# x\n---\n" + base, "system:   db\nconnector: postgres\naccounts:\n  delete_after: 30d\nguards:\n  max_removals: \"5%\"\nconfig:\n  dsn:\n    file: a\n  wait: 5m\n"} {
		if got := digest("other/b.yaml", same); got != want {
			t.Errorf("another digest for\n%s", same)
		}
	}
	for _, other := range []string{
		base + "mode: additive\n", "system: db\nconnector: postgres\n", base + "owners: [x]\n",
		"system: db\nconnector: postgres\nconfig: {dsn: {file: b}, wait: 5m}\nguards: {max_removals: 5%}\naccounts: {delete_after: 30d}\n",
		"system: db\nconnector: postgres\nconfig: {dsn: {env: a}, wait: 5m}\nguards: {max_removals: 5%}\naccounts: {delete_after: 30d}\n",
		"system: db\nconnector: postgres\nconfig: {dsn: {file: a}, wait: 5m}\nguards: {max_removals: 5}\naccounts: {delete_after: 30d}\n",
		"system: db\nconnector: postgres\nconfig: {dsn: {file: a}, wait: 5m}\nguards: {max_removals: 5%}\naccounts: {delete_after: 31d}\n",
	} {
		if digest("a.yaml", other) == want {
			t.Errorf("the same digest for\n%s", other)
		}
	}
	a := Rule{Params: map[string]any{"a": int64(1), "b": []any{true, 0.5, "x"}}}
	b := Rule{Params: map[string]any{"b": []any{true, 0.5, "x"}, "a": int64(1)}, Name: Text{At: At{1, 2}}}
	if Digest(a) != Digest(b) {
		t.Error("the order of a map counts")
	}
	b.Params.(map[string]any)["a"] = int64(2)
	if Digest(a) == Digest(b) {
		t.Error("a parameter doesn't count")
	}
}
