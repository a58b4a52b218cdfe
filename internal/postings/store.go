package postings

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Deps is what the store is made of.
type Deps struct {
	DB     *db.DB
	People *people.Store
	Queue  *jobs.Queue
	Trail  *audit.Trail
	Post   *outbox.Outbox
	Files  blob.Store
	Bundle *i18n.Bundle
	Origin string // the canonical address, without a slash at its end
	Now    clock.Clock
}

// Store keeps drafts.
type Store struct {
	db     *db.DB
	people *people.Store
	queue  *jobs.Queue
	trail  *audit.Trail
	post   *outbox.Outbox
	files  blob.Store
	bundle *i18n.Bundle
	origin string
	now    clock.Clock
}

// NewStore makes the store.
func NewStore(d Deps) *Store {
	return &Store{db: d.DB, people: d.People, queue: d.Queue, trail: d.Trail, post: d.Post, files: d.Files, bundle: d.Bundle, origin: d.Origin, now: d.Now}
}

// object is how the trail names a draft.
func object(draft id.ID) string { return "posting:" + draft.String() }

// draftColumns are those of lists; the text is read for one at a time.
const draftColumns = `id, association_id, sender, sender_name, authenticated, subject, message_key, lang, title, title_guessed, company, company_guessed, files,
	state, note, decided_by, decided_at, version, received_at, read_at, updated_at`

// Filter is which drafts a list shows.
type Filter struct {
	State       State
	Association id.ID // zero: of all that the viewer sees
}

// List are drafts that the viewer sees, without their texts, those to be decided the longest waiting first, others the
// latest first; and how many there are in all.
func (s *Store) List(ctx context.Context, v viewer.Viewer, f Filter, limit, offset int) ([]Draft, int, error) {
	where, args, err := s.visible(v, f)
	if err != nil {
		return nil, 0, err
	}
	total, err := db.One[int](ctx, s.db, `SELECT count(*) FROM posting_drafts WHERE `+where, args...)
	if err != nil {
		return nil, 0, errs.Wrap("postings.List", err)
	}
	order := ` ORDER BY received_at DESC, id DESC`
	if f.State == New {
		order = ` ORDER BY received_at, id`
	}
	list, err := db.All[Draft](ctx, s.db, `SELECT `+draftColumns+` FROM posting_drafts WHERE `+where+order+` LIMIT ? OFFSET ?`, append(args, limit, offset)...)
	return list, total, errs.Wrap("postings.List", err)
}

// visible is the condition for what the viewer sees of a filter.
func (s *Store) visible(v viewer.Viewer, f Filter) (where string, args []any, err error) {
	own, all := v.Associations(Roles()...)
	if !all && len(own) == 0 || !f.Association.IsZero() && !v.HasAt(f.Association, Roles()...) {
		return "", nil, errs.E("postings.List", errs.Forbidden, nil)
	}
	where, args = `state = ?`, []any{string(f.State)}
	switch {
	case !f.Association.IsZero():
		where, args = where+` AND association_id = ?`, append(args, f.Association)
	case !all:
		where, args = where+` AND association_id IN (`+db.In(len(own))+`)`, append(args, db.Args(own)...)
	}
	return where, args, nil
}

// CountNew is how many drafts wait for the viewer.
func (s *Store) CountNew(ctx context.Context, v viewer.Viewer) (int, error) {
	where, args, err := s.visible(v, Filter{State: New})
	if err != nil {
		return 0, err
	}
	n, err := db.One[int](ctx, s.db, `SELECT count(*) FROM posting_drafts WHERE `+where, args...)
	return n, errs.Wrap("postings.CountNew", err)
}

// Show is one draft with its files, for the staff of its association; NotFound for others.
func (s *Store) Show(ctx context.Context, v viewer.Viewer, draft id.ID) (Draft, []File, error) {
	d, err := s.draft(ctx, v, draft)
	if err != nil {
		return Draft{}, nil, errs.Wrap("postings.Show "+draft.String(), err)
	}
	files, err := s.filesOf(ctx, draft)
	return d, files, errs.Wrap("postings.Show "+draft.String(), err)
}

func (s *Store) draft(ctx context.Context, v viewer.Viewer, draft id.ID) (Draft, error) {
	d, err := db.One[Draft](ctx, s.db, `SELECT `+draftColumns+`, body FROM posting_drafts WHERE id = ?`, draft)
	if err == nil && v.Kind != viewer.System && !v.HasAt(d.AssociationID, Roles()...) {
		err = errs.NotFound
	}
	return d, err
}

// change runs fn on a draft as the actor saw it, in one transaction with its line in the trail.
func (s *Store) change(ctx context.Context, by viewer.Actor, at At, action string, fn func(ctx context.Context, d Draft) error) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		n, err := s.db.Exec(ctx, `UPDATE posting_drafts SET version = version + 1, updated_at = ? WHERE id = ? AND version = ?`, s.now(), at.Draft, at.Version)
		if err != nil {
			return err
		}
		d, err := s.draft(ctx, by.Viewer, at.Draft)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.Conflict, "postings.moved")
		}
		if err := fn(ctx, d); err != nil {
			return err
		}
		return s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: action, Object: object(d.ID), Association: d.AssociationID,
			Detail: map[string]any{"title": d.Heading()}})
	})
	return errs.Wrap("postings.change "+action, err)
}

// Edit changes a draft's words; what somebody looked at is no guess any more.
func (s *Store) Edit(ctx context.Context, by viewer.Actor, at At, w Words) error {
	if err := w.check(); err != nil {
		return err
	}
	return s.change(ctx, by, at, "posting.edited", func(ctx context.Context, d Draft) error {
		return s.db.ExecOne(ctx, `UPDATE posting_drafts SET title = ?, title_guessed = FALSE, company = ?, company_guessed = FALSE, body = ? WHERE id = ?`,
			w.Title, w.Company, w.Body, d.ID)
	})
}

// Decide keeps or refuses a draft, and writes to the sender where that is asked for and he is proven.
func (s *Store) Decide(ctx context.Context, by viewer.Actor, at At, x Decision) error {
	action, state := "posting.refused", Refused
	if x.Keep {
		action, state = "posting.kept", Kept
	}
	return s.change(ctx, by, at, action, func(ctx context.Context, d Draft) error {
		if d.State != New {
			return errs.New(errs.Conflict, "postings.moved")
		}
		reply, err := s.checkDecision(ctx, d, &x)
		if err != nil {
			return err
		}
		if err := s.db.ExecOne(ctx, `UPDATE posting_drafts SET state = ?, note = ?, decided_by = ?, decided_at = ? WHERE id = ?`,
			string(state), x.Note, by.Name, s.now(), d.ID); err != nil || reply.Body+x.Words == "" {
			return err
		}
		return s.sendReply(ctx, d, reply, x.Words)
	})
}

// checkDecision says what is wrong with a decision, and finds its letter. Whoever refuses says why, at least by the
// letter he chose.
func (s *Store) checkDecision(ctx context.Context, d Draft, x *Decision) (Reply, error) {
	f := errs.Fields{}
	reply, ok := s.reply(ctx, d, *x)
	if !ok {
		f.Add("reply", "postings.need_reply")
	}
	if x.Words = strings.TrimSpace(x.Words); utf8.RuneCountInString(x.Words) > people.MaxWords {
		f.Add("words", "postings.too_long", map[string]any{"Most": people.MaxWords})
	}
	if x.Note = strings.TrimSpace(x.Note); x.Note == "" {
		x.Note = reply.Title
	}
	switch {
	case x.Keep:
		x.Note = ""
		if d.Title == "" || d.Body == "" {
			f.Add("", "postings.need_words")
		}
	case x.Note == "":
		f.Add("note", "postings.need_note")
	case utf8.RuneCountInString(x.Note) > mostNote:
		f.Add("note", "postings.too_long", map[string]any{"Most": mostNote})
	}
	if reply.Body+x.Words != "" && !d.Answerable() {
		f.Add("reply", "postings.not_answerable")
	}
	return reply, f.Err()
}

// reply is the letter that a decision sends: zero for none; ok is false for a number that there is not.
func (s *Store) reply(ctx context.Context, d Draft, x Decision) (Reply, bool) {
	if x.Reply == 0 {
		return Reply{}, true
	}
	list := s.Replies(ctx, d.Lang, x.Keep)
	if x.Reply < 0 || x.Reply > len(list) {
		return Reply{}, false
	}
	return list[x.Reply-1], true
}

// Reopen puts a decided draft back among those to be decided; a letter that left is not called back.
func (s *Store) Reopen(ctx context.Context, by viewer.Actor, at At) error {
	return s.change(ctx, by, at, "posting.reopened", func(ctx context.Context, d Draft) error {
		if d.State == New {
			return errs.New(errs.Conflict, "postings.moved")
		}
		return s.db.ExecOne(ctx, `UPDATE posting_drafts SET state = 'new', note = '', decided_by = '', decided_at = NULL WHERE id = ?`, d.ID)
	})
}

// received puts a message on the desk, in the transaction of its acceptance.
func (s *Store) received(ctx context.Context, d Draft, raw []byte) error {
	if _, err := s.db.Exec(ctx, `INSERT INTO posting_drafts (`+draftColumns+`, body) VALUES (`+db.In(22)+`)`,
		d.ID, d.AssociationID, d.Sender, d.SenderName, d.Authenticated, d.Subject, d.MessageKey, d.Lang, "", false, "", false, 0,
		string(New), "", "", time.Time{}, 1, d.ReceivedAt, time.Time{}, d.ReceivedAt, ""); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, `INSERT INTO posting_mails (draft_id, raw) VALUES (?, ?)`, d.ID, raw); err != nil {
		return err
	}
	return s.queue.Add(ctx, readJob, toRead{d.ID}, jobs.Options{UniqueKey: d.ID.String()})
}

// waiting is a message that is not taken apart yet; NotFound when it is.
func (s *Store) waiting(ctx context.Context, draft id.ID) (Draft, []byte, error) {
	raw, err := db.One[[]byte](ctx, s.db, `SELECT raw FROM posting_mails WHERE draft_id = ?`, draft)
	if err != nil {
		return Draft{}, nil, err
	}
	d, err := s.draft(ctx, viewer.ForSystem("offers by mail"), draft)
	return d, raw, err
}

// takenApart writes down what was in a message, whose bytes are needed no more. What the staff wrote meanwhile stays.
func (s *Store) takenApart(ctx context.Context, d Draft, files []File) error {
	kept := 0
	for _, f := range files {
		if f.Verdict == FileKept {
			kept++
		}
		if _, err := s.db.Exec(ctx, `INSERT INTO posting_files (`+fileColumns+`) VALUES (`+db.In(7)+`)`,
			f.ID, d.ID, f.Position, f.Name, f.Size, string(f.Verdict), f.BlobKey); err != nil {
			return err
		}
	}
	if _, err := s.db.Exec(ctx, `UPDATE posting_drafts SET title = ?, title_guessed = ?, company = ?, company_guessed = ?, body = ? WHERE id = ? AND title = '' AND body = ''`,
		d.Title, d.TitleGuessed, d.Company, d.CompanyGuessed, d.Body, d.ID); err != nil {
		return err
	}
	if err := s.db.ExecOne(ctx, `UPDATE posting_drafts SET read_at = ?, files = ?, version = version + 1 WHERE id = ?`, s.now(), kept, d.ID); err != nil {
		return err
	}
	return s.db.ExecOne(ctx, `DELETE FROM posting_mails WHERE draft_id = ?`, d.ID)
}

// answersEvery is how long a sender is not told again that an offer of his came.
const answersEvery = 24 * time.Hour

// mayAnswer notes that a sender is told now that his offer came, and reports whether he was not told lately.
func (s *Store) mayAnswer(ctx context.Context, address string) (bool, error) {
	now := s.now()
	n, err := s.db.Exec(ctx, `INSERT INTO posting_answers (address, at) VALUES (?, ?)
		ON CONFLICT (address) DO UPDATE SET at = excluded.at WHERE posting_answers.at <= ?`, strings.ToLower(address), now, now.Add(-answersEvery))
	return n > 0, err
}

// associationOf is the association of a draft.
func (s *Store) associationOf(ctx context.Context, association id.ID) (people.Association, error) {
	all, err := s.people.Associations(ctx)
	if err != nil {
		return people.Association{}, err
	}
	a, ok := all.ByID(association)
	if !ok {
		return people.Association{}, errs.E("postings.associationOf", errs.NotFound, errors.New("the association is gone"))
	}
	return a, nil
}

// mailDomains are those of the associations.
func mailDomains(all people.Associations) []string {
	var out []string
	for _, a := range all {
		out = append(out, a.MailDomain)
	}
	return slices.DeleteFunc(out, func(d string) bool { return d == "" })
}

// blobKey is where a file of a draft is kept: the same each time the message is taken apart.
func blobKey(draft id.ID, position int) string {
	return blobPrefix + draft.String() + "/" + strconv.Itoa(position) + ".pdf"
}
