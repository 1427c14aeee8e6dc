package spec

// registerSlow: see the rows of chapter slow.
func registerSlow(*Suite) {}
