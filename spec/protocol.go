package spec

import (
	_ "embed"
	"regexp"
	"strings"
)

// protocolText is PROTOCOL.md: the route protocol restated, each rule with the tag of its requirement.
//
//go:embed PROTOCOL.md
var protocolText string

// ProtocolFile is where protocolText is in the repository.
const ProtocolFile = "spec/PROTOCOL.md"

var (
	// ruleTag is a rule's tag, with or without level and releases; one in backticks is an example and no place.
	ruleTag      = regexp.MustCompile("(^|[^`])" + `\[(RT-[A-Z]+-\d{3})(?: [^\]]*)?\]`)
	chapterTitle = regexp.MustCompile(`^##+ (.*)`)
)

// Place is where PROTOCOL.md states a requirement.
type Place struct {
	File    string `json:"file"`    // ProtocolFile
	Line    int    `json:"line"`    // from 1
	Chapter string `json:"chapter"` // the heading above, with its number
}

// PlaceOf finds the requirement in PROTOCOL.md; false if it is not there.
func PlaceOf(requirement string) (Place, bool) {
	for _, p := range places(protocolText) {
		if p.requirement == requirement {
			return p.Place, true
		}
	}
	return Place{}, false
}

type tagged struct {
	Place
	requirement string
}

// places lists the tags of a text in the order of its lines.
func places(text string) []tagged {
	var out []tagged
	chapter, number := "", 0
	for line := range strings.Lines(text) {
		number++
		if title := chapterTitle.FindStringSubmatch(line); title != nil {
			chapter = title[1]
		}
		for _, tag := range ruleTag.FindAllStringSubmatch(line, -1) {
			out = append(out, tagged{Place{ProtocolFile, number, chapter}, tag[2]})
		}
	}
	return out
}
