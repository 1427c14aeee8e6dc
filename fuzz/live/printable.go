package live

import "github.com/natsroute/natsroute/harness"

// printable is hostile text for people.
func printable(s string) string { return harness.Printable(s) }
