package newsletters_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/newsletters"
	"amicale/internal/newsletters/compose"
	"amicale/internal/newsletters/segments"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/picture"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// refusals stands for the subscriptions: it remembers who said no to which kind of whom.
type refusals struct {
	mu  sync.Mutex
	no  map[string]bool
	ask func() // called at every question; may be nil
}

func refusal(person, sender id.ID, kind string) string {
	return person.String() + sender.String() + kind
}

func (r *refusals) refuse(person, sender id.ID, kind newsletters.Kind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.no[refusal(person, sender, string(kind))] = true
}

func (r *refusals) Refusing(_ context.Context, sender id.ID, kind string, persons []id.ID) (map[id.ID]bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ask != nil {
		r.ask()
	}
	out := map[id.ID]bool{}
	for _, p := range persons {
		if r.no[refusal(p, sender, kind)] {
			out[p] = true
		}
	}
	return out, nil
}

func (r *refusals) Links(_ context.Context, person, sender id.ID, kind string) (oneClick, page string) {
	return origin + "/d/" + person.String() + kind, origin + "/moi/abonnements"
}

// roles stands for the accounts: each association has an editor and a webmaster, the federation an admin.
type roles struct{ w *world }

func (r roles) AccountsWithRole(_ context.Context, role viewer.RoleName, association id.ID) ([]newsletters.Holder, error) {
	if role == viewer.FederationAdmin {
		return []newsletters.Holder{{Name: "Fédé", Email: "fede@exemple.fr", Lang: "fr"}}, nil
	}
	for code, a := range map[string]people.Association{"ly": r.w.ly, "re": r.w.re} {
		if a.ID == association {
			return []newsletters.Holder{{Name: string(role), Email: string(role) + "@" + code + ".example", Lang: "en"}}, nil
		}
	}
	return nil, nil
}

const origin = "http://site.example"

// world is the store over a fresh database with two schools, and a clock that can be turned.
type world struct {
	*newsletters.Store
	t        testing.TB
	db       *db.DB
	people   *people.Store
	trail    *audit.Trail
	queue    *jobs.Queue
	box      *outbox.Outbox
	segments *segments.Store
	refusals *refusals
	subs     newsletters.Subscriptions
	source   *newsletters.Source
	ly, re   people.Association

	mu sync.Mutex
	at time.Time
}

func (w *world) now() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at }

func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.at = w.at.Add(d) }

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, at: clock.Trim(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)), refusals: &refusals{no: map[string]bool{}}}
	w.people = people.NewStore(d, changes.NewStore(d, w.now), w.now)
	for code, a := range map[string]*people.Association{"ly": &w.ly, "re": &w.re} {
		*a = people.Association{Code: code, Name: "AIL " + code, School: "INSA " + code, Host: code + ".example", MailDomain: code + ".example", Color: "#8a1538"}
		w.must(w.people.SaveAssociation(t.Context(), viewer.ForSystem("test"), a))
	}
	w.trail, w.queue = audit.NewTrail(d, w.now), jobs.NewQueue(d, w.now)
	w.box = outbox.New(d, w.now, outbox.Options{From: mail.Address{Address: "site@site.example"}, Demo: true})
	w.subscribe(w.refusals)
	return w
}

// subscribe has the store know from these who wants what.
func (w *world) subscribe(s newsletters.Subscriptions) {
	w.t.Helper()
	w.subs = s
	w.segments = segments.NewStore(segments.Deps{DB: w.db, People: w.people, Subscriptions: s, Now: w.now})
	w.Store = w.another()
	w.source = newsletters.NewSource(w.Store)
}

// another is a second store over the same database, as another process would have.
func (w *world) another() *newsletters.Store {
	w.t.Helper()
	bundle, err := i18n.Load(newsletters.Messages, people.Messages, mail.Messages, ui.Messages, web.Messages)
	w.must(err)
	files, err := blob.OpenDisk(w.t.TempDir())
	w.must(err)
	tokens := mail.NewTokens([]byte("sixteen octets and more"))
	return newsletters.NewStore(newsletters.Deps{
		DB: w.db, People: w.people, Trail: w.trail, Queue: w.queue, Post: w.box, Blobs: files, Pictures: picture.NewReader(), Segments: w.segments, Subscriptions: w.subs,
		Staff: roles{w}, Bundle: bundle, Origin: origin, Domain: "federation.example", Returns: &tokens, Now: w.now,
		Federation: func(context.Context) (string, error) { return "La Fédération", nil },
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) refused(what string, err error, kind errs.Kind) {
	w.t.Helper()
	if !errors.Is(err, kind) {
		w.t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

// run does every job that is due.
func (w *world) run() {
	w.t.Helper()
	r := jobs.NewRunner(w.queue, jobs.RunnerOptions{})
	newsletters.NewJobs(w.Store).Register(r)
	w.must(r.RunDue(w.t.Context()))
}

// add puts somebody into the base; change may be nil.
func (w *world) add(name string, a people.Association, year int, change func(*people.Dossier)) id.ID {
	w.t.Helper()
	d := people.Dossier{Person: people.Person{FirstName: "Ada", BirthSurname: name, Status: people.Graduate},
		Degrees:  []people.Degree{{AssociationID: a.ID, ClassYear: year, Diploma: people.Engineer, Department: "GE"}},
		Contacts: []people.ContactPoint{{Kind: people.Email, Value: strings.ToLower(name) + "@exemple.fr", Preferred: true, Origin: "import"}}}
	if change != nil {
		change(&d)
	}
	list := []people.Dossier{d}
	w.must(w.people.Insert(w.t.Context(), viewer.ForSystem("test"), list))
	w.must(w.people.GenerateLoginsFor(w.t.Context(), list[0].ID))
	return list[0].ID
}

// crowd are n graduates of a school.
func (w *world) crowd(a people.Association, n int) []id.ID {
	w.t.Helper()
	var list []people.Dossier
	for i := range n {
		list = append(list, people.Dossier{Person: people.Person{FirstName: "Ada", BirthSurname: fmt.Sprintf("Nombre%d", i), Status: people.Graduate},
			Degrees:  []people.Degree{{AssociationID: a.ID, ClassYear: 1990 + i%30, Diploma: people.Engineer}},
			Contacts: []people.ContactPoint{{Kind: people.Email, Value: fmt.Sprintf("nombre%d@exemple.fr", i), Preferred: true, Origin: "import"}}})
	}
	w.must(w.people.Insert(w.t.Context(), viewer.ForSystem("test"), list))
	var out []id.ID
	for _, d := range list {
		out = append(out, d.ID)
	}
	return out
}

func actor(name viewer.RoleName, a id.ID) viewer.Actor {
	return viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: name, Association: a}}}, Name: string(name)}
}

func federation() viewer.Actor { return actor(viewer.FederationAdmin, id.ID{}) }

func (w *world) editor() viewer.Actor { return actor(viewer.Editor, w.ly.ID) }

// words are a letter that nothing keeps from leaving.
func words() map[string]compose.Written {
	body := strings.Repeat("Des nouvelles de tout le monde. ", 10)
	return map[string]compose.Written{
		"fr": {Subject: "{{prenom}}, les nouvelles", Preheader: "Ce mois-ci", Body: "Bonjour {{prenom}} {{nom}}, promo {{promo}}.\n\n" + body + "\n\n[Le gala](https://exemple.fr/gala) et [l’emploi](https://exemple.fr/emploi)"},
		"en": {Subject: "{{prenom}}, the news", Preheader: "This month", Body: "Hello {{prenom}}.\n\n" + body + "\n\n[The gala](https://exemple.fr/gala)"},
	}
}

// draft is a letter of Lyon's to all its own, unless change says otherwise.
func (w *world) draft(change func(*newsletters.Campaign)) newsletters.Campaign {
	w.t.Helper()
	c := newsletters.Campaign{SenderID: w.ly.ID, Kind: newsletters.News, Title: "Juin", Versions: words()}
	if change != nil {
		change(&c)
	}
	made, err := w.Create(w.t.Context(), federation(), c)
	w.must(err)
	w.must(w.SaveSegment(w.t.Context(), federation(), made, c.Segment))
	return w.show(made)
}

func (w *world) show(campaign id.ID) newsletters.Campaign {
	w.t.Helper()
	c, err := w.ByID(w.t.Context(), federation().Viewer, campaign)
	w.must(err)
	return c
}

// started is a draft that has been started, with all its recipients made.
func (w *world) started(change func(*newsletters.Campaign)) newsletters.Campaign {
	w.t.Helper()
	c := w.draft(change)
	n, err := w.segments.Count(w.t.Context(), federation().Viewer, c.Ask())
	w.must(err)
	w.must(w.Start(w.t.Context(), federation(), c.ID, n.Reached))
	w.run()
	return w.show(c.ID)
}

// claim takes parcels as a courier does.
func (w *world) claim(n int, without ...string) []outbox.Parcel {
	w.t.Helper()
	list, err := w.source.Claim(w.t.Context(), time.Hour, n, without)
	w.must(err)
	return list
}

// settle gives every parcel the outcome that answer says.
func (w *world) settle(list []outbox.Parcel, answer func(i int, p outbox.Parcel) outbox.Outcome) {
	w.t.Helper()
	var out []outbox.Outcome
	for i, p := range list {
		o := answer(i, p)
		o.Parcel = p
		out = append(out, o)
	}
	w.must(w.source.Settle(w.t.Context(), out))
}

func arrived(int, outbox.Parcel) outbox.Outcome {
	return outbox.Outcome{State: outbox.Sent, Class: mail.Delivered}
}

func dead(int, outbox.Parcel) outbox.Outcome {
	return outbox.Outcome{State: outbox.Failed, Class: mail.Dead, Reply: mail.Reply{Code: 550, Enhanced: "5.1.1", Text: "no such user"}}
}

func sprint(v any) string { return fmt.Sprintf("%+v", v) }
