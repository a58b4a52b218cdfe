package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"amicale/internal/i18n"
)

// Flash is a word on the next page about what was just done. Only keys travel in the cookie: a forged one can
// show nothing but our own texts.
type Flash struct {
	Kind string            `json:"k"` // "success", "info", "warning", "error"
	Key  string            `json:"m"`
	Data map[string]string `json:"d,omitempty"`
	Undo string            `json:"u,omitempty"` // a path to POST to that undoes it; "" when there is none
}

const flashCookie = "amicale-flash"

// Flash leaves a word for the next page.
func (r *Request) Flash(f Flash) {
	b, err := json.Marshal(f)
	if err != nil || len(b) > 2000 {
		return
	}
	http.SetCookie(r.W, r.Site.cookie(flashCookie, base64.RawURLEncoding.EncodeToString(b), time.Minute))
}

// Done leaves a word of success and sends the visitor on.
func (r *Request) Done(to, key string) error {
	r.Flash(Flash{Kind: "success", Key: key})
	return r.Redirect(to)
}

// TakeFlash reads the word left by the page before and forgets it.
func (r *Request) TakeFlash() (f Flash, text string, ok bool) {
	c, err := r.Cookie(flashCookie)
	if err != nil {
		return f, "", false
	}
	gone := r.Site.cookie(flashCookie, "", 0)
	gone.MaxAge = -1
	http.SetCookie(r.W, gone)
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || json.Unmarshal(b, &f) != nil {
		return f, "", false
	}
	data := i18n.Data{}
	for k, v := range f.Data {
		data[k] = v
	}
	text = r.T(f.Key, data)
	if text == f.Key || !strings.HasPrefix(LocalPath(f.Undo, "/"), "/") {
		return f, "", false // not one of our keys
	}
	if f.Undo != "" {
		f.Undo = LocalPath(f.Undo, "")
	}
	return f, text, true
}
