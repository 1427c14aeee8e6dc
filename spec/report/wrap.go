package report

import "strings"

// Hang breaks a line at a terminal's width, in characters, so that what follows its first part stands indented under
// it. A width of 0 or less is unknown: the line stays whole.
func Hang(line string, width, indent int) string {
	if width <= 0 {
		return line
	}
	parts := wrap(line, width)
	if len(parts) == 1 {
		return line
	}
	rest := strings.TrimLeft(strings.TrimPrefix(line, parts[0]), " ")
	blank := "\n" + strings.Repeat(" ", indent)
	return parts[0] + blank + strings.Join(wrap(rest, max(width-indent, minimum)), blank)
}

// minimum is the width of a column of text that can still be read.
const minimum = 20

// wrap breaks a line into parts of at most width characters, at a blank where one stands in the second half of a part.
// Blanks at a break are dropped.
func wrap(line string, width int) []string {
	var parts []string
	rest := []rune(line)
	for len(rest) > width {
		cut := width
		for i := width; i > width/2; i-- {
			if rest[i] == ' ' {
				cut = i
				break
			}
		}
		parts = append(parts, strings.TrimRight(string(rest[:cut]), " "))
		rest = []rune(strings.TrimLeft(string(rest[cut:]), " "))
	}
	return append(parts, string(rest))
}
