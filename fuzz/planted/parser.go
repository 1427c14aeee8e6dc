package planted

// parserFaults are mistakes in reference/wire.
var parserFaults = []Patch{
	{
		Name: "cr-beyond-limit", File: "reference/wire/parser.go", Oracle: Split, Targets: []string{"Split", "Parse"},
		Find:    `if limit > 0 && len(in) > 0 && (n > limit+1 || n == limit+1 && in[len(in)-1] != '\r') {`,
		Replace: `if limit > 0 && n > limit {`,
		Notice:  "a line as long as the limit is refused when a read ends between its CR and LF: the CR is counted",
	},
	{
		Name: "limit-not-on-fast-path", File: "reference/wire/whole.go", Oracle: Split, Targets: []string{"Split", "Parse"},
		Find:    `if fields == nil || p.limits.ControlLine > 0 && end > p.limits.ControlLine {`,
		Replace: `if fields == nil {`,
		Notice:  "a line above the limit passes when all of it lies in one read",
	},
	{
		Name: "size-with-sign", File: "reference/wire/fields.go", Oracle: Grammar, Targets: []string{"Parse", "RoundTrip"},
		Find:    "\tfor _, c := range b {\n\t\tdigit := int(c) - '0'",
		Replace: "\tif len(b) > 1 && b[0] == '+' {\n\t\tb = b[1:]\n\t}\n\tfor _, c := range b {\n\t\tdigit := int(c) - '0'",
		Notice:  "sizes and weights are read as by a library function that takes a plus sign",
	},
	{
		Name: "size-wraps", File: "reference/wire/fields.go", Oracle: Crash, Targets: []string{"Parse", "Split"},
		Find:    "if n > (math.MaxInt-digit)/10 {\n\t\t\tn = math.MaxInt\n\t\t\tcontinue\n\t\t}",
		Replace: "if n == math.MaxInt {\n\t\t\tcontinue\n\t\t}",
		Notice:  "a size of twenty digits wraps to a negative one, in the dialects that read sizes of any length",
	},
	{
		Name: "memory-by-declared-size", File: "reference/wire/payload.go", Oracle: Memory, Targets: []string{"Parse"},
		Find:    `p.grown, p.terminal, p.phase = true, 0, phasePayload`,
		Replace: "p.part = make([]byte, 0, p.head.Size)\n\tp.grown, p.terminal, p.phase = true, 0, phasePayload",
		Notice:  "memory for the payload is taken when its size is announced, not when it comes",
	},
	{
		Name: "lf-not-checked", File: "reference/wire/payload.go", Oracle: Split, Targets: []string{"Split", "Parse"},
		Find:    `if p.buf[p.pos] != "\r\n"[p.terminal] {`,
		Replace: `if p.terminal == 0 && p.buf[p.pos] != '\r' {`,
		Notice:  "behind the CR of a payload any byte passes for LF",
	},
	{
		Name: "terminator-counted-once", File: "reference/wire/payload.go", Oracle: Split, Targets: []string{"Split", "Parse"},
		Find:    `p.grown, p.terminal, p.phase = true, 0, phasePayload`,
		Replace: `p.grown, p.phase = true, phasePayload`,
		Notice:  "the second message that straddles reads is not followed by CR LF: the counter of the first one stands",
	},
	{
		Name: "leaf-unsub-always-with-origin", File: "reference/wire/arguments.go", Oracle: Grammar, Targets: []string{"Parse", "RoundTrip"},
		Find:    "kind == LeafUnsub && p.mode.LeafUnsubOrigin",
		Replace: "kind == LeafUnsub",
		Notice:  "LS- is read with an origin also where the peer has not announced lnocu",
	},
	{
		Name: "offset-in-read", File: "reference/wire/parser.go", Oracle: Split, Targets: []string{"Split", "Parse"},
		Find:    `p.phase, p.textAt = phaseText, p.offset()`,
		Replace: `p.phase, p.textAt = phaseText, int64(p.pos)`,
		Notice:  "the offset of an error counts from the last read, not from the beginning of the stream",
	},
	{
		Name: "reply-bar-dropped", File: "reference/wire/arguments.go", Oracle: Grammar, Targets: []string{"Parse", "RoundTrip"},
		Find:    `op.Reply = behind[0].of(text)`,
		Replace: "if reply := behind[0].of(text); string(reply) != \"|\" {\n\t\t\top.Reply = reply\n\t\t}",
		Notice:  "a lone | between subject and size is taken for an empty queue list, not for the reply subject that it is",
	},
	{
		Name: "cr-vanishes-in-split", File: "reference/wire/parser.go", Oracle: Split, Targets: []string{"Split", "Parse"},
		Find:    "\t\tp.hold(text)\n\t\ttext = p.text\n",
		Replace: "\t\tp.hold(bytes.ReplaceAll(text, []byte{'\\r'}, nil))\n\t\ttext = p.text\n",
		Notice:  "a CR inside a line joins two arguments when it comes in a later read than the line's beginning, as in real servers",
	},
	{
		Name: "queues-of-the-message-before", File: "reference/wire/arguments.go", Oracle: Grammar, Targets: []string{"Parse", "Split"},
		Find:    "\tp.queues = p.queues[:0]\n\tfor _, q := range queues {",
		Replace: "\tfor _, q := range queues {",
		Notice:  "a message carries the queues of those before it",
	},
	{
		Name: "header-size-two-more", File: "reference/wire/arguments.go", Oracle: Grammar, Targets: []string{"Parse"},
		Find:    `if op.HeaderSize > n {`,
		Replace: `if op.HeaderSize > n+2 {`,
		Notice:  "a header block may reach over the CR LF behind the payload",
	},
	{
		Name: "weight-garbage-is-zero", File: "reference/wire/arguments.go", Oracle: Circle, Targets: []string{"RoundTrip", "Parse"},
		Find:    `if !ok || len(b) > maxWeightDigits {`,
		Replace: `if !ok && len(b) > maxWeightDigits {`,
		Notice:  "a weight that is no number is 0, and one of more than nine digits counts",
	},
	{
		Name: "tail-wildcard-matches-nothing", File: "reference/wire/subject.go", Oracle: Matching, Targets: []string{"Subjects"},
		Find:    `return patternMore == subjectMore`,
		Replace: `return patternMore == subjectMore || string(patternRest) == ">"`,
		Notice:  "a.> wants a",
	},
	{
		Name: "full-wildcard-inside", File: "reference/wire/subject.go", Oracle: Matching, Targets: []string{"Subjects"},
		Find:    `if len(token) == 0 || more && isFullWildcard(token) {`,
		Replace: `if len(token) == 0 {`,
		Notice:  "a.>.b is accepted as a subject",
	},
	{
		Name: "member-case", File: "reference/wire/body.go", Oracle: Circle, Targets: []string{"Info", "Connect"},
		Find:    `if strings.EqualFold(name, known) {`,
		Replace: `if name == known {`,
		Notice:  "a member in another case is known and unknown at once, and passed on twice",
	},
	{
		Name: "one-separator-too-many", File: "reference/wire/whole.go", Oracle: Crash, Targets: []string{"Parse", "Split"},
		Find:    `if at == lo || n == maxFields {`,
		Replace: `if at == lo || n > maxFields {`,
		Notice:  "a line with a dozen queues writes behind the table of separators",
	},
	{
		Name: "error-forgotten", File: "reference/wire/parser.go", Oracle: Grammar, Targets: []string{"Parse", "Split"},
		Find:    `p.err, p.phase = err, phaseFailed`,
		Replace: `p.phase = phaseName`,
		Notice:  "after a line that is refused the parser goes on with the next one",
	},
	{
		Name: "rest-without-name", File: "reference/wire/parser.go", Oracle: Circle, Targets: []string{"Parse"},
		Find:    `rest = append(bytes.Clone(p.text), rest...)`,
		Replace: `rest = bytes.Clone(rest)`,
		Notice:  "at a switch to TLS or S2 the beginning of a name is lost that came in an earlier read",
	},
}
