package fault

// Unbreakable says why no fault of a route connection can break a row; empty: one can.
func Unbreakable(requirement string) string { return unbreakable[requirement] }

// unbreakable has no row at present: those that no fault is for are broken by faults of others.
var unbreakable = map[string]string{}
