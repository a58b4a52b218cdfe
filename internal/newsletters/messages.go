package newsletters

import "embed"

// Messages are the package's texts, those of its parts included.
//
//go:embed messages.*.toml
var Messages embed.FS
