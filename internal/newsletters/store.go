package newsletters

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/newsletters/compose"
	"amicale/internal/newsletters/segments"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/picture"
	"amicale/internal/viewer"
)

// Subscriptions knows who wants what, and gives each letter its way out.
type Subscriptions interface {
	segments.Subscriptions
	// Links are the address that ends this kind of letters from this sender by a POST (RFC 8058), and the page of all
	// subscriptions.
	Links(ctx context.Context, person, sender id.ID, kind string) (oneClick, page string)
}

// Holder is a member of the staff as letters reach him.
type Holder struct{ Name, Email, Lang string }

// Staff knows who holds a role; a zero association is the federation.
type Staff interface {
	AccountsWithRole(ctx context.Context, role viewer.RoleName, association id.ID) ([]Holder, error)
}

// Poster takes the site's own letters: tests of a campaign, and alarms. Wake tells the courier that something is due.
type Poster interface {
	Send(ctx context.Context, l outbox.Letter) error
	SendBody(ctx context.Context, l outbox.Letter, b mail.Body) error
	Wake()
}

// Deps is what the store is made of.
type Deps struct {
	DB            *db.DB
	People        *people.Store
	Trail         *audit.Trail
	Queue         *jobs.Queue
	Post          Poster
	Blobs         blob.Store
	Pictures      *picture.Reader
	Segments      *segments.Store
	Subscriptions Subscriptions
	Staff         Staff
	Bundle        *i18n.Bundle
	Origin        string // the canonical address, without a slash at its end
	Domain        string // mail domain of the federation: its letters come from the one below it
	// Federation is what the federation calls itself.
	Federation func(ctx context.Context) (string, error)
	// Returns makes return addresses; nil where reports do not come back here: then senders are their own.
	Returns *mail.Tokens
	Now     clock.Clock
	Log     *slog.Logger
}

// Store reads and writes campaigns.
type Store struct {
	Deps

	mu    sync.Mutex
	ready map[id.ID]*ready // campaigns under way, ready to be composed
	held  sync.Map         // rows whose turn came while their campaign was paused
}

// NewStore makes the store.
func NewStore(d Deps) *Store {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{Deps: d, ready: map[id.ID]*ready{}}
}

const campaignColumns = `id, sender_id, kind, title, versions, from_name, reply_to, segment, public, state, reason, scheduled_at, started_at, resumed_at,
	finished_at, made_to, made_at, left_out, recipients, sent, failed, skipped, early_failed, unsubscribed, version, account_id, edited_by, author, created_at, updated_at`

// campaignRow reads these three columns before the fields of the same names.
type campaignRow struct {
	Versions db.JSON[map[string]compose.Written]
	Segment  db.JSON[segments.Segment]
	LeftOut  db.JSON[map[segments.Left]int]
	Campaign
}

func (r campaignRow) campaign() Campaign {
	c := r.Campaign
	c.Versions, c.Segment, c.LeftOut = r.Versions.V, r.Segment.V, r.LeftOut.V
	return c
}

// campaign reads one, whoever asks.
func (s *Store) campaign(ctx context.Context, campaign id.ID) (Campaign, error) {
	r, err := db.One[campaignRow](ctx, s.DB, `SELECT `+campaignColumns+` FROM campaigns WHERE id = ?`, campaign)
	return r.campaign(), err
}

// ByID is a campaign, for those who may write in its sender's name; NotFound for others.
func (s *Store) ByID(ctx context.Context, v viewer.Viewer, campaign id.ID) (Campaign, error) {
	c, err := s.campaign(ctx, campaign)
	if err == nil && !segments.MayWrite(v, c.SenderID) {
		err = errs.NotFound
	}
	return c, errs.Wrap("newsletters.ByID", err)
}

// Filter says which campaigns a list shows.
type Filter struct {
	State  State // "" is all
	Sender id.ID // zero is all that the viewer may see
	Page   int   // from 1
	Size   int
}

// List are the campaigns of the senders in whose name the viewer may write, the newest first, and how many there are.
func (s *Store) List(ctx context.Context, v viewer.Viewer, f Filter) ([]Campaign, int, error) {
	own, all := v.Associations(viewer.Editor, viewer.Webmaster)
	if !all && len(own) == 0 {
		return nil, 0, errs.E("newsletters.List", errs.Forbidden, nil)
	}
	where, args := `TRUE`, []any(nil)
	if !all {
		where, args = `sender_id IN (`+db.In(len(own))+`)`, db.Args(own)
	}
	if f.State != "" {
		where, args = where+` AND state = ?`, append(args, string(f.State))
	}
	if !f.Sender.IsZero() {
		where, args = where+` AND sender_id = ?`, append(args, f.Sender)
	}
	total, err := db.One[int](ctx, s.DB, `SELECT count(*) FROM campaigns WHERE `+where, args...)
	if err != nil {
		return nil, 0, errs.Wrap("newsletters.List", err)
	}
	var out []Campaign
	err = db.Each(ctx, s.DB, `SELECT `+campaignColumns+` FROM campaigns WHERE `+where+` ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`,
		append(args, f.Size, (max(f.Page, 1)-1)*f.Size), func(r *campaignRow) error {
			out = append(out, r.campaign())
			return nil
		})
	return out, total, errs.Wrap("newsletters.List", err)
}

// Senders are those in whose name the viewer may write, the federation first.
func (s *Store) Senders(ctx context.Context, v viewer.Viewer) ([]Sender, error) {
	var out []Sender
	if v.IsFederationAdmin() {
		f, err := s.sender(ctx, id.ID{})
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	all, err := s.People.Associations(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if segments.MayWrite(v, a.ID) {
			out = append(out, senderOf(a))
		}
	}
	return out, nil
}

// sender is in whose name a campaign comes.
func (s *Store) sender(ctx context.Context, sender id.ID) (Sender, error) {
	if sender.IsZero() {
		name, err := s.Federation(ctx)
		return Sender{Name: name, Domain: s.Domain}, errs.Wrap("newsletters.sender", err)
	}
	all, err := s.People.Associations(ctx)
	if err != nil {
		return Sender{}, err
	}
	a, ok := all.ByID(sender)
	if !ok {
		return Sender{}, errs.E("newsletters.sender "+sender.String(), errs.NotFound, nil)
	}
	return senderOf(a), nil
}

// Create begins a draft. A copy of another campaign is one with its words and its segment.
func (s *Store) Create(ctx context.Context, by viewer.Actor, c Campaign) (id.ID, error) {
	if !segments.MayWrite(by.Viewer, c.SenderID) {
		return id.ID{}, errs.E("newsletters.Create", errs.Forbidden, nil)
	}
	if err := c.check(); err != nil {
		return id.ID{}, err
	}
	now := s.Now()
	c.ID = id.New()
	err := s.DB.Tx(ctx, func(ctx context.Context) error {
		_, err := s.DB.Exec(ctx, `INSERT INTO campaigns (`+campaignColumns+`) VALUES (`+db.In(30)+`)`,
			c.ID, c.SenderID, string(c.Kind), c.Title, db.ToJSON(filled(c.Versions)), c.FromName, c.ReplyTo, db.ToJSON(filled(c.Segment)), c.Public, string(Draft), "",
			nil, nil, nil, nil, nil, nil, db.ToJSON(map[segments.Left]int{}), 0, 0, 0, 0, 0, 0, 1, by.Account, by.Account, by.Name, now, now)
		if err != nil {
			return err
		}
		return s.record(ctx, by, "newsletter.created", c, nil)
	})
	return c.ID, errs.Wrap("newsletters.Create", err)
}

// filled is never nil: a JSON column holds an object.
func filled[M ~map[K]V, K comparable, V any](m M) M {
	if m == nil {
		return M{}
	}
	return m
}

// record leaves a line in the trail about a campaign.
func (s *Store) record(ctx context.Context, by viewer.Actor, action string, c Campaign, detail map[string]any) error {
	if detail == nil {
		detail = map[string]any{}
	}
	detail["title"] = c.Title
	return s.Trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: action, Object: c.ID.String(), Association: c.SenderID, Detail: detail})
}

// Save changes a draft. A version that is no longer the latest is Conflict when somebody else wrote it; an author's own
// saves, of which the page makes some by itself, may overtake each other.
func (s *Store) Save(ctx context.Context, by viewer.Actor, c Campaign) error {
	if err := c.check(); err != nil {
		return err
	}
	return s.edit(ctx, by, c, func(ctx context.Context) error {
		return s.DB.ExecOne(ctx, `
			UPDATE campaigns SET kind = ?, title = ?, versions = ?, from_name = ?, reply_to = ?, public = ?, version = version + 1, edited_by = ?, updated_at = ?
			WHERE id = ? AND (version = ? OR edited_by = ?) AND state = 'draft'`,
			string(c.Kind), c.Title, db.ToJSON(filled(c.Versions)), c.FromName, c.ReplyTo, c.Public, by.Account, s.Now(), c.ID, c.Version, by.Account)
	})
}

// SaveSegment changes to whom a draft goes.
func (s *Store) SaveSegment(ctx context.Context, by viewer.Actor, campaign id.ID, segment segments.Segment) error {
	return s.edit(ctx, by, Campaign{ID: campaign}, func(ctx context.Context) error {
		return s.DB.ExecOne(ctx, `UPDATE campaigns SET segment = ?, updated_at = ? WHERE id = ? AND state = 'draft'`,
			db.ToJSON(filled(segment)), s.Now(), campaign)
	})
}

// edit runs a change of a draft. The trail tells it once an hour: an author saves often.
func (s *Store) edit(ctx context.Context, by viewer.Actor, c Campaign, run func(ctx context.Context) error) error {
	err := s.DB.Tx(ctx, func(ctx context.Context) error {
		old, err := s.ByID(ctx, by.Viewer, c.ID)
		if err != nil {
			return err
		}
		err = run(ctx)
		if errs.KindOf(err) == errs.NotFound && err != nil {
			return errs.New(errs.Conflict, "newsletters.moved")
		}
		if err != nil {
			return err
		}
		return s.Trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: "newsletter.edited", Object: old.ID.String(), Association: old.SenderID,
			Detail: map[string]any{"title": old.Title}, Coalesced: true})
	})
	return errs.Wrap("newsletters.edit", err)
}

// Remove throws a draft away.
func (s *Store) Remove(ctx context.Context, by viewer.Actor, campaign id.ID) error {
	err := s.DB.Tx(ctx, func(ctx context.Context) error {
		c, err := s.ByID(ctx, by.Viewer, campaign)
		if err != nil {
			return err
		}
		if err := s.dropImages(ctx, campaign); err != nil {
			return err
		}
		n, err := s.DB.Exec(ctx, `DELETE FROM campaigns WHERE id = ? AND state = 'draft'`, campaign)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.Conflict, "newsletters.moved")
		}
		return s.record(ctx, by, "newsletter.removed", c, nil)
	})
	return errs.Wrap("newsletters.Remove", err)
}

// lease is how long a moment is, for what is looked at again and again while letters leave.
const lease = 400 * time.Millisecond
