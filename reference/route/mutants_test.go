package route

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

// TestMutantsAreExplained holds mutants.md to the package: its figures add up, who was not killed by a failing test has a row with a reason,
// and each row names a function that is there.
func TestMutantsAreExplained(t *testing.T) {
	text, err := os.ReadFile("mutants.md")
	if err != nil {
		t.Fatal(err)
	}
	count := func(name string) int {
		m := regexp.MustCompile(`(?m)^\| ` + name + `\b[^|]*\| (\d+) \|$`).FindSubmatch(text)
		if m == nil {
			t.Fatalf("no figure for %q", name)
		}
		n, _ := strconv.Atoi(string(m[1]))
		return n
	}
	killed, timedOut, lived, notCovered, all := count("killed"), count("timed out"), count("lived"), count("not covered"), count("all")
	if killed+timedOut+lived+notCovered != all || 100*(lived+notCovered) > 5*all {
		t.Errorf("%d + %d + %d + %d mutants of %d", killed, timedOut, lived, notCovered, all)
	}
	there := functions(t)
	rows := regexp.MustCompile("(?m)^\\| `(.+?)` `(.+?)` \\| .{5,} \\| .{20,} \\|$").FindAllStringSubmatch(string(text), -1)
	for _, row := range rows {
		if !there[row[1]+" "+row[2]] {
			t.Errorf("%s has no function %s", row[1], row[2])
		}
	}
	if len(rows) != timedOut+lived {
		t.Errorf("%d rows, want one for each of the %d that were not killed", len(rows), timedOut+lived)
	}
}

// functions are those of the package, with their file and type: "node.go Node.Step".
func functions(t *testing.T) map[string]bool {
	there := make(map[string]bool)
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := fn.Name.Name
			if fn.Recv != nil {
				ast.Inspect(fn.Recv.List[0].Type, func(n ast.Node) bool {
					if of, ok := n.(*ast.Ident); ok {
						name = of.Name + "." + name
					}
					return true
				})
			}
			there[f.Name()+" "+name] = true
		}
	}
	return there
}
