package bounces

import (
	"context"
	"strings"

	"amicale/internal/i18n"
)

// destinationName is a destination as people read it: of reports, the domain they are about.
func destinationName(ctx context.Context, destination string) string {
	switch domain, reported := strings.CutPrefix(destination, "@"); {
	case reported:
		return i18n.T(ctx, "bounces.reported_by", i18n.Data{"Domain": domain})
	case destination == "":
		return i18n.T(ctx, "bounces.nowhere")
	}
	return destination
}
