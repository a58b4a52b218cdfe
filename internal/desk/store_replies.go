package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Purpose is what an answer kept ready is for.
type Purpose string

const (
	ToAsk    Purpose = "ask"
	ToRefuse Purpose = "refuse"
)

// Reply is an answer kept ready. {nom} and {école} in its body stand for the claimant and the school.
type Reply struct {
	ID            id.ID // zero for a built-in one
	AssociationID id.ID
	Purpose       Purpose
	Lang          string
	Title         string
	Body          string
	Version       int
}

// Fill puts names in the places kept for them.
func (r Reply) Fill(name, school string) string {
	return strings.NewReplacer("{nom}", name, "{école}", school, "{name}", name, "{school}", school).Replace(r.Body)
}

// builtIn are the answers that everybody has until an association words its own.
func (s *Store) builtIn(ctx context.Context, association id.ID) []Reply {
	var out []Reply
	for _, lang := range i18n.Langs() {
		in := s.bundle.With(ctx, lang)
		for _, p := range []Purpose{ToAsk, ToRefuse} {
			for n := 1; ; n++ {
				key := fmt.Sprintf("desk.reply.%s.%d", p, n)
				title := i18n.T(in, key+".title")
				if title == key+".title" {
					break
				}
				out = append(out, Reply{AssociationID: association, Purpose: p, Lang: lang, Title: title, Body: i18n.T(in, key+".body")})
			}
		}
	}
	return out
}

const replyColumns = `id, association_id, purpose, lang, title, body, version`

// Replies are an association's answers, or the built-in ones where it has none of its own; for its webmasters.
func (s *Store) Replies(ctx context.Context, v viewer.Viewer, association id.ID) ([]Reply, error) {
	if !v.HasAt(association, viewer.Webmaster) {
		return nil, errs.E("desk.Replies", errs.Forbidden, nil)
	}
	list, err := db.All[Reply](ctx, s.db, `SELECT `+replyColumns+` FROM desk_replies WHERE association_id IS NOT DISTINCT FROM ? ORDER BY lang DESC, purpose, title, id`, association)
	if err != nil {
		return nil, errs.Wrap("desk.Replies", err)
	}
	if len(list) == 0 {
		return s.builtIn(ctx, association), nil
	}
	return list, nil
}

// SaveReply adds or changes an answer. The first change of an association makes the built-in answers its own; that
// of a built-in one is told by its title.
func (s *Store) SaveReply(ctx context.Context, by viewer.Actor, r Reply, builtIn string) error {
	if err := s.checkReply(ctx, by, &r); err != nil {
		return err
	}
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.adoptReplies(ctx, r, builtIn); err != nil {
			return err
		}
		if err := s.recordReply(ctx, by, "desk.reply_saved", r); err != nil {
			return err
		}
		if r.ID.IsZero() {
			return s.insertReply(ctx, r)
		}
		n, err := s.db.Exec(ctx, `UPDATE desk_replies SET title = ?, body = ?, purpose = ?, lang = ?, version = version + 1, updated_at = ? WHERE id = ? AND association_id = ? AND version = ?`,
			r.Title, r.Body, string(r.Purpose), r.Lang, s.now(), r.ID, r.AssociationID, r.Version)
		if err == nil && n == 0 {
			return errs.New(errs.Conflict, "desk.reply_moved")
		}
		return err
	})
	return errs.Wrap("desk.SaveReply", err)
}

func (s *Store) checkReply(ctx context.Context, by viewer.Actor, r *Reply) error {
	school, err := s.schoolOf(ctx, r.AssociationID)
	if err != nil {
		return err
	}
	if school.ID.IsZero() || !by.HasAt(school.ID, viewer.Webmaster) {
		return errs.E("desk.SaveReply", errs.Forbidden, nil)
	}
	f := errs.Fields{}
	r.Title, r.Body = strings.TrimSpace(r.Title), strings.TrimSpace(r.Body)
	if r.Title == "" || len(r.Title) > people.MaxName {
		f.Add("title", "desk.need_title")
	}
	if r.Body == "" {
		f.Add("body", "desk.need_words")
	} else if len(r.Body) > people.MaxWords {
		f.Add("body", "people.claim.too_long")
	}
	if r.Purpose != ToAsk && r.Purpose != ToRefuse || !slices.Contains(i18n.Langs(), r.Lang) {
		f.Add("purpose", "desk.need_purpose")
	}
	return f.Err()
}

// adoptReplies copies the built-in answers, all but the one about to be written, into an association that has none.
func (s *Store) adoptReplies(ctx context.Context, r Reply, builtIn string) error {
	has, err := db.One[bool](ctx, s.db, `SELECT EXISTS (SELECT 1 FROM desk_replies WHERE association_id = ?)`, r.AssociationID)
	if err != nil || has {
		return err
	}
	for _, b := range s.builtIn(ctx, r.AssociationID) {
		if b.Title == builtIn && b.Lang == r.Lang && b.Purpose == r.Purpose {
			continue
		}
		if err := s.insertReply(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) insertReply(ctx context.Context, r Reply) error {
	_, err := s.db.Exec(ctx, `INSERT INTO desk_replies (`+replyColumns+`, updated_at) VALUES (`+db.In(8)+`)`,
		id.New(), r.AssociationID, string(r.Purpose), r.Lang, r.Title, r.Body, 1, s.now())
	return err
}

// RemoveReply takes an answer away; without any left the built-in ones come back.
func (s *Store) RemoveReply(ctx context.Context, by viewer.Actor, association, reply id.ID) error {
	if !by.HasAt(association, viewer.Webmaster) {
		return errs.E("desk.RemoveReply", errs.Forbidden, nil)
	}
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.db.ExecOne(ctx, `DELETE FROM desk_replies WHERE id = ? AND association_id = ?`, reply, association); err != nil {
			return err
		}
		return s.recordReply(ctx, by, "desk.reply_removed", Reply{ID: reply, AssociationID: association})
	})
	return errs.Wrap("desk.RemoveReply", err)
}

func (s *Store) recordReply(ctx context.Context, by viewer.Actor, action string, r Reply) error {
	return s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: action, Object: "reply:" + r.ID.String(), Association: r.AssociationID,
		Detail: map[string]any{"title": r.Title}})
}
