package ambassadors

import "embed"

// Messages are the package's texts.
//
//go:embed messages.*.toml
var Messages embed.FS
