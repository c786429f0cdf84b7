package compiler

// includeStatement puts the statements of an included file in its place, once.
func (r *resolver) includeStatement(s *includeStatement) step {
	file := r.source.included[s]
	if file == nil {
		return nil // it is there already, or an error was told
	}
	outer, unquoted := r.source, r.unquoted
	r.source = file
	r.unquoted.Start, r.unquoted.End = 0, 0
	body := r.labelled(file.tree.body)
	r.source, r.unquoted = outer, unquoted
	return &includeStep{s.node, file, body}
}

func (r *resolver) tryStatement(s *tryStatement) step {
	r.anyTry = true
	step := &tryStep{node: s.node, catch: s.catch}
	r.tries++
	step.body = r.block(s.body)
	r.tries--
	if s.code != nil {
		step.code = r.assigned(s.code)
	}
	step.handler = r.block(s.handler)
	return step
}

// markEmptied finds the calls whose out variables have to be emptied before them: a
// failure that leads elsewhere would leave them the old value. A function can be
// called from a TRY wherever it stands.
func markEmptied(m *meaning) {
	for _, s := range m.sites {
		s.empties = len(s.outs) > 0 && !s.looked && (s.telling || m.tries && (s.tried || s.inFunction))
	}
}

// reportIdleTries warns of each TRY that no failure can leave: whoever wrote it meant
// something else.
func reportIdleTries(m *meaning) {
	for _, u := range m.units() {
		idleTries(u.source, u.body)
	}
}

func idleTries(from *source, steps []step) {
	for _, s := range steps {
		in := from
		switch s := s.(type) {
		case *includeStep:
			in = s.file
		case *tryStep:
			if calls, leaves := failures(s.body); calls && !leaves {
				in.warnf(codeIdleTry, s.catch, "a result that is stored or compared is the script's business", "every failure in this TRY is looked at or caught, so nothing comes here")
			} else if !calls {
				in.warnf(codeIdleTry, s.catch, "", "nothing in this TRY can fail, so nothing comes here")
			}
		}
		eachBody(s, func(body []step) { idleTries(in, body) })
	}
}

// failures reports whether the statements call anything, and whether a failure of it
// can leave them. What a TRY among them catches does not.
func failures(steps []step) (calls, leaves bool) {
	of := func(o operand) {
		c, l := failuresOf(o)
		calls, leaves = calls || c, leaves || l
	}
	within := func(body []step) {
		c, l := failures(body)
		calls, leaves = calls || c, leaves || l
	}
	for _, s := range steps {
		switch s := s.(type) {
		case *assignStep:
			of(s.value)
		case *callStep:
			of(s.call)
		case *returnStep:
			of(s.value)
		case *ifStep:
			for i := range s.arms {
				if s.arms[i].condition != nil {
					of(s.arms[i].condition)
				}
			}
		case *whileStep:
			of(s.condition)
		case *forEachStep:
			of(s.list)
		case *tryStep:
			c, _ := failures(s.body)
			calls = calls || c
			within(s.handler)
			continue
		}
		eachBody(s, within)
	}
	return calls, leaves
}

func failuresOf(o operand) (calls, leaves bool) {
	switch o := o.(type) {
	case *site:
		calls, leaves = true, !o.looked
	case *invocation:
		calls, leaves = true, true // what the function does is not followed
	}
	eachPart(o, func(part operand) {
		c, l := failuresOf(part)
		calls, leaves = calls || c, leaves || l
	})
	return calls, leaves
}
