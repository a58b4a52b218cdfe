package domains

import (
	"context"
	"errors"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
)

// keep remembers what was found, in place of what was found before.
func (s *Store) keep(ctx context.Context, r Report) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO mail_checks (domain, at, findings) VALUES (?, ?, ?)
		ON CONFLICT (domain) DO UPDATE SET at = excluded.at, findings = excluded.findings`, r.Domain, r.At, db.ToJSON(r.Findings))
	return errs.Wrap("domains.keep "+r.Domain, err)
}

// LastReport is what the DNS said of a domain when it was last asked; NotFound when it never was.
func (s *Store) LastReport(ctx context.Context, domain string) (Report, error) {
	type row struct {
		At       time.Time
		Findings db.JSON[[]Finding]
	}
	r, err := db.One[row](ctx, s.db, `SELECT at, findings FROM mail_checks WHERE domain = ?`, lower(domain))
	if errors.Is(err, errs.NotFound) {
		return Report{Domain: domain}, errs.E("domains.LastReport "+domain, errs.NotFound, nil)
	}
	return Report{Domain: domain, At: r.At, Findings: r.Findings.V}, errs.Wrap("domains.LastReport "+domain, err)
}
