package overnight

import (
	"strconv"
	"strings"
)

// printable makes hostile text safe for a terminal, a log and a line of Markdown: ASCII without control characters.
func printable(s string) string {
	const most = 300
	if len(s) > most {
		s = s[:most] + "…"
	}
	q := strconv.QuoteToASCII(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// code is hostile text as a code span in a cell of a Markdown table: nothing in it ends the span or the cell.
func code(s string) string {
	s = strings.NewReplacer("`", "'", "|", "¦").Replace(printable(s))
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	return "`" + s + "`"
}
