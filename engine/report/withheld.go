package report

// withheld writes who is given nothing although they are declared, and what ends that.
func (v *view) withheld() {
	if len(v.plan.Withheld) == 0 {
		return
	}
	v.heading("Held back")
	for _, w := range v.plan.Withheld {
		line := v.line(2, 4)
		line.ends(at(w.File, w.Line), v.width)
		line.prose(w.Text, plain).end()
	}
}

// butFor excepts them from what is as declared.
func (v *view) butFor() string {
	if n := len(v.plan.Withheld); n > 0 {
		return ", but for " + Count(n, "person who is held back", "people who are held back")
	}
	return ""
}
