package overnight

import (
	"context"
	"os/exec"
	"time"
)

// command is a child that ends with ctx: asked first, killed with its children when it has not ended some seconds later.
func command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	ownGroup(cmd)
	cmd.Cancel = func() error { return askToEnd(cmd) }
	cmd.WaitDelay = grace
	return cmd
}

// grace is how long a child may take to end.
const grace = 10 * time.Second
