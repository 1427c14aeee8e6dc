package overnight

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Natives returns every fuzz target of a test binary. Their seeds, if seeds names a folder, are in seeds/NAME in lower case.
func Natives(ctx context.Context, binary, root, seeds string) ([]Target, error) {
	list := exec.CommandContext(ctx, binary, "-test.list=^Fuzz")
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("%s does not list its fuzz targets: %w", binary, err)
	}
	var all []Target
	for line := range strings.Lines(string(out)) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "Fuzz")
		if !ok || name == "Empty" { // the floor of a benchmark
			continue
		}
		n := &Native{Binary: binary, Fuzz: "Fuzz" + name, Root: root}
		if seeds != "" {
			n.Seeds = seeds + "/" + strings.ToLower(name)
		}
		all = append(all, n)
	}
	if len(all) == 0 {
		return nil, errors.New(binary + " has no fuzz target: build it with go test -c -fuzz=. ./fuzz")
	}
	return all, nil
}
