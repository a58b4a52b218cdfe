package submission

import "embed"

// Messages are the texts of this package.
//
//go:embed messages.*.toml
var Messages embed.FS
