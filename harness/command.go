package harness

import (
	"cmp"
	"fmt"
	"strings"
	"text/template"
)

// CommandError says what is wrong with a command, before anything was started.
type CommandError struct {
	Command string
	Reason  string
	Flag    string // that the command was given with; empty: --launch
}

func (e *CommandError) Error() string {
	return cmp.Or(e.Flag, "--launch") + " " + Printable(e.Command) + ": " + e.Reason
}

// commandFields are what a launch command may name.
type commandFields struct {
	Host        string
	ClientPort  int
	RoutePort   int
	MonitorPort int
	Routes      string // route URLs, separated by commas
	User        string
	Password    string
	ConfigFile  string
}

const fieldNames = ".Host .ClientPort .RoutePort .MonitorPort .Routes .User .Password .ConfigFile"

// splitWords cuts a command into words as a shell does, with single and double quotes and backslashes, but without
// expanding anything. What stands in {{ }} stays together.
func splitWords(command string) ([]string, error) {
	var words []string
	var word strings.Builder
	started := false
	for i := 0; i < len(command); i++ {
		c := command[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n':
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
			continue
		case c == '\'' || c == '"':
			n, err := quoted(&word, command[i:])
			if err != nil {
				return nil, err
			}
			i += n - 1
		case c == '\\' && i+1 < len(command):
			i++
			word.WriteByte(command[i])
		case strings.HasPrefix(command[i:], "{{"):
			n := strings.Index(command[i:], "}}")
			if n < 0 {
				return nil, fmt.Errorf("{{ at offset %d is never closed", i)
			}
			word.WriteString(command[i : i+n+2])
			i += n + 1
		default:
			word.WriteByte(c)
		}
		started = true
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

// quoted writes what stands in the quotes that s begins with, and returns their length. Within double quotes a backslash
// takes the special meaning from a quote and from itself.
func quoted(word *strings.Builder, s string) (int, error) {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return i + 1, nil
		case quote == '"' && s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		word.WriteByte(s[i])
	}
	return 0, fmt.Errorf("a %c is never closed", quote)
}

// expand fills the fields into each word.
func expand(words []string, fields commandFields) ([]string, error) {
	argv := make([]string, len(words))
	for i, w := range words {
		t, err := template.New("word").Parse(w)
		if err != nil {
			return nil, fmt.Errorf("%s is no template: %w", Printable(w), err)
		}
		var b strings.Builder
		if err := t.Execute(&b, fields); err != nil {
			return nil, fmt.Errorf("%s names no known field; there are %s", Printable(w), fieldNames)
		}
		argv[i] = b.String()
	}
	return argv, nil
}

// names tells whether one of the words uses the field.
func names(words []string, field string) bool {
	for _, w := range words {
		if strings.Contains(w, "."+field) && strings.Contains(w, "{{") {
			return true
		}
	}
	return false
}

// ShellWord writes a word for a POSIX shell, in quotes where it needs them.
func ShellWord(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
