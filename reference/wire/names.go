package wire

import "strings"

// A nameTable finds an operation by its name, byte by byte, so that a name may be cut anywhere and an impossible one is
// noticed at its first wrong byte. Row 0 is the start. An entry is 0 (no operation continues like this), the number of the
// next row, or nameEnd with the Kind whose name is complete.
type nameTable [64][256]uint8

const nameEnd = 0x80

// nameTables has one table for each set of operations: [Headers][Leaf].
var nameTables = [2][2]*nameTable{
	{newNameTable(false, false), newNameTable(false, true)},
	{newNameTable(true, false), newNameTable(true, true)},
}

func namesOf(d Dialect) *nameTable {
	headers, leaf := 0, 0
	if d.Headers {
		headers = 1
	}
	if d.Leaf {
		leaf = 1
	}
	return nameTables[headers][leaf]
}

func newNameTable(headers, leaf bool) *nameTable {
	t, rows := new(nameTable), uint8(1)
	for kind := Info; kind <= AccountUnsub; kind++ {
		switch kind {
		case HMsg:
			if !headers {
				continue
			}
		case LeafSub, LeafUnsub, LeafMsg:
			if !leaf {
				continue
			}
		}
		// Names are upper case in Kind.String; [doc] makes every letter case-insensitive.
		name, row := kind.String(), uint8(0)
		lower := strings.ToLower(name)
		for i := range len(name) {
			to := t[row][name[i]]
			if i == len(name)-1 {
				to = nameEnd | uint8(kind)
			} else if to == 0 {
				to, rows = rows, rows+1
			}
			t[row][name[i]], t[row][lower[i]] = to, to
			row = to
		}
	}
	return t
}
