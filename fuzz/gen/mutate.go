package gen

import "slices"

// Mutate returns a neighbour of q: one to three changes of its steps and messages. donors may give steps; nil is none. Its
// connections' streams pass CheckLoopback, and q is as it was.
func (s *Source) Mutate(q *Sequence, donors []Sequence, o Options) Sequence {
	seq := q.Clone()
	for range 1 + s.weighted([]uint8{4, 2, 1}) {
		s.change(&seq, donors, o)
	}
	s.tame(&seq)
	return seq
}

// maxSteps bounds how far a sequence grows by being changed again and again.
const maxSteps = 40

func (s *Source) change(seq *Sequence, donors []Sequence, o Options) {
	conns := max(1, seq.Conns())
	if len(seq.Steps) == 0 {
		seq.Steps = append(seq.Steps, s.step(conns, o.Clients))
		return
	}
	at := s.Intn(len(seq.Steps))
	if step := &seq.Steps[at]; !step.End && s.Bool() {
		s.changeMessage(&step.Message)
		return
	}
	switch s.Intn(7) {
	case 0, 1:
		seq.Steps = slices.Insert(seq.Steps, at+1, s.step(conns, o.Clients))
	case 2:
		seq.Steps = slices.Delete(seq.Steps, at, at+1)
	case 3: // once more
		again := seq.Steps[at]
		again.Message = again.Message.Clone()
		seq.Steps = slices.Insert(seq.Steps, s.Intn(len(seq.Steps)+1), again)
	case 4: // another order
		to := s.Intn(len(seq.Steps))
		seq.Steps[at], seq.Steps[to] = seq.Steps[to], seq.Steps[at]
	case 5:
		if seq.Steps[at].Conn != Client {
			seq.Steps[at].Conn = s.Intn(min(conns+1, orDefault(o.Conns, MaxConns)))
		}
	case 6:
		s.splice(seq, donors, at)
	}
	seq.Steps = seq.Steps[:min(len(seq.Steps), maxSteps)]
}

// splice puts the end of a donor behind the beginning of seq.
func (s *Source) splice(seq *Sequence, donors []Sequence, at int) {
	if len(donors) == 0 {
		return
	}
	donor := donors[s.Intn(len(donors))].Clone()
	if n := len(donor.Steps); n > 0 {
		seq.Steps = append(seq.Steps[:at:at], donor.Steps[s.Intn(n):]...)
	}
}

func (s *Source) changeMessage(m *Message) {
	switch s.Intn(6) {
	case 0:
		*m = s.message()
	case 1:
		s.restyle(m)
	case 2:
		s.damage(m)
	case 3:
		*m = s.miscounted(*m)
	case 4:
		if m.Object {
			known := connectMembers
			if len(m.Verb) == len("INFO") {
				known = infoMembers
			}
			s.alterMember(m, known)
		}
	case 5:
		if n := len(m.Fields); n > 0 && !m.Object {
			m.Fields[s.Intn(n)] = " " + s.anyField()
		}
	}
}
