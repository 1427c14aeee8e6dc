// Package mutants is for tests: it holds what a package's mutants.md says of mutation testing to the package.
package mutants

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	figure = regexp.MustCompile(`(?m)^\| (killed|timed out|lived|not covered|all)\b[^|]*\| (\d+) \|$`)
	row    = regexp.MustCompile("(?m)^\\| `([a-z_]+\\.go)` `([A-Za-z.]+)` \\| [^|]{5,} \\| [^|]{20,} \\|$")
)

// Explained fails the test where mutants.md in the test's folder does not add up: each mutant that was not killed has a row, each row a function
// that the package has, and a reason, and there are few of them.
func Explained(t *testing.T) {
	t.Helper()
	raw, err := os.ReadFile("mutants.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	figures := make(map[string]int)
	for _, m := range figure.FindAllStringSubmatch(text, -1) {
		figures[m[1]], _ = strconv.Atoi(m[2])
	}
	all := figures["all"]
	if sum := figures["killed"] + figures["timed out"] + figures["lived"] + figures["not covered"]; len(figures) != 5 || all == 0 || sum != all {
		t.Errorf("%v: they are not five, or do not add up", figures)
	}
	if 100*(figures["lived"]+figures["not covered"]) > 5*all {
		t.Errorf("%v: more than 5 %% were not killed", figures)
	}
	rows := row.FindAllStringSubmatch(text, -1)
	if want := figures["timed out"] + figures["lived"]; len(rows) != want || strings.Count(text, "\n| `") != want {
		t.Errorf("%d rows with a place, a mutation and a reason; %d were not killed", len(rows), want)
	}
	for _, r := range rows {
		if file, function := r[1], r[2]; !hasFunction(t, file, function) {
			t.Errorf("%s has no function %s", file, function)
		}
	}
}

// hasFunction says whether file declares function, which is a name, or a type and a method of it with a dot between them.
func hasFunction(t *testing.T, file, function string) bool {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range parsed.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && function == receiver(f)+f.Name.Name {
			return true
		}
	}
	return false
}

// receiver is the type of a method and a dot, nothing for a function.
func receiver(f *ast.FuncDecl) (name string) {
	if f.Recv == nil {
		return ""
	}
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		if of, ok := n.(*ast.Ident); ok && name == "" {
			name = of.Name + "."
		}
		return true
	})
	return name
}
