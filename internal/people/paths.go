package people

import (
	"net/url"
	"path"
)

// Path is the address of the person's page; "" while there is no login.
func (s Seen) Path() string { return profilePath(s.Login) }

// PhotoPath is the address of the photo in a size ("small" or "large"), "" when there is none to show. It changes
// with the photo, so that browsers may keep it.
func (s Seen) PhotoPath(size string) string { return PhotoPath(s.Login, s.Photo, size) }

// PhotoPath is the address of the photo of the person with that login.
func PhotoPath(login, photo, size string) string {
	if login == "" || photo == "" {
		return ""
	}
	return profilePath(login) + "/photo/" + size + "?v=" + url.QueryEscape(path.Base(photo))
}

func profilePath(login string) string {
	if login == "" {
		return ""
	}
	return "/p/" + url.PathEscape(login)
}
