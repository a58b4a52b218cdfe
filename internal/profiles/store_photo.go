package profiles

import (
	"bytes"
	"context"
	"io"
	"path"
	"strings"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// PhotoSize is one of the two squares that are kept, as addresses name it.
type PhotoSize string

// The sizes.
const (
	LargePhoto PhotoSize = "large"
	SmallPhoto PhotoSize = "small"
)

// photoVersion names a photo in addresses, as people.PhotoPath does.
func photoVersion(photo string) string { return path.Base(photo) }

// photoFolder holds all photos of a person, those being replaced included.
func photoFolder(person id.ID) string { return "photos/" + person.String() + "/" }

func photoFile(key string, size PhotoSize) string { return key + "/" + string(size) + ".jpg" }

const dropPhotoJob = "profile.drop_photo"

// dropped names a photo that goes once nobody can bring it back.
type dropped struct {
	Person id.ID  `json:"person"`
	Photo  string `json:"photo"`
}

// dropPhoto lets a photo's files go, unless by then they are the person's photo again.
func (s *Store) dropPhoto(ctx context.Context, person id.ID, photo string) error {
	if photo == "" {
		return nil
	}
	return s.Queue.Add(ctx, dropPhotoJob, dropped{person, photo}, jobs.Options{RunAt: s.Now().Add(2 * UndoFor)})
}

// SavePhoto reads a picture and makes it the person's photo.
func (s *Store) SavePhoto(ctx context.Context, a viewer.Actor, r io.Reader) (undo id.ID, err error) {
	if !a.SignedIn() || a.Person.IsZero() {
		return id.ID{}, errs.E("profiles.SavePhoto", errs.Forbidden, nil)
	}
	squares, err := s.Photos.Process(ctx, r)
	if err != nil {
		return id.ID{}, err
	}
	key := photoFolder(a.Person) + id.New().String()
	// Should anything below fail, or the process die, the files go again.
	if err := s.dropPhoto(ctx, a.Person, key); err != nil {
		return id.ID{}, err
	}
	for size, data := range map[PhotoSize][]byte{LargePhoto: squares.Large, SmallPhoto: squares.Small} {
		if err := s.Blobs.Put(ctx, photoFile(key, size), bytes.NewReader(data), int64(len(data)), "image/jpeg"); err != nil {
			return id.ID{}, err
		}
	}
	return s.pointTo(ctx, a, key)
}

// RemovePhoto takes the photo away.
func (s *Store) RemovePhoto(ctx context.Context, a viewer.Actor) (undo id.ID, err error) {
	return s.pointTo(ctx, a, "")
}

func (s *Store) pointTo(ctx context.Context, a viewer.Actor, key string) (undo id.ID, err error) {
	return s.change(ctx, a, "photo", func(ctx context.Context, d people.Dossier) (done, error) {
		if d.Photo == key {
			return done{}, nil
		}
		if err := s.dropPhoto(ctx, d.ID, d.Photo); err != nil {
			return done{}, err
		}
		return done{true, &before{Photo: &d.Photo}}, s.People.SavePhoto(ctx, a.Viewer, d.ID, key)
	})
}

// DropPhoto deletes a photo's files. One that is shown stays; one that can still be brought back waits.
func (s *Store) DropPhoto(ctx context.Context, p dropped) error {
	shown, err := s.shows(ctx, p)
	if err != nil || shown {
		return err
	}
	pending, err := db.All[db.JSON[before]](ctx, s.DB, `SELECT before FROM profile_undos WHERE person_id = ? AND section = 'photo' AND created_at > ?`,
		p.Person, s.Now().Add(-UndoFor))
	if err != nil {
		return errs.Wrap("profiles.DropPhoto", err)
	}
	for _, b := range pending {
		if b.V.Photo != nil && *b.V.Photo == p.Photo {
			return s.dropPhoto(ctx, p.Person, p.Photo)
		}
	}
	for _, size := range []PhotoSize{LargePhoto, SmallPhoto} {
		if err := s.Blobs.Delete(ctx, photoFile(p.Photo, size)); err != nil {
			return err
		}
	}
	return nil
}

// shows reports whether the photo is its person's, or that of the one he was merged into.
func (s *Store) shows(ctx context.Context, p dropped) (bool, error) {
	n, err := db.One[int](ctx, s.DB, `
		SELECT count(*) FROM persons p JOIN persons o ON o.id = COALESCE(p.merged_into, p.id) WHERE p.id = ? AND o.photo = ?`, p.Person, p.Photo)
	return n > 0, errs.Wrap("profiles.shows", err)
}

// DropPhotosOf deletes all of a person's photos, and the one that a merge brought from elsewhere.
func (s *Store) DropPhotosOf(ctx context.Context, p dropped) error {
	if p.Photo != "" {
		if err := s.DropPhoto(ctx, p); err != nil {
			return err
		}
	}
	for key, err := range s.Blobs.List(ctx, photoFolder(p.Person)) {
		if err != nil {
			return err
		}
		if err := s.Blobs.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// Picture is a photo ready to be shown.
type Picture struct {
	Data    []byte
	Version string
	At      time.Time
}

func (s *Store) picture(ctx context.Context, key string, size PhotoSize) (Picture, error) {
	if key == "" || size != LargePhoto && size != SmallPhoto || !strings.HasPrefix(key, "photos/") {
		return Picture{}, errs.E("profiles.picture", errs.NotFound, nil)
	}
	f, info, err := s.Blobs.Open(ctx, photoFile(key, size))
	if err != nil {
		return Picture{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxPhotoBytes))
	return Picture{data, photoVersion(key), info.ModTime}, errs.Wrap("profiles.picture", err)
}

// Photo is the photo of whoever has this login, as far as the viewer may see it.
func (s *Store) Photo(ctx context.Context, v viewer.Viewer, login string, size PhotoSize) (Picture, error) {
	seen, err := s.see(ctx, v, login)
	if err != nil {
		return Picture{}, err
	}
	return s.picture(ctx, seen.Photo, size)
}

// OwnPhoto is the viewer's own.
func (s *Store) OwnPhoto(ctx context.Context, v viewer.Viewer, size PhotoSize) (Picture, error) {
	d, err := s.Own(ctx, v)
	if err != nil {
		return Picture{}, err
	}
	return s.picture(ctx, d.Photo, size)
}
