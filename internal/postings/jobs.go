package postings

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/people"
)

// Jobs take messages apart, and forget what is old.
type Jobs struct{ store *Store }

// NewJobs makes them.
func NewJobs(s *Store) *Jobs { return &Jobs{s} }

// Register names them to the runner.
func (j *Jobs) Register(r *jobs.Runner) {
	r.Handle(readJob, jobs.Typed(j.store.takeApart))
	r.Handle(forgetJob, jobs.Typed(j.store.forgetFile))
	r.Every("postings.sweep", jobs.Interval(24*time.Hour), j.store.sweep)
}

const (
	readJob   = "postings.read"
	forgetJob = "postings.forget_file"
)

type toRead struct {
	Draft id.ID `json:"draft"`
}

// takeApart reads a message: files first, then, in one transaction, what it says and the letter that says it came.
// Run again after a death in between, it writes the same files over and tells the sender once.
func (s *Store) takeApart(ctx context.Context, j toRead) error {
	d, raw, err := s.waiting(ctx, j.Draft)
	if errors.Is(err, errs.NotFound) { // done, or forgotten
		return nil
	}
	if err != nil {
		return errs.Wrap("postings.takeApart", err)
	}
	all, err := s.people.Associations(ctx)
	if err != nil {
		return errs.Wrap("postings.takeApart", err)
	}
	o := Read(raw)
	d = o.draft(d, all)
	files, err := s.store(ctx, d.ID, o.Files)
	if err != nil {
		return errs.Wrap("postings.takeApart", err)
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.takenApart(ctx, d, files); err != nil {
			return err
		}
		return s.answer(ctx, d, o, files, all)
	})
	if errors.Is(err, errs.NotFound) { // another run was faster
		return nil
	}
	return errs.Wrap("postings.takeApart", err)
}

// draft fills in what the message says, and what it lets guess.
func (o Offer) draft(d Draft, all people.Associations) Draft {
	d.Title = guessTitle(o.Subject, o.Text)
	d.TitleGuessed = d.Title != ""
	d.Company = guessCompany(d.Sender, mailDomains(all))
	d.CompanyGuessed = d.Company != ""
	d.Body = o.Text
	return d
}

// store keeps the files that are to be kept, and says of all what became of them.
func (s *Store) store(ctx context.Context, draft id.ID, list []Enclosed) ([]File, error) {
	out := make([]File, len(list))
	for i, e := range list {
		out[i] = File{ID: id.New(), DraftID: draft, Position: i, Name: e.Name, Size: e.Size, Verdict: e.Verdict}
		if e.Verdict != FileKept {
			continue
		}
		out[i].BlobKey = blobKey(draft, i)
		if err := s.files.Put(ctx, out[i].BlobKey, bytes.NewReader(e.Data), e.Size, "application/pdf"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type toForget struct {
	Key string `json:"key"`
}

func (s *Store) forgetFile(ctx context.Context, f toForget) error {
	if !strings.HasPrefix(f.Key, blobPrefix) {
		return jobs.Permanent(errs.E("postings.forgetFile", errs.Invalid, nil))
	}
	return s.files.Delete(ctx, f.Key)
}
