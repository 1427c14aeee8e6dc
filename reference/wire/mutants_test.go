package wire_test

import (
	"testing"

	"github.com/natsroute/natsroute/reference/mutants"
)

func TestMutantsAreExplained(t *testing.T) { mutants.Explained(t) }
