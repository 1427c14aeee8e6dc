package spec

// registerImports: see the rows of chapter imports.
func registerImports(*Suite) {}
