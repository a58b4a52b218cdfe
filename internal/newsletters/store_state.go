package newsletters

import (
	"context"
	"slices"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/newsletters/compose"
	"amicale/internal/viewer"
)

// move carries a campaign from one state to another, with a line in the trail; more is what else happens.
func (s *Store) move(ctx context.Context, by viewer.Actor, campaign id.ID, st step, more func(ctx context.Context, c Campaign) error) error {
	err := s.DB.Tx(ctx, func(ctx context.Context) error {
		c, err := s.ByID(ctx, by.Viewer, campaign)
		if err != nil {
			return err
		}
		if !slices.Contains(st.from, c.State) {
			return errs.New(errs.Conflict, "newsletters.moved")
		}
		n, err := s.DB.Exec(ctx, `UPDATE campaigns SET state = ?, reason = '', version = version + 1, updated_at = ? WHERE id = ? AND state = ?`,
			string(st.to), s.Now(), campaign, string(c.State))
		if err == nil && n == 0 {
			err = errs.New(errs.Conflict, "newsletters.moved") // another process was quicker
		}
		if err == nil && more != nil {
			err = more(ctx, c)
		}
		if err != nil {
			return err
		}
		return s.record(ctx, by, st.action, c, nil)
	})
	s.forget(campaign)
	return errs.Wrap("newsletters "+st.action, err)
}

// farthest bounds how far ahead a letter can be planned: what is said in a year is not true in three.
const farthest = 366 * 24 * time.Hour

// Schedule plans when a letter leaves, once nothing stops it.
func (s *Store) Schedule(ctx context.Context, by viewer.Actor, campaign id.ID, at time.Time) error {
	if now := s.Now(); !at.After(now) || at.After(now.Add(farthest)) {
		f := errs.Fields{}
		f.Add("at", "newsletters.need_time")
		return f.Err()
	}
	return s.move(ctx, by, campaign, schedule, func(ctx context.Context, c Campaign) error {
		if err := s.sendable(ctx, c); err != nil {
			return err
		}
		_, err := s.DB.Exec(ctx, `UPDATE campaigns SET scheduled_at = ? WHERE id = ?`, at, campaign)
		return err
	})
}

// Unschedule makes a planned letter a draft again.
func (s *Store) Unschedule(ctx context.Context, by viewer.Actor, campaign id.ID) error {
	return s.move(ctx, by, campaign, unschedule, func(ctx context.Context, _ Campaign) error {
		_, err := s.DB.Exec(ctx, `UPDATE campaigns SET scheduled_at = NULL WHERE id = ?`, campaign)
		return err
	})
}

// Start lets a letter leave now. expected is the number of recipients that the author saw and confirmed; when the segment
// has another one by now, nothing leaves and the error says so.
func (s *Store) Start(ctx context.Context, by viewer.Actor, campaign id.ID, expected int) error {
	c, err := s.ByID(ctx, by.Viewer, campaign)
	if err != nil {
		return err
	}
	n, err := s.Segments.Count(ctx, by.Viewer, c.Ask())
	if err != nil {
		return err
	}
	f := errs.Fields{}
	switch {
	case n.Reached == 0:
		f.Add("count", "newsletters.nobody")
	case n.Reached != expected:
		f.Add("count", "newsletters.other_number", map[string]any{"Count": n.Reached})
	}
	if err := f.Err(); err != nil {
		return err
	}
	return s.move(ctx, by, campaign, start, s.begin)
}

// begin freezes what leaves, and has the recipients made.
func (s *Store) begin(ctx context.Context, c Campaign) error {
	if err := s.sendable(ctx, c); err != nil {
		return err
	}
	if err := s.freezeLinks(ctx, c); err != nil {
		return err
	}
	now := s.Now()
	if _, err := s.DB.Exec(ctx, `UPDATE campaigns SET started_at = ?, resumed_at = ? WHERE id = ?`, now, now, c.ID); err != nil {
		return err
	}
	return s.Queue.Add(ctx, makeJob, made{c.ID}, jobs.Options{UniqueKey: c.ID.String()})
}

// sendable refuses a letter that something stops.
func (s *Store) sendable(ctx context.Context, c Campaign) error {
	findings, err := s.Findings(ctx, c)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(findings, func(f Found) bool { return f.Stops }) {
		return errs.Msg("newsletters.not_ready")
	}
	e, err := s.Segments.Env(ctx, c.SenderID)
	if err != nil {
		return err
	}
	return s.Segments.Criteria(c.SenderID).Check(e, c.Segment)
}

// Pause keeps back what has not left yet.
func (s *Store) Pause(ctx context.Context, by viewer.Actor, campaign id.ID) error {
	return s.move(ctx, by, campaign, pause, nil)
}

// Resume lets the rest leave.
func (s *Store) Resume(ctx context.Context, by viewer.Actor, campaign id.ID) error {
	return s.move(ctx, by, campaign, resume, func(ctx context.Context, c Campaign) error {
		s.DB.AfterCommit(ctx, s.Post.Wake)
		if _, err := s.DB.Exec(ctx, `UPDATE campaigns SET resumed_at = ? WHERE id = ?`, s.Now(), campaign); err != nil {
			return err
		}
		if c.MadeAt.IsZero() {
			return s.Queue.Add(ctx, makeJob, made{campaign}, jobs.Options{UniqueKey: campaign.String()})
		}
		return s.finish(ctx, campaign)
	})
}

// Stop ends a campaign for good.
func (s *Store) Stop(ctx context.Context, by viewer.Actor, campaign id.ID) error {
	return s.move(ctx, by, campaign, stop, func(ctx context.Context, _ Campaign) error {
		_, err := s.DB.Exec(ctx, `UPDATE campaigns SET finished_at = ? WHERE id = ?`, s.Now(), campaign)
		return err
	})
}

// finish notes that nothing is left to do, if so.
func (s *Store) finish(ctx context.Context, campaign id.ID) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE campaigns SET state = 'sent', finished_at = ?, version = version + 1
		WHERE id = ? AND state = 'sending' AND made_at IS NOT NULL AND sent + failed + skipped >= recipients`, s.Now(), campaign)
	return err
}

// startDue starts the planned letters whose time has come.
func (s *Store) startDue(ctx context.Context) error {
	due, err := db.All[id.ID](ctx, s.DB, `SELECT id FROM campaigns WHERE state = 'scheduled' AND scheduled_at <= ? ORDER BY scheduled_at, id`, s.Now())
	if err != nil {
		return errs.Wrap("newsletters.startDue", err)
	}
	clock := viewer.Actor{Viewer: viewer.ForSystem("newsletters"), Name: "–"}
	for _, campaign := range due {
		err := s.move(ctx, clock, campaign, start, s.begin)
		if errs.KindOf(err) == errs.Invalid && err != nil { // what it needs is gone since: its author must look
			s.Log.WarnContext(ctx, "a planned letter cannot leave", "campaign", campaign.String(), "error", err)
			err = s.giveBack(ctx, clock, campaign)
		}
		if err != nil && errs.KindOf(err) != errs.Conflict {
			return err
		}
	}
	return nil
}

// giveBack makes a planned letter that cannot leave a draft again, and tells.
func (s *Store) giveBack(ctx context.Context, by viewer.Actor, campaign id.ID) error {
	return s.move(ctx, by, campaign, unschedule, func(ctx context.Context, _ Campaign) error {
		if _, err := s.DB.Exec(ctx, `UPDATE campaigns SET scheduled_at = NULL WHERE id = ?`, campaign); err != nil {
			return err
		}
		return s.alarm(ctx, campaign, "stuck")
	})
}

// Found is something noticed in a letter, and in which version.
type Found struct {
	compose.Finding
	Lang string // "" when it is about the whole
}

// Findings are what is noticed in a campaign, what stops it first.
func (s *Store) Findings(ctx context.Context, c Campaign) ([]Found, error) {
	var out []Found
	langs := c.Langs()
	if len(langs) == 0 {
		return []Found{{Finding: compose.Finding{Key: "newsletters.check.nothing_written", Stops: true}}}, nil
	}
	sender, err := s.sender(ctx, c.SenderID)
	if err != nil {
		return nil, err
	}
	for _, lang := range langs {
		t, err := s.template(ctx, c, lang, nil)
		if fields := errs.FieldsOf(err); fields != nil {
			for _, m := range fields {
				out = append(out, Found{compose.Finding{Key: m.Key, Data: m.Data, Stops: true}, lang})
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, f := range t.Findings(c.Versions[lang]) {
			out = append(out, Found{f, lang})
		}
	}
	if !slices.Contains(langs, "en") {
		out = append(out, Found{Finding: compose.Finding{Key: "newsletters.check.no_english"}})
	}
	if !slices.Contains(langs, "fr") {
		out = append(out, Found{Finding: compose.Finding{Key: "newsletters.check.no_french"}})
	}
	if sender.Accent != "" && compose.PaleAccent(sender.Accent) {
		out = append(out, Found{Finding: compose.Finding{Key: "newsletters.check.pale_accent"}})
	}
	slices.SortStableFunc(out, func(a, b Found) int {
		if a.Stops == b.Stops {
			return 0
		}
		if a.Stops {
			return -1
		}
		return 1
	})
	return out, nil
}
