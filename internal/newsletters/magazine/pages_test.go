package magazine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/newsletters"
	"amicale/internal/newsletters/magazine"
	"amicale/internal/newsletters/segments"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/picture"
	"amicale/internal/subscriptions"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

const origin = "http://site.example"

type world struct {
	t       *testing.T
	db      *db.DB
	people  *people.Store
	subs    *subscriptions.Store
	letters *newsletters.Store
	store   *magazine.Store
	web     *web.Site
	handler http.Handler
	viewers map[id.ID]viewer.Viewer
	now     time.Time
	ly, re  people.Association
}

type nobody struct{}

func (nobody) AccountsWithRole(context.Context, viewer.RoleName, id.ID) ([]newsletters.Holder, error) {
	return nil, nil
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC), viewers: map[id.ID]viewer.Viewer{}}
	now := clock.At(w.now)
	w.people = people.NewStore(d, changes.NewStore(d, now), now)
	for code, a := range map[string]*people.Association{"ly": &w.ly, "re": &w.re} {
		*a = people.Association{Code: code, Name: "AIL " + code, School: "INSA " + code, Host: code + ".example", MailDomain: code + ".example", Color: "#8a1538"}
		w.must(w.people.SaveAssociation(t.Context(), viewer.ForSystem("test"), a))
	}
	bundle, err := i18n.Load(magazine.Messages, newsletters.Messages, people.Messages, mail.Messages, ui.Messages, web.Messages)
	w.must(err)
	files, err := blob.OpenDisk(t.TempDir())
	w.must(err)
	name := func(context.Context) (string, error) { return "La Fédération", nil }
	trail := audit.NewTrail(d, now)
	w.subs = subscriptions.NewStore(subscriptions.Deps{DB: d, People: w.people, Trail: trail, Now: now, Secret: []byte("sixteen octets and more"), Origin: origin, Federation: name})
	w.letters = newsletters.NewStore(newsletters.Deps{
		DB: d, People: w.people, Trail: trail, Queue: jobs.NewQueue(d, now), Post: outbox.New(d, now, outbox.Options{Demo: true}), Blobs: files, Pictures: picture.NewReader(),
		Segments:      segments.NewStore(segments.Deps{DB: d, People: w.people, Subscriptions: w.subs, Now: now}),
		Subscriptions: w.subs, Staff: nobody{}, Bundle: bundle, Origin: origin, Domain: "federation.example", Federation: name, Now: now,
	})
	w.store = magazine.NewStore(magazine.Deps{DB: d, People: w.people, Trail: trail, Blobs: files, Letters: w.letters, Subscriptions: w.subs, Bundle: bundle, Origin: origin, Now: now})
	w.web = &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: now, Bundle: bundle, Sessions: web.NewSessions(d, now), Origin: origin, Metrics: web.NewMetrics(prometheus.NewRegistry()),
		Identify: func(_ context.Context, x web.Session) (viewer.Viewer, web.Identity, error) {
			return w.viewers[x.AccountID], web.Identity{Name: "Quelqu’un"}, nil
		},
		Frame: func(_ *web.Request, p web.Page) templ.Component { return p.Content },
		Problem: func(_ *web.Request, status int, message string) templ.Component {
			return templ.ComponentFunc(func(_ context.Context, o io.Writer) error {
				_, err := fmt.Fprintf(o, "%d %s", status, templ.EscapeString(message))
				return err
			})
		},
	}
	w.handler, err = w.web.Handler(magazine.NewPages(w.store).Routes(), nil)
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// add is a graduate of Lyon who pays there, with an address, unless change says otherwise.
func (w *world) add(name string, change func(*people.Dossier)) id.ID {
	w.t.Helper()
	d := people.Dossier{Person: people.Person{FirstName: "Ada", BirthSurname: name, Status: people.Graduate},
		Degrees: []people.Degree{{AssociationID: w.ly.ID, ClassYear: 2010, Diploma: people.Engineer}},
		Contacts: []people.ContactPoint{{Kind: people.Email, Value: strings.ToLower(name) + "@exemple.fr", Preferred: true, Origin: "import"},
			{Kind: people.Postal, Purpose: people.Personal, Street: "1 rue " + name, Postcode: "69100", City: "Villeurbanne", Country: "FR"}},
		Memberships: []people.Membership{{AssociationID: w.ly.ID, StartsOn: w.now.AddDate(0, -1, 0), EndsOn: w.now.AddDate(0, 6, 0), Origin: "import"}}}
	if change != nil {
		change(&d)
	}
	list := []people.Dossier{d}
	w.must(w.people.Insert(w.t.Context(), viewer.ForSystem("test"), list))
	return list[0].ID
}

func staff(role viewer.RoleName, a id.ID) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: role, Association: a}}}
}

func self(person id.ID, member bool) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: person, Member: member}
}

var missing = regexp.MustCompile(`\b(newsletters|magazine|people|ui)\.[a-z_]+(\.[a-z_0-9]+)*\b`)

func (w *world) do(v viewer.Viewer, req *http.Request) *httptest.ResponseRecorder {
	w.t.Helper()
	if !v.Account.IsZero() {
		w.viewers[v.Account] = v
		token, _, err := w.web.Sessions.Start(w.t.Context(), v.Account, true, "192.0.2.1", "test")
		w.must(err)
		req.AddCookie(&http.Cookie{Name: "amicale", Value: token})
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, req)
	if key := missing.FindString(rec.Body.String()); key != "" && strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") {
		w.t.Errorf("%s %s shows the key %q", req.Method, req.URL, key)
	}
	return rec
}

func (w *world) get(v viewer.Viewer, path string) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.do(v, httptest.NewRequest("GET", origin+path, nil))
}

func (w *world) post(v viewer.Viewer, path string, form ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	req := httptest.NewRequest("POST", origin+path, strings.NewReader(values.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.do(v, req)
}

func (w *world) upload(v viewer.Viewer, title string, content []byte, of ...people.Association) *httptest.ResponseRecorder {
	w.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	w.must(m.WriteField("title", title))
	for _, a := range of {
		w.must(m.WriteField("association", a.ID.String()))
	}
	part, err := m.CreateFormFile("file", "numero.pdf")
	w.must(err)
	_, err = part.Write(content)
	w.must(err)
	w.must(m.Close())
	req := httptest.NewRequest("POST", origin+"/admin/magazine", &b)
	req.Header.Set("Content-Type", m.FormDataContentType())
	return w.do(v, req)
}

func pdf(t *testing.T) []byte {
	t.Helper()
	b, err := magazine.Sheets("numéro", nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnIssueByItsPages(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		of := pdf(t)
		payer := w.add("Payeur", nil)
		lapsed := w.add("Passe", func(d *people.Dossier) { d.Memberships = nil })
		rennes := w.add("Rennais", func(d *people.Dossier) {
			d.Degrees[0].AssociationID, d.Memberships[0].AssociationID = w.re.ID, w.re.ID
		})
		editor := staff(viewer.Editor, w.ly.ID)
		want := func(what string, got *httptest.ResponseRecorder, status int, texts ...string) *httptest.ResponseRecorder {
			t.Helper()
			if got.Code != status {
				t.Fatalf("%s: status %d, want %d\n%.800s", what, got.Code, status, got.Body)
			}
			for _, s := range texts {
				if !strings.Contains(got.Body.String(), s) {
					t.Errorf("%s lacks %q:\n%.2000s", what, s, got.Body)
				}
			}
			return got
		}
		want("an empty form", w.upload(editor, "", nil), 422, "À remplir", "au moins une association", "Choisis le PDF")
		want("no PDF", w.upload(editor, "INTERFACE 125", []byte("bonjour"), w.ly), 422, "pas un PDF entier", `value="INTERFACE 125"`)
		want("half a PDF", w.upload(editor, "INTERFACE 125", of[:len(of)/2], w.ly), 422, "pas un PDF entier")
		want("too large", w.upload(editor, "INTERFACE 125", append([]byte("%PDF-"), make([]byte, magazine.MaxFile)...), w.ly), 422, "plus de 30")
		want("another's", w.upload(editor, "INTERFACE 125", of, w.ly, w.re), 403)
		at := want("a PDF", w.upload(editor, "INTERFACE {{125}}", of, w.ly), 303).Header().Get("Location")
		issue := at[strings.LastIndexByte(at, '/')+1:]
		read := "/magazine/" + issue

		for what, c := range map[string]struct {
			v             viewer.Viewer
			before, after int
		}{
			"guest": {viewer.Viewer{}, 303, 303}, "payer": {self(payer, true), 404, 200}, "lapsed": {self(lapsed, false), 404, 403}, "payer of another": {self(rennes, true), 404, 403},
			"editor": {editor, 200, 200}, "editor of another": {staff(viewer.Editor, w.re.ID), 404, 403}, "secretary": {staff(viewer.Secretary, w.ly.ID), 404, 403},
			"recruiter": {viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}, 404, 403}, "federation": {staff(viewer.FederationAdmin, id.ID{}), 200, 200},
		} {
			want(what+", before", w.get(c.v, read), c.before)
			defer func() { want(what+", after", w.get(c.v, read), c.after) }()
		}
		want("the list", w.get(editor, "/admin/magazine"), 200, "INTERFACE 125", "AIL ly")
		want("another's list", w.get(staff(viewer.Editor, w.re.ID), "/admin/magazine"), 200, "Nouveau numéro")
		want("another's issue", w.get(staff(viewer.Editor, w.re.ID), at), 404)
		want("published by another", w.post(staff(viewer.Editor, w.re.ID), at+"/publier", "association", w.ly.ID.String()), 404)
		want("the issue", w.get(editor, at), 200, "Pas encore publié", "Publier et écrire la lettre")
		letter := want("published", w.post(editor, at+"/publier", "association", w.ly.ID.String()), 303).Header().Get("Location")
		want("published twice", w.post(editor, at+"/publier", "association", w.ly.ID.String()), 409, "déjà publié")

		campaign, err := id.Parse(letter[strings.LastIndexByte(letter, '/')+1:])
		w.must(err)
		c, err := w.letters.ByID(t.Context(), editor, campaign)
		w.must(err)
		findings, err := w.letters.Findings(t.Context(), c)
		if err != nil || len(findings) != 0 || c.Kind != newsletters.Magazine || c.SenderID != w.ly.ID {
			t.Errorf("the letter: %+v, %+v, %v", c, findings, err)
		}
		shown, err := w.letters.Show(t.Context(), editor, campaign, "fr", id.ID{})
		if err != nil || shown.Subject != "INTERFACE 125 vient de paraître" || !strings.Contains(shown.HTML, origin+read) || !strings.Contains(shown.Text, "Bonjour Camille,") {
			t.Errorf("the letter: %+v, %v", shown, err)
		}
		n, err := w.letters.Segments.Count(t.Context(), editor, c.Ask())
		if err != nil || n.Reached != 1 {
			t.Errorf("it reaches %+v, %v, want the one who pays", n, err)
		}
		got := want("the payer's", w.get(self(payer, true), read), 200)
		if got.Header().Get("Content-Type") != "application/pdf" || !bytes.Equal(got.Body.Bytes(), of) || strings.Contains(got.Header().Get("Cache-Control"), "public") {
			t.Errorf("the file: %v, %d octets", got.Header(), got.Body.Len())
		}
		want("the payer's shelf", w.get(self(payer, true), "/magazine"), 200, "INTERFACE 125")
		want("the lapsed one's shelf", w.get(self(lapsed, false), "/magazine"), 200, "cotisation est à jour")
		want("the lapsed one is told why", w.get(self(lapsed, false), read), 403, "cotisation")
		want("withdrawn", w.post(editor, at+"/retirer", "association", w.ly.ID.String()), 303)
		want("after it was withdrawn", w.get(self(payer, true), read), 404)
		want("published again", w.post(editor, at+"/publier", "association", w.ly.ID.String()), 303)
	})
}

func TestLabels(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		says := func(yes bool) func(*people.Dossier) {
			return func(d *people.Dossier) {
				d.Consents = []people.Consent{{Kind: "paper", Granted: yes, At: w.now, Origin: "import"}}
			}
		}
		w.add("Papier", says(true))
		w.add("Numerique", nil)
		w.add("Jamais", says(false))
		noMail := w.add("Poste", nil)
		w.must(w.subs.Refuse(ctx, viewer.Actor{Viewer: viewer.ForSystem("test")}, noMail, subscriptions.Cell{Sender: w.ly.ID, Kind: subscriptions.Magazine}, subscriptions.ByComplaint))
		w.add("Perdu", func(d *people.Dossier) { says(true)(d); d.Contacts = d.Contacts[:1] })
		w.add("Ancien", func(d *people.Dossier) { says(true)(d); d.Memberships = nil })
		w.add("Ailleurs", func(d *people.Dossier) { says(true)(d); d.Degrees[0].AssociationID = w.re.ID })
		made := w.upload(staff(viewer.Webmaster, w.ly.ID), "INTERFACE", pdf(t), w.ly)
		at := made.Header().Get("Location")
		for what, c := range map[string]struct {
			v      viewer.Viewer
			status int
			names  []string
		}{
			"webmaster": {staff(viewer.Webmaster, w.ly.ID), 200, []string{"Papier", "Poste"}}, "secretary": {staff(viewer.Secretary, w.ly.ID), 200, []string{"Papier", "Poste"}},
			"federation": {staff(viewer.FederationAdmin, id.ID{}), 200, []string{"Papier", "Poste", "Ailleurs"}},
			"editor":     {staff(viewer.Editor, w.ly.ID), 403, nil}, "webmaster elsewhere": {staff(viewer.Webmaster, w.re.ID), 404, nil}, "guest": {viewer.Viewer{}, 303, nil},
			"member": {self(id.New(), true), 403, nil},
		} {
			got := w.get(c.v, at+"/ly/etiquettes.csv")
			if got.Code != c.status {
				t.Errorf("%s: %d, want %d", what, got.Code, c.status)
			}
			for _, name := range []string{"Papier", "Poste", "Numerique", "Jamais", "Perdu", "Ancien", "Ailleurs"} {
				want := false
				for _, n := range c.names {
					want = want || n == name
				}
				if strings.Contains(got.Body.String(), name) != want {
					t.Errorf("%s: %s in the list: %v, want %v:\n%s", what, name, !want, want, got.Body)
				}
			}
			if c.status == 200 {
				if got := w.get(c.v, at+"/ly/etiquettes.pdf"); got.Code != 200 || !strings.HasPrefix(got.Body.String(), "%PDF-") {
					t.Errorf("%s: sheets %d", what, got.Code)
				}
			}
		}
		if got := w.get(staff(viewer.Secretary, w.ly.ID), at).Body.String(); !strings.Contains(got, "2 étiquettes") || !strings.Contains(got, "1 personne n’a pas d’adresse") || strings.Contains(got, "Publier et écrire") {
			t.Errorf("the secretary's page:\n%s", got)
		}
		n, err := db.One[int](ctx, d, `SELECT count(*) FROM audit WHERE action = 'magazine.labels_made'`)
		if err != nil || n != 6 {
			t.Errorf("%d lines in the trail, %v", n, err)
		}
	})
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(magazine.Messages)
	if err != nil {
		t.Fatal(err)
	}
	if fr, en := strings.Join(b.Keys("fr"), " "), strings.Join(b.Keys("en"), " "); fr != en {
		t.Errorf("the keys differ:\n%s\n%s", fr, en)
	}
}
