package corpus

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	requirementID = regexp.MustCompile(`^(RT-[A-Z]+)-\d{3}$`)
	words         = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	sourceClause  = regexp.MustCompile(`^server/[a-z]+\.go@\d+\.\d+\.\d+$`)
	seenClause    = regexp.MustCompile(`^\d+\.\d+\.\d+(\.\.\d+\.\d+\.\d+)?$`)
)

// checker collects the faults of one row.
type checker struct {
	file, row string
	faults    []error
}

func (k *checker) fault(member, format string, args ...any) {
	k.faults = append(k.faults, &DataError{k.file, k.row, member, fmt.Errorf(format, args...)})
}

func (k *checker) oneOf(member, value string, list []string) {
	if !slices.Contains(list, value) {
		k.fault(member, "%q is not one of %s", value, strings.Join(list, ", "))
	}
}

func (k *checker) said(member, text string) {
	if strings.TrimSpace(text) == "" {
		k.fault(member, "is missing")
	}
}

func checkRequirement(r *Requirement) []error {
	k := &checker{file: registerFile, row: r.ID}
	k.said("title", r.Title)
	k.oneOf("level", string(r.Level), []string{string(Must), string(Should), string(May)})
	k.oneOf("capability", r.Capability, capabilities)
	k.chapter(r)
	k.clause("clause", r.Clause)
	for _, need := range r.Needs {
		k.oneOf("needs", need, needs)
	}
	for _, v := range r.Versions {
		if _, err := parseRange(v); err != nil {
			k.fault("versions", "%w", err)
		}
	}
	if r.Branch != "" {
		k.branch(r.Branch)
	}
	return k.faults
}

// chapter wants the chapter to exist and the id to have its prefix.
func (k *checker) chapter(r *Requirement) {
	id := requirementID.FindStringSubmatch(r.ID)
	if id == nil {
		k.fault("id", "%q is not RT-PREFIX-NNN", r.ID)
		return
	}
	for _, ch := range chapters {
		if ch.name == r.Chapter {
			if id[1] != ch.prefix {
				k.fault("id", "chapter %s has ids %s-NNN", ch.name, ch.prefix)
			}
			return
		}
	}
	k.fault("chapter", "%q is not a chapter", r.Chapter)
}

func (k *checker) clause(member, text string) {
	for source := range strings.SplitSeq(text, "; ") {
		kind, where, _ := strings.Cut(source, ":")
		switch kind {
		case "doc":
			k.oneOf(member, where, sections)
		case "src":
			if !sourceClause.MatchString(where) {
				k.fault(member, "%q is not src:FILE@VERSION", source)
			}
		case "seen":
			if !seenClause.MatchString(where) {
				k.fault(member, "%q is not seen:VERSION or seen:FIRST..LAST", source)
			}
		default:
			k.fault(member, "%q does not begin with doc:, src: or seen:", source)
		}
	}
}

func (k *checker) branch(text string) {
	name, values, _ := strings.Cut(text, "=")
	known, ok := branches[name]
	if !ok {
		k.fault("branch", "%q is not a branch that is probed", name)
		return
	}
	for value := range strings.SplitSeq(values, "|") {
		k.oneOf("branch", value, known)
	}
}

func checkExclusion(i int, x *Exclusion) []error {
	k := &checker{file: registerFile, row: fmt.Sprintf("exclusion #%d", i+1)}
	k.clause("source", x.Source)
	if fromPage := strings.Contains(x.Source, "doc:"); (fromPage || x.Key != "") && !words.MatchString(x.Key) {
		k.fault("key", "%q is not words and numbers joined by -", x.Key)
	}
	k.said("text", x.Text)
	k.said("reason", x.Reason)
	k.oneOf("kind", x.Kind, exclusionKinds)
	return k.faults
}

func (c *Corpus) checkVector(file string, i int, v *Vector) []error {
	k := &checker{file: file, row: rowName(v.ID, i)}
	if !words.MatchString(v.ID) {
		k.fault("id", "%q is not words and numbers joined by -", v.ID)
	}
	k.said("comment", v.Comment)
	if len(v.Requirements) == 0 {
		k.fault("requirements", "is missing")
	}
	for _, id := range v.Requirements {
		if _, ok := c.rows[id]; !ok {
			k.fault("requirements", "%q is not in the register", id)
		}
	}
	for _, d := range v.Dialects {
		k.oneOf("dialects", d, ProfileNames())
	}
	if v.Stage != "" {
		k.oneOf("stage", v.Stage, stages)
	}
	for _, m := range v.Mode {
		k.oneOf("mode", m, modes)
	}
	k.input(v)
	k.want(&v.Want)
	k.live(v)
	return k.faults
}

// input wants exactly one of the three forms, and each of them readable.
func (k *checker) input(v *Vector) {
	forms := 0
	for _, there := range []bool{v.In != "", v.InHex != "", len(v.InParts) > 0} {
		if there {
			forms++
		}
	}
	if forms != 1 {
		k.fault("in", "give one of in, in_hex and in_parts")
	}
	k.printable("in", v.In)
	if _, err := decodeHex(v.InHex); err != nil {
		k.fault("in_hex", "%w", err)
	}
	for _, p := range v.InParts {
		k.printable("in_parts", p.Text)
		if p.Text == "" || p.Times < 1 || p.Times > 1<<20 {
			k.fault("in_parts", "a part is a text and a number of times from 1 to 1048576")
		}
	}
}

func (k *checker) printable(member, s string) {
	for i := range len(s) {
		if b := s[i]; b != '\r' && b != '\n' && b != '\t' && (b < ' ' || b > '~') {
			k.fault(member, "byte %#x at %d is not printable: use the hex form", b, i)
			return
		}
	}
}

func (k *checker) want(w *Want) {
	known, ok := tokens[w.Error]
	switch {
	case !ok:
		k.fault("want.error", "%q is not a layer", w.Error)
	case w.Token == "" && len(known) > 0:
		k.fault("want.token", "is missing: %s", strings.Join(known, ", "))
	case w.Token != "" && !slices.Contains(known, w.Token):
		k.fault("want.token", "%q is not a token of layer %q", w.Token, w.Error)
	}
	if w.Ops == nil {
		k.fault("want.ops", "is missing: write [] for none")
	}
	for i := range w.Ops {
		k.op(&w.Ops[i])
	}
}

func (k *checker) op(o *Op) {
	k.oneOf("want.ops.op", o.Op, opNames)
	if o.Payload != "" && o.PayloadHex != "" {
		k.fault("want.ops.payload", "give one of payload and payload_hex")
	}
	k.printable("want.ops.payload", o.Payload)
	if _, err := decodeHex(o.PayloadHex); err != nil {
		k.fault("want.ops.payload_hex", "%w", err)
	}
	if o.HeaderSize < 0 || o.HeaderSize > len(o.Payload)+len(o.PayloadHex)/2 {
		k.fault("want.ops.header_size", "does not fit the payload")
	}
	if (o.Payload != "" || o.PayloadHex != "" || o.HeaderSize != 0 || o.Reply != "" || o.Queues != nil) && !o.IsMessage() {
		k.fault("want.ops", "%s carries no message", o.Op)
	}
}

// live wants a word for the drivers, or the reason why there is none.
func (k *checker) live(v *Vector) {
	w := &v.Want
	if (len(w.Live) == 0) != (w.LiveReason != "") {
		k.fault("want.live", "give live, or live_reason")
	}
	if len(w.Live) > 0 && len(v.Mode) > 0 {
		k.fault("want.live", "a vector with a mode is for parsers only")
	}
	incomplete := false
	for dialect, live := range w.Live {
		if dialect != "*" {
			k.oneOf("want.live", dialect, ProfileNames())
			if !v.InDialect(dialect) {
				k.fault("want.live", "dialect %s is not among the vector's", dialect)
			}
		}
		if !slices.Contains(liveWords, live) {
			k.fault("want.live", "%q is not a live word", live)
		}
		incomplete = incomplete || live == Incomplete
		if err := judgeable(v, live); err != nil {
			k.fault("want.live", "%w", err)
		}
	}
	if incomplete != (w.Rest != "") {
		k.fault("want.rest", "rest belongs to the live word incomplete")
	}
}

// judgeable tells whether want.ops has what the word is about.
func judgeable(v *Vector, live Live) error {
	has := func(names ...string) bool {
		return slices.ContainsFunc(v.Want.Ops, func(o Op) bool { return slices.Contains(names, o.Op) })
	}
	switch {
	case live == EffectPong && !has("PING"):
		return errors.New("effect:pong without a PING in want.ops")
	case (live == EffectInterest || live == EffectRemoval) && !has("RS+"):
		return fmt.Errorf("%s without an RS+ in want.ops", live)
	case live == EffectDelivery && !has(messageOps...):
		return errors.New("effect:delivery without a message in want.ops")
	}
	return nil
}
