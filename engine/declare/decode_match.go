package declare

// matches decodes [id, {mail: "{email}"}, name].
func (d *decoder) matches(key, n *node) []MatchRule {
	if n.kind != listNode {
		d.failNode(n, `write a list, as in [id, {mail: "{email}"}, name]`, "%s wants a list, not %s", key.text, n.what())
		return nil
	}
	if len(n.kids) == 0 {
		d.failNode(n, "leave it out: [id, name] is meant then", "%s is empty", key.text)
	}
	out := make([]MatchRule, 0, len(n.kids))
	for i := range n.kids {
		k := &n.kids[i]
		m := MatchRule{At: k.at}
		switch {
		case k.kind == mapNode && len(k.kids) == 2:
			m.By = MatchAttribute
			attr, ok := d.freeKey(&k.kids[0])
			if m.Attribute = attr; !ok || !d.text(&k.kids[0], &k.kids[1], &m.Value) {
				continue
			}
		case k.kind == scalarNode && !k.null && (k.text == MatchID || k.text == MatchName):
			m.By = k.text
		default:
			d.failNode(k, `write id, name, or {ATTRIBUTE: "{email}"}`, "%s can't have this", key.text)
			continue
		}
		out = append(out, m)
	}
	return out
}
