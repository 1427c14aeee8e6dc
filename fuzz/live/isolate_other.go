//go:build !linux

package live

import "context"

// Isolated is false: this system has no network namespaces.
func Isolated() bool { return false }

// Isolate does nothing here: the loopback guard alone keeps targets from dialling other machines.
func Isolate(context.Context) (code int, done bool, err error) { return 0, false, nil }

// Enter does nothing here.
func Enter() {}
