package overnight

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// bucketLine is how a target names the bucket itself; see package fuzz.
var bucketLine = regexp.MustCompile(`(?m)\bbucket: ([a-z0-9][a-z0-9-]{0,99})\s*$`)

var (
	saidLine  = regexp.MustCompile(`(?m)^\s*(?:panic: (.+)|fatal error: (.+)|\S+_test\.go:\d+: (.+))$`)
	frameLine = regexp.MustCompile(`(?m)^\s*(github\.com/natsroute/natsroute/[^\s(]+(?:\(\*[A-Za-z]+\)\.[A-Za-z0-9]+)?)\(`)
	numbers   = regexp.MustCompile(`0x[0-9a-fA-F]+|[0-9]+`)
	quotes    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// bucketOf names what a target has said about an input: the name it gave, else a hash of the message, without what belongs to the
// input, and of the innermost functions of ours.
func bucketOf(report string) string {
	if m := bucketLine.FindStringSubmatch(report); m != nil {
		return m[1]
	}
	text := quotes.ReplaceAllString(titleOf(report), "q")
	text = numbers.ReplaceAllString(text, "n")
	for i, m := range frameLine.FindAllStringSubmatch(report, 3) {
		if i == 3 {
			break
		}
		text += " < " + m[1]
	}
	sum := sha256.Sum256([]byte(text))
	return "unnamed-" + hex.EncodeToString(sum[:])[:12]
}

// titleOf is the line of a report that says what is wrong.
func titleOf(report string) string {
	m := saidLine.FindStringSubmatch(report)
	if m == nil {
		first, _, _ := strings.Cut(strings.TrimSpace(report), "\n")
		return first
	}
	return strings.TrimSpace(m[1] + m[2] + m[3])
}
