package magazine

import (
	"context"
	"io"
	"slices"

	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/newsletters"
	"amicale/internal/newsletters/compose"
	"amicale/internal/newsletters/segments"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Deps is what the store is made of.
type Deps struct {
	DB            *db.DB
	People        *people.Store
	Trail         *audit.Trail
	Blobs         blob.Store
	Letters       *newsletters.Store
	Subscriptions segments.Subscriptions
	Bundle        *i18n.Bundle
	Origin        string // the canonical address, without a slash at its end
	Now           clock.Clock
}

// Store reads and writes issues.
type Store struct{ Deps }

// NewStore makes the store.
func NewStore(d Deps) *Store { return &Store{d} }

const issueColumns = `id, title, file_key, file_size, account_id, created_at`

// Makers are the associations whose magazine the viewer makes.
func (s *Store) Makers(ctx context.Context, v viewer.Viewer) (people.Associations, error) {
	return s.associations(ctx, func(a people.Association) bool { return mayMake(v, a.ID) || mayPost(v, a.ID) })
}

func (s *Store) associations(ctx context.Context, keep func(people.Association) bool) (people.Associations, error) {
	all, err := s.People.Associations(ctx)
	return slices.DeleteFunc(all, func(a people.Association) bool { return !keep(a) }), err
}

// issues reads those under a condition on editions e, with the editions of some associations.
func (s *Store) issues(ctx context.Context, of []id.ID, where string, args []any, limit, offset int) ([]Issue, int, error) {
	in := `EXISTS (SELECT 1 FROM magazine_editions e WHERE e.issue_id = i.id AND e.association_id IN (` + db.In(len(of)) + `)` + where + `)`
	all := append(db.Args(of), args...)
	total, err := db.One[int](ctx, s.DB, `SELECT count(*) FROM magazine_issues i WHERE `+in, all...)
	if err != nil {
		return nil, 0, errs.Wrap("magazine.issues", err)
	}
	list, err := db.All[Issue](ctx, s.DB, `SELECT `+issueColumns+` FROM magazine_issues i WHERE `+in+` ORDER BY i.created_at DESC, i.id DESC LIMIT ? OFFSET ?`, append(all, limit, offset)...)
	for n := range list {
		if err == nil {
			list[n].Editions, err = s.editions(ctx, list[n].ID, of)
		}
	}
	return list, total, errs.Wrap("magazine.issues", err)
}

func (s *Store) editions(ctx context.Context, issue id.ID, of []id.ID) ([]Edition, error) {
	return db.All[Edition](ctx, s.DB, `SELECT issue_id, association_id, campaign_id, published_at FROM magazine_editions WHERE issue_id = ? AND association_id IN (`+db.In(len(of))+`)`,
		append([]any{issue}, db.Args(of)...)...)
}

func idsOf(list people.Associations) []id.ID {
	out := make([]id.ID, len(list))
	for i, a := range list {
		out[i] = a.ID
	}
	return out
}

// List are the issues of the associations whose magazine the viewer makes or posts, the newest first.
func (s *Store) List(ctx context.Context, v viewer.Viewer, limit, offset int) ([]Issue, int, error) {
	mine, err := s.Makers(ctx, v)
	if err == nil && len(mine) == 0 {
		err = errs.E("magazine.List", errs.Forbidden, nil)
	}
	if err != nil {
		return nil, 0, err
	}
	return s.issues(ctx, idsOf(mine), ``, nil, limit, offset)
}

// ByID is an issue with the editions that the viewer makes or posts; NotFound without one.
func (s *Store) ByID(ctx context.Context, v viewer.Viewer, issue id.ID) (Issue, error) {
	mine, err := s.Makers(ctx, v)
	if err != nil {
		return Issue{}, err
	}
	i, err := s.issue(ctx, issue, idsOf(mine))
	if err == nil && len(i.Editions) == 0 {
		err = errs.NotFound
	}
	return i, errs.Wrap("magazine.ByID", err)
}

func (s *Store) issue(ctx context.Context, issue id.ID, of []id.ID) (Issue, error) {
	i, err := db.One[Issue](ctx, s.DB, `SELECT `+issueColumns+` FROM magazine_issues WHERE id = ?`, issue)
	if err == nil {
		i.Editions, err = s.editions(ctx, issue, of)
	}
	return i, err
}

// New is an issue to be.
type New struct {
	Title        string
	Associations []id.ID
	File         io.ReadSeeker
	Size         int64
}

// Create keeps a PDF as an issue of some associations. Nobody reads it before it is published.
func (s *Store) Create(ctx context.Context, by viewer.Actor, n New) (id.ID, error) {
	f := errs.Fields{}
	checkTitle(&n.Title, f)
	if len(n.Associations) == 0 {
		f.Add("association", "magazine.need_association")
	}
	for _, a := range n.Associations {
		if !mayMake(by.Viewer, a) {
			return id.ID{}, errs.E("magazine.Create", errs.Forbidden, nil)
		}
	}
	if err := checkFile(n, f); err != nil {
		return id.ID{}, err
	}
	if err := f.Err(); err != nil {
		return id.ID{}, err
	}
	i := Issue{ID: id.New(), Title: n.Title, FileSize: n.Size}
	i.FileKey = "magazine/" + i.ID.String() + ".pdf"
	if err := s.Blobs.Put(ctx, i.FileKey, n.File, n.Size, "application/pdf"); err != nil {
		return id.ID{}, err
	}
	err := s.DB.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.DB.Exec(ctx, `INSERT INTO magazine_issues (`+issueColumns+`) VALUES (`+db.In(6)+`)`, i.ID, i.Title, i.FileKey, i.FileSize, by.Account, s.Now()); err != nil {
			return err
		}
		for _, a := range n.Associations {
			if _, err := s.DB.Exec(ctx, `INSERT INTO magazine_editions (issue_id, association_id, campaign_id, published_at) VALUES (?, ?, NULL, NULL) ON CONFLICT (issue_id, association_id) DO NOTHING`, i.ID, a); err != nil {
				return err
			}
			if err := s.record(ctx, by, "magazine.created", i, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		_ = s.Blobs.Delete(ctx, i.FileKey) // nothing points to it
	}
	return i.ID, errs.Wrap("magazine.Create", err)
}

// tailSize is where the end of a PDF is looked for.
const tailSize = 1024

func checkFile(n New, f errs.Fields) error {
	switch {
	case n.File == nil || n.Size == 0:
		f.Add("file", "magazine.need_file")
		return nil
	case n.Size > MaxFile:
		f.Add("file", "magazine.too_big", map[string]any{"Megabytes": MaxFile >> 20})
		return nil
	}
	head, tail := make([]byte, 5), make([]byte, min(tailSize, n.Size))
	_, err := io.ReadFull(n.File, head)
	if err == nil {
		_, err = n.File.Seek(-int64(len(tail)), io.SeekEnd)
	}
	if err == nil {
		_, err = io.ReadFull(n.File, tail)
	}
	if err != nil || !isPDF(head, tail) {
		f.Add("file", "magazine.no_pdf")
		return nil
	}
	_, err = n.File.Seek(0, io.SeekStart)
	return errs.Wrap("magazine.checkFile", err)
}

func (s *Store) record(ctx context.Context, by viewer.Actor, action string, i Issue, association id.ID) error {
	return s.Trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: action, Object: i.ID.String(), Association: association, Detail: map[string]any{"title": i.Title}})
}

// Publish opens an issue to the members of an association, and begins the letter that tells them: a draft, which its
// author looks at and sends as any other.
func (s *Store) Publish(ctx context.Context, by viewer.Actor, issue, association id.ID) (campaign id.ID, err error) {
	if !mayMake(by.Viewer, association) {
		return id.ID{}, errs.E("magazine.Publish", errs.NotFound, nil)
	}
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		i, err := s.issue(ctx, issue, []id.ID{association})
		if err != nil {
			return err
		}
		n, err := s.DB.Exec(ctx, `UPDATE magazine_editions SET published_at = ? WHERE issue_id = ? AND association_id = ? AND published_at IS NULL`, s.Now(), issue, association)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.Conflict, "magazine.published_already")
		}
		if campaign, err = s.announce(ctx, by, i, association); err != nil {
			return err
		}
		if _, err := s.DB.Exec(ctx, `UPDATE magazine_editions SET campaign_id = ? WHERE issue_id = ? AND association_id = ?`, campaign, issue, association); err != nil {
			return err
		}
		return s.record(ctx, by, "magazine.published", i, association)
	})
	return campaign, errs.Wrap("magazine.Publish", err)
}

// announce drafts the letter to the members of an association.
func (s *Store) announce(ctx context.Context, by viewer.Actor, i Issue, association id.ID) (id.ID, error) {
	c := newsletters.Campaign{SenderID: association, Kind: newsletters.Magazine, Title: i.Title, Versions: map[string]compose.Written{}}
	for _, lang := range i18n.Langs() {
		in := s.Bundle.With(ctx, lang)
		data := i18n.Data{"Title": i.Title, "URL": Path(i.ID)}
		c.Versions[lang] = compose.Written{Subject: i18n.T(in, "magazine.letter.subject", data), Preheader: i18n.T(in, "magazine.letter.preheader", data), Body: i18n.T(in, "magazine.letter.body", data)}
	}
	made, err := s.Letters.Create(ctx, viewer.Actor(by), c)
	if err != nil {
		return id.ID{}, err
	}
	return made, s.Letters.SaveSegment(ctx, viewer.Actor(by), made, segments.Segment{"member": {"yes"}})
}

// Withdraw closes an edition again; its letter stays.
func (s *Store) Withdraw(ctx context.Context, by viewer.Actor, issue, association id.ID) error {
	if !mayMake(by.Viewer, association) {
		return errs.E("magazine.Withdraw", errs.NotFound, nil)
	}
	err := s.DB.Tx(ctx, func(ctx context.Context) error {
		i, err := s.issue(ctx, issue, []id.ID{association})
		if err != nil {
			return err
		}
		if err := s.DB.ExecOne(ctx, `UPDATE magazine_editions SET published_at = NULL WHERE issue_id = ? AND association_id = ? AND published_at IS NOT NULL`, issue, association); err != nil {
			return err
		}
		return s.record(ctx, by, "magazine.withdrawn", i, association)
	})
	return errs.Wrap("magazine.Withdraw", err)
}

// paysAt are the associations to which the viewer's own dues are paid today.
func (s *Store) paysAt(ctx context.Context, v viewer.Viewer) ([]id.ID, error) {
	if v.Kind != viewer.Network || v.Person.IsZero() {
		return nil, nil
	}
	d, err := s.People.Dossier(ctx, v, v.Person)
	if err != nil {
		return nil, err
	}
	var out []id.ID
	for _, m := range d.Memberships {
		if m.On(s.People.Today()) {
			out = append(out, m.AssociationID)
		}
	}
	return out, nil
}

// Mine are the published issues of the associations to which the viewer's dues are paid, the newest first.
func (s *Store) Mine(ctx context.Context, v viewer.Viewer, limit, offset int) ([]Issue, int, error) {
	of, err := s.paysAt(ctx, v)
	if err != nil || len(of) == 0 {
		return nil, 0, err
	}
	return s.issues(ctx, of, ` AND e.published_at IS NOT NULL`, nil, limit, offset)
}

// File opens an issue for a member of one of its associations where it is published, or for the staff that makes it. To
// other people in the network the error says why; it is the caller's to close.
func (s *Store) File(ctx context.Context, v viewer.Viewer, issue id.ID) (io.ReadCloser, Issue, error) {
	const op = "magazine.File"
	all, err := s.People.Associations(ctx)
	if err != nil {
		return nil, Issue{}, err
	}
	i, err := s.issue(ctx, issue, idsOf(all))
	if err != nil {
		return nil, Issue{}, errs.Wrap(op, err)
	}
	pays, err := s.paysAt(ctx, v)
	if err != nil {
		return nil, Issue{}, err
	}
	published, may := false, false
	for _, e := range i.Editions {
		published = published || !e.PublishedAt.IsZero()
		may = may || mayMake(v, e.AssociationID) || !e.PublishedAt.IsZero() && slices.Contains(pays, e.AssociationID)
	}
	switch {
	case may:
	case published:
		return nil, Issue{}, errs.New(errs.Forbidden, "magazine.members_only")
	default:
		return nil, Issue{}, errs.E(op, errs.NotFound, nil)
	}
	f, _, err := s.Blobs.Open(ctx, i.FileKey)
	return f, i, err
}

// paper is the kind of subscription, and of consent, that stands for what comes by post.
const paper = "paper"

// Labels are those of the association's members who get the magazine by post: who said yes to paper, or no to this kind
// of letter, and not no to paper, as far as the viewer may know their coordinates. It leaves a line in the trail.
func (s *Store) Labels(ctx context.Context, by viewer.Actor, issue, association id.ID) ([]Label, error) {
	const op = "magazine.Labels"
	i, err := s.issue(ctx, issue, []id.ID{association})
	if err == nil && (len(i.Editions) == 0 || !mayPost(by.Viewer, association)) {
		err = errs.NotFound
	}
	if err != nil {
		return nil, errs.Wrap(op, err)
	}
	list, _, err := s.labels(ctx, by.Viewer, association)
	if err != nil {
		return nil, errs.Wrap(op, err)
	}
	return list, s.record(ctx, by, "magazine.labels_made", i, association)
}

// Count is how many labels an association has.
type Count struct {
	Labels  int
	Missing int // those who would get one, and whose address nobody knows
}

// Count counts an association's labels.
func (s *Store) Count(ctx context.Context, v viewer.Viewer, association id.ID) (Count, error) {
	if !mayPost(v, association) {
		return Count{}, errs.E("magazine.Count", errs.Forbidden, nil)
	}
	list, missing, err := s.labels(ctx, v, association)
	return Count{len(list), missing}, errs.Wrap("magazine.Count", err)
}

func (s *Store) labels(ctx context.Context, v viewer.Viewer, association id.ID) (list []Label, missing int, err error) {
	today := s.People.Today()
	members, err := db.All[id.ID](ctx, s.DB, `
		SELECT DISTINCT m.person_id FROM memberships m JOIN persons p ON p.id = m.person_id
		WHERE m.association_id = ? AND m.starts_on <= ? AND m.ends_on >= ? AND p.merged_into IS NULL AND p.status <> 'deceased' ORDER BY m.person_id`, association, today, today)
	if err != nil {
		return nil, 0, err
	}
	noMail, err := s.Subscriptions.Refusing(ctx, association, string(newsletters.Magazine), members)
	if err != nil {
		return nil, 0, err
	}
	noPaper, err := s.Subscriptions.Refusing(ctx, association, paper, members)
	if err != nil {
		return nil, 0, err
	}
	dossiers, err := s.People.Dossiers(ctx, v, members)
	if err != nil {
		return nil, 0, err
	}
	for _, d := range dossiers {
		yes, _, said := people.StatusOn(d.Consents, paper)
		if noPaper[d.ID] || !(said && yes) && !noMail[d.ID] {
			continue
		}
		if l, ok := LabelOf(d, today); ok {
			list = append(list, l)
		} else {
			missing++
		}
	}
	sortForPost(list)
	return list, missing, nil
}
