package spec

// registerPermissions: see the rows of chapter permissions.
func registerPermissions(*Suite) {}
