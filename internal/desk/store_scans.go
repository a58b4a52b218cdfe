package desk

import (
	"context"
	"io"
	"strings"
	"time"

	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/viewer"
)

const (
	scanPrefix = "scans/"
	scanTTL    = 90 * day  // of a case that nobody decides
	answerTTL  = 30 * day  // how long a claimant may take to answer
	claimTTL   = 365 * day // of what was claimed, once it is decided
)

const forgetScanJob = "desk.forget_scan"

// Scan opens the diploma of a case for the staff who see the case, and leaves a line in the trail. The caller
// closes.
func (s *Store) Scan(ctx context.Context, by viewer.Actor, caseID id.ID) (Case, io.ReadCloser, error) {
	c, err := s.Case(ctx, by.Viewer, caseID)
	if err != nil {
		return Case{}, nil, err
	}
	if c.ScanKey == "" {
		return Case{}, nil, errs.E("desk.Scan "+caseID.String(), errs.NotFound, nil)
	}
	file, _, err := s.files.Open(ctx, c.ScanKey)
	if err != nil {
		return Case{}, nil, err
	}
	if err := s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: "case.viewed_scan", Person: c.PersonID, Object: object(c.ID),
		Association: c.AssociationID, Coalesced: true}); err != nil {
		file.Close()
		return Case{}, nil, err
	}
	return c, file, nil
}

// dropScan forgets the diploma: the row at once, the file as soon as the transaction stands.
func (s *Store) dropScan(ctx context.Context, c *Case) error {
	if c.ScanKey == "" {
		return nil
	}
	if err := s.queue.Add(ctx, forgetScanJob, forgetScan{c.ScanKey}, jobs.Options{}); err != nil {
		return err
	}
	c.ScanKey = ""
	return s.db.ExecOne(ctx, `UPDATE cases SET scan_key = '', scan_name = '', scan_type = '' WHERE id = ?`, c.ID)
}

type forgetScan struct {
	Key string `json:"key"`
}

func (s *Store) forgetScan(ctx context.Context, f forgetScan) error {
	if !strings.HasPrefix(f.Key, scanPrefix) {
		return jobs.Permanent(errs.E("desk.forgetScan", errs.Invalid, nil))
	}
	return s.files.Delete(ctx, f.Key)
}

// sweep forgets what was kept long enough: diplomas that nobody decides on, questions that nobody answers, old
// claims, and files that no case knows.
func (s *Store) sweep(ctx context.Context) error {
	if err := s.sweepScans(ctx); err != nil {
		return errs.Wrap("desk.sweep", err)
	}
	if err := s.sweepQuestions(ctx); err != nil {
		return errs.Wrap("desk.sweep", err)
	}
	old := s.now().Add(-claimTTL)
	if _, err := s.db.Exec(ctx, `DELETE FROM cases WHERE state = 'closed' AND kind IN ('activation', 'addition', 'not_me') AND closed_at < ?`, old); err != nil {
		return errs.Wrap("desk.sweep", err)
	}
	return errs.Wrap("desk.sweep", s.sweepFiles(ctx))
}

func (s *Store) sweepScans(ctx context.Context) error {
	old, err := db.All[caseRow](ctx, s.db, `SELECT `+caseColumns+` FROM cases WHERE scan_key <> '' AND opened_at < ? ORDER BY opened_at LIMIT 500`, s.now().Add(-scanTTL))
	if err != nil {
		return err
	}
	return s.eachInTx(ctx, old, func(ctx context.Context, c *Case) error {
		if err := s.dropScan(ctx, c); err != nil {
			return err
		}
		return s.trail.Record(ctx, audit.Entry{Actor: robot(), Action: "case.scan_forgotten", Person: c.PersonID, Object: object(c.ID), Association: c.AssociationID})
	})
}

func (s *Store) sweepQuestions(ctx context.Context) error {
	old, err := db.All[caseRow](ctx, s.db, `SELECT `+caseColumns+` FROM cases WHERE state = 'asked' AND waiting_since < ? ORDER BY waiting_since LIMIT 500`, s.now().Add(-answerTTL))
	if err != nil {
		return err
	}
	return s.eachInTx(ctx, old, func(ctx context.Context, c *Case) error {
		if err := s.close(ctx, viewer.Actor{Viewer: robot()}, c, Forgotten); err != nil {
			return err
		}
		return s.trail.Record(ctx, audit.Entry{Actor: robot(), Action: "case.forgotten", Person: c.PersonID, Object: object(c.ID), Association: c.AssociationID})
	})
}

// eachInTx does one case a transaction, after making sure that nobody changed it meanwhile.
func (s *Store) eachInTx(ctx context.Context, rows []caseRow, fn func(ctx context.Context, c *Case) error) error {
	for _, r := range rows {
		c := r.toCase()
		err := s.db.Tx(ctx, func(ctx context.Context) error {
			n, err := s.db.Exec(ctx, `UPDATE cases SET version = version + 1, updated_at = ? WHERE id = ? AND version = ?`, s.now(), c.ID, c.Version)
			if err != nil || n == 0 {
				return err
			}
			return fn(ctx, &c)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepFiles deletes diplomas that no case knows. A file is given an hour to find its row.
func (s *Store) sweepFiles(ctx context.Context) error {
	return blob.Sweep(ctx, s.files, scanPrefix, s.now().Add(-time.Hour), func(ctx context.Context, key string) (bool, error) {
		return db.One[bool](ctx, s.db, `SELECT EXISTS (SELECT 1 FROM cases WHERE scan_key = ?)`, key)
	})
}
