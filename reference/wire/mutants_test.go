package wire_test

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
	mutantFigure = regexp.MustCompile(`(?m)^\| (killed|timed out|lived|not covered|all)\b[^|]*\| (\d+) \|$`)
	mutantRow    = regexp.MustCompile("(?m)^\\| `([a-z_]+\\.go)` `([A-Za-z.]+)` \\| [^|]{5,} \\| [^|]{20,} \\|$")
)

// What mutants.md says adds up: each mutant that was not killed has a row, each row a function that exists and a reason, and there are
// few of them.
func TestMutantsAreExplained(t *testing.T) {
	raw, err := os.ReadFile("mutants.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	figures := make(map[string]int)
	for _, m := range mutantFigure.FindAllStringSubmatch(text, -1) {
		figures[m[1]], _ = strconv.Atoi(m[2])
	}
	all := figures["all"]
	if sum := figures["killed"] + figures["timed out"] + figures["lived"] + figures["not covered"]; len(figures) != 5 || all == 0 || sum != all {
		t.Errorf("%v: they are not five, or do not add up", figures)
	}
	if 100*(figures["lived"]+figures["not covered"]) > 5*all {
		t.Errorf("%v: more than 5 %% were not killed", figures)
	}
	rows := mutantRow.FindAllStringSubmatch(text, -1)
	if want := figures["timed out"] + figures["lived"]; len(rows) != want || strings.Count(text, "\n| `") != want {
		t.Errorf("%d rows with a place, a mutation and a reason; %d were not killed", len(rows), want)
	}
	for _, row := range rows {
		if file, function := row[1], row[2]; !hasFunction(t, file, function) {
			t.Errorf("%s has no function %s", file, function)
		}
	}
}

// hasFunction says whether file declares function, which is a name, or a type and a method of it with a dot between them.
func hasFunction(t *testing.T, file, function string) bool {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
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
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	return of.(*ast.Ident).Name + "."
}
