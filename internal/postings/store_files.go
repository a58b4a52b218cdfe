package postings

import (
	"context"
	"io"
	"strings"
	"time"

	"amicale/internal/blob"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/viewer"
)

const fileColumns = `id, draft_id, position, name, size, verdict, blob_key`

const blobPrefix = "offres/"

// keepFor is how long a draft stays after anybody last touched it.
const keepFor = 180 * 24 * time.Hour

func (s *Store) filesOf(ctx context.Context, draft id.ID) ([]File, error) {
	return db.All[File](ctx, s.db, `SELECT `+fileColumns+` FROM posting_files WHERE draft_id = ? ORDER BY position`, draft)
}

// Open reads a file that was kept, for the staff of the draft's association. The caller closes.
func (s *Store) Open(ctx context.Context, v viewer.Viewer, draft, file id.ID) (File, io.ReadCloser, error) {
	const op = "postings.Open"
	if _, err := s.draft(ctx, v, draft); err != nil {
		return File{}, nil, errs.Wrap(op, err)
	}
	f, err := db.One[File](ctx, s.db, `SELECT `+fileColumns+` FROM posting_files WHERE id = ? AND draft_id = ? AND verdict = 'kept'`, file, draft)
	if err != nil {
		return File{}, nil, errs.Wrap(op, err)
	}
	r, _, err := s.files.Open(ctx, f.BlobKey)
	return f, r, errs.Wrap(op, err)
}

// sweep forgets drafts that nobody touched for long, with their files, and whom was told of an offer days ago.
func (s *Store) sweep(ctx context.Context) error {
	for {
		n, err := s.sweepSome(ctx)
		if err != nil {
			return errs.Wrap("postings.sweep", err)
		}
		if n == 0 {
			break
		}
	}
	if _, err := s.db.Exec(ctx, `DELETE FROM posting_answers WHERE at < ?`, s.now().Add(-2*answersEvery)); err != nil {
		return errs.Wrap("postings.sweep", err)
	}
	return errs.Wrap("postings.sweep", s.sweepFiles(ctx))
}

// sweepSome forgets some drafts; their files go by jobs that join the transaction.
func (s *Store) sweepSome(ctx context.Context) (n int, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		old, err := db.All[id.ID](ctx, s.db, `SELECT id FROM posting_drafts WHERE updated_at < ? ORDER BY updated_at LIMIT 200`, s.now().Add(-keepFor))
		if err != nil || len(old) == 0 {
			return err
		}
		n = len(old)
		in := `(` + db.In(len(old)) + `)`
		keys, err := db.All[string](ctx, s.db, `SELECT blob_key FROM posting_files WHERE blob_key <> '' AND draft_id IN `+in, db.Args(old)...)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if err := s.queue.Add(ctx, forgetJob, toForget{k}, jobs.Options{}); err != nil {
				return err
			}
		}
		_, err = s.db.Exec(ctx, `DELETE FROM posting_drafts WHERE id IN `+in, db.Args(old)...)
		return err
	})
	return n, err
}

// sweepFiles deletes files that no draft knows. A file is given a day to find its row, for a message whose reading failed
// is read again meanwhile.
func (s *Store) sweepFiles(ctx context.Context) error {
	return blob.Sweep(ctx, s.files, blobPrefix, s.now().Add(-24*time.Hour), func(ctx context.Context, key string) (bool, error) {
		return db.One[bool](ctx, s.db, `SELECT EXISTS (SELECT 1 FROM posting_files WHERE blob_key = ?) OR EXISTS (SELECT 1 FROM posting_mails WHERE draft_id = ?)`,
			key, draftOf(key).String())
	})
}

// draftOf is the draft that a key names; zero for what is none of ours.
func draftOf(key string) id.ID {
	name, _, _ := strings.Cut(strings.TrimPrefix(key, blobPrefix), "/")
	draft, err := id.Parse(name)
	if err != nil {
		return id.ID{}
	}
	return draft
}
