package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"amicale/internal/accounts"
	"amicale/internal/db"
	"amicale/internal/id"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

// visitor is a kind of viewer and who plays it.
type visitor struct{ kind, login string }

// Those whom the demonstration lacks.
const (
	recruiterLogin = "recruteuse@entreprise.example"
	rennesLogin    = "webmestre.rennes"
	secretaryLogin = "secretaire.lyon"
	editorLogin    = "redacteur.lyon"
)

// visitors are all kinds there are, from the one who may least to the one who may most.
func visitors() []visitor {
	return []visitor{
		{"guest", ""}, {"graduate", webtest.Graduate}, {"student", webtest.Student}, {"member", webtest.Member}, {"recruiter", recruiterLogin},
		{"editor-ly", editorLogin}, {"secretary-ly", secretaryLogin}, {"webmaster-ly", webtest.Webmaster}, {"webmaster-re", rennesLogin}, {"federation", webtest.Federation},
	}
}

// newCast is the whole site with somebody of every kind.
func newCast(t testing.TB, d *db.DB, extra ...int) *webtest.World {
	t.Helper()
	w := webtest.New(t, d, extra...)
	system := viewer.ForSystem("test")
	all, err := w.App.People().Associations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.App.Accounts().CreateRecruiter(t.Context(), system, accounts.New{Name: "Une recruteuse", Email: recruiterLogin}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		login, code string
		role        viewer.RoleName
	}{{rennesLogin, "re", viewer.Webmaster}, {secretaryLogin, "ly", viewer.Secretary}, {editorLogin, "ly", viewer.Editor}} {
		at, _ := all.ByCode(s.code)
		acc, err := w.App.Accounts().CreateStaff(t.Context(), system, accounts.New{Login: s.login, Name: "Une personne de l’équipe", Email: s.login + "@equipe.example"})
		if err == nil {
			err = w.App.Accounts().Grant(t.Context(), system, acc.ID, s.role, at.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// personOf is the person behind a login.
func personOf(t testing.TB, w *webtest.World, login string) id.ID {
	t.Helper()
	person, err := w.App.People().PersonByLogin(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	return person
}

// census says of each table how many rows it has and what stands in them, so that any change shows.
func census(t testing.TB, d *db.DB) map[string]string {
	t.Helper()
	tables, err := d.Tables(t.Context())
	if err != nil || len(tables) == 0 {
		t.Fatalf("Tables() = %v, %v", tables, err)
	}
	out := map[string]string{}
	for _, table := range tables {
		var rows []string
		if err := d.Rows(t.Context(), table, func(values []any) error {
			rows = append(rows, fmt.Sprintf("%q", fmt.Sprint(values...)))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(rows)
		sum := sha256.Sum256([]byte(strings.Join(rows, "\n")))
		out[table.Name] = fmt.Sprintf("%d rows, %s", len(rows), hex.EncodeToString(sum[:6]))
	}
	return out
}

// variants is how many addresses of one path a crawl asks for: lists can be sorted and paged without end.
const variants = 12

// crawl follows every link, picture and form that leads by GET, from the given addresses on, and gives each answer
// by its address. It asks for nothing outside the site and never sends a form that changes something.
func crawl(t testing.TB, c *webtest.Client, from ...string) map[string]*webtest.Answer {
	t.Helper()
	out, seen := map[string]*webtest.Answer{}, map[string]int{}
	for queue := from; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		place, _, _ := strings.Cut(at, "?")
		if out[at] != nil || seen[place] >= variants || strings.HasPrefix(at, "/assets/") {
			continue
		}
		seen[place]++
		a := c.Get(at)
		out[at] = a
		queue = append(queue, leadsTo(t, at, a)...)
	}
	return out
}

// leadsTo are the addresses of this site that an answer names.
func leadsTo(t testing.TB, at string, a *webtest.Answer) []string {
	t.Helper()
	here, err := url.Parse(webtest.Origin + at)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	add := func(ref string) {
		to, err := here.Parse(ref)
		if err != nil || to.Scheme+"://"+to.Host != webtest.Origin {
			return
		}
		to.Path = path.Clean("/" + to.Path)
		out = append(out, to.RequestURI())
	}
	if to := a.Header.Get("Location"); to != "" {
		add(to)
	}
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		return out
	}
	a.Doc().Find("a[href], img[src], link[href], form[action]").Each(func(_ int, s *goquery.Selection) {
		if goquery.NodeName(s) == "form" && strings.EqualFold(s.AttrOr("method", "get"), "post") {
			return
		}
		for _, name := range []string{"href", "src", "action"} {
			if ref, ok := s.Attr(name); ok {
				add(ref)
			}
		}
	})
	return out
}

// sendsTo are the addresses to which an answer's forms and their buttons send what changes something.
func sendsTo(t testing.TB, at string, a *webtest.Answer) []string {
	t.Helper()
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		return nil
	}
	var out []string
	a.Doc().Find("form[method=post], [formaction]").Each(func(_ int, s *goquery.Selection) {
		to := s.AttrOr("formaction", s.AttrOr("action", at))
		if to, _, _ = strings.Cut(to, "#"); to == "" {
			to = at
		}
		out = append(out, to)
	})
	return out
}
