package activation

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"amicale/internal/clock"
	"amicale/internal/fold"
	"amicale/internal/i18n"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/web"
)

// AskPath is where an activation begins.
const AskPath = "/connexion/activer"

// Pages are the two steps of an activation, the request to be added, and the page that notices lead to. Nobody
// needs to be signed in for them, and none says who is in the base.
type Pages struct {
	store     *Store
	people    *people.Store
	now       clock.Clock
	addresses *web.Limits // by where a request comes from
	targets   *web.Limits // by whom it is about, and by where the letter would go
	uploads   *web.Limits // by where it comes from
}

// NewPages makes the pages.
func NewPages(s *Store, p *people.Store, now clock.Clock) *Pages {
	return &Pages{store: s, people: p, now: now, addresses: web.NewLimits(now, 3*time.Minute, 15),
		targets: web.NewLimits(now, 10*time.Minute, 6), uploads: web.NewLimits(now, 10*time.Minute, 5)}
}

// Routes are the addresses everybody may ask for.
func (p *Pages) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + AskPath, Handler: web.Public(p.new)},
		{Pattern: "POST " + AskPath, Handler: web.Public(p.reach)},
		{Pattern: "POST " + AskPath + "/envoi", Handler: web.Public(p.create)},
		{Pattern: "GET " + AskPath + "/envoye", Handler: web.Public(p.created)},
		{Pattern: "GET " + AskPath + "/ajout", Handler: web.Public(p.newAddition)},
		{Pattern: "POST " + AskPath + "/ajout", Handler: web.Public(p.createAddition)},
		{Pattern: "GET " + AskPath + "/ajout/envoye", Handler: web.Public(p.additionCreated)},
		{Pattern: "GET " + StopPath + "{token}", Handler: web.Public(p.notice)},
		{Pattern: "POST " + StopPath + "{token}", Handler: web.Public(p.stop)},
	}
}

// new asks for the surname and the class year, and for nothing else.
func (p *Pages) new(r *web.Request) error { return p.stepOne(r, typedClaim{}, nil, 0) }

func (p *Pages) stepOne(r *web.Request, typed typedClaim, msgs map[string]string, status int) error {
	return r.Page(web.Page{Status: status, Title: r.T("activation.title"), Description: r.T("activation.lead"), Help: "activer-son-compte", Index: status == 0,
		Content: stepOnePage(askProps{typed, msgs})})
}

// typedClaim is a claim as it stands in a form, the year as it was typed.
type typedClaim struct {
	people.Claim
	YearText string
}

func readClaim(f *web.Form) typedClaim {
	c := typedClaim{YearText: f.Text("year")}
	c.Year, _ = strconv.Atoi(c.YearText) // what is no number is no year, and is said so
	c.FirstName, c.Surname, c.BirthSurname = f.Text("first_name"), f.Text("surname"), f.Text("birth_surname")
	c.School, c.Diploma, c.Department = f.Text("school"), people.Diploma(f.Text("diploma")), f.Text("department")
	c.Email, c.Phone, c.Words = f.Text("email"), f.Text("phone"), f.Text("words")
	return c
}

// reach is the second step. It looks nothing up: whatever name was typed, the page is the same.
func (p *Pages) reach(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	typed := readClaim(f)
	err = typed.ValidateName(p.now())
	if msgs, ok := r.Refused(err); err != nil && ok {
		return p.stepOne(r, typed, msgs, web.Status(err))
	}
	if err != nil {
		return err
	}
	return p.stepTwo(r, typed, nil, 0)
}

func (p *Pages) stepTwo(r *web.Request, typed typedClaim, msgs map[string]string, status int) error {
	return r.Page(web.Page{Status: status, Title: r.T("activation.title"), Help: "activer-son-compte", Content: stepTwoPage(askProps{typed, msgs})})
}

// create takes the request: one job, one page, whoever was asked for.
func (p *Pages) create(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	typed := readClaim(f)
	claim := people.Claim{Surname: typed.Surname, Year: typed.Year, Email: typed.Email, Phone: typed.Phone}
	err = claim.Validate(p.now())
	if err == nil {
		err = take(p.addresses, "address:"+web.Subnet(r.IP))
	}
	if err == nil {
		err = take(p.targets, "target:"+claim.Target(), "mail:"+fold.Email(claim.Email))
	}
	if err == nil {
		err = p.store.Ask(r.Ctx(), claim, i18n.Lang(r.Ctx()))
	}
	if err == nil {
		return r.Redirect(AskPath + "/envoye")
	}
	msgs, ok := r.Refused(err)
	if !ok {
		return err
	}
	if msgs["surname"] != "" || msgs["year"] != "" {
		return p.stepOne(r, typed, msgs, web.Status(err))
	}
	return p.stepTwo(r, typed, msgs, web.Status(err))
}

func take(limits *web.Limits, keys ...string) error {
	for _, k := range keys {
		if err := limits.Take(k); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pages) created(r *web.Request) error {
	return r.Page(web.Page{Title: r.T("activation.sent"), Help: "activer-son-compte", Content: sentPage()})
}

func (p *Pages) newAddition(r *web.Request) error {
	return p.additionForm(r, typedClaim{}, nil, 0)
}

func (p *Pages) additionForm(r *web.Request, typed typedClaim, msgs map[string]string, status int) error {
	schools, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	return r.Page(web.Page{Status: status, Title: r.T("activation.add_title"), Description: r.T("activation.add_lead"), Help: "pas-dans-la-base",
		Content: additionPage(additionProps{askProps{typed, msgs}, schools})})
}

// maxUpload is how much of a scan that is too big is read all the same, in bytes: what was typed beside it is kept,
// and who is answered while still sending gets a broken connection instead of the kind words.
const maxUpload = 24 << 20

// createAddition takes a request to be added, with the diploma.
func (p *Pages) createAddition(r *web.Request) error {
	r.LimitBody(maxUpload)
	f, err := r.Form()
	var typed typedClaim
	if err == nil {
		typed = readClaim(f)
		err = take(p.uploads, "address:"+web.Subnet(r.IP))
	}
	if err == nil {
		err = p.sendAddition(r, f, typed.Claim)
	}
	if err == nil {
		return r.Redirect(AskPath + "/ajout/envoye")
	}
	if msgs, ok := r.Refused(err); ok {
		if web.Status(err) == http.StatusRequestEntityTooLarge {
			msgs = map[string]string{"scan": r.T("activation.scan_too_big", i18n.Data{"Max": MaxScan >> 20})}
		}
		return p.additionForm(r, typed, msgs, web.Status(err))
	}
	return err
}

func (p *Pages) sendAddition(r *web.Request, f *web.Form, claim people.Claim) error {
	file, head, err := f.File("scan")
	if err != nil {
		return err
	}
	var u *Upload
	if file != nil {
		defer file.Close()
		u = &Upload{Name: head.Filename, Size: head.Size, Content: file}
	}
	return p.store.RequestAddition(r.Ctx(), claim, i18n.Lang(r.Ctx()), u)
}

func (p *Pages) additionCreated(r *web.Request) error {
	return r.Page(web.Page{Title: r.T("activation.add_sent"), Help: "activation-guichet", Content: additionSentPage()})
}

// notice shows what the link in a notice is about; it changes nothing, for mail programs open links by themselves.
func (p *Pages) notice(r *web.Request) error {
	n, err := p.store.Notice(r.Ctx(), r.PathValue("token"))
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("activation.stop_title"), Help: "ce-n-etait-pas-moi", Content: noticePage(n, StopPath+r.PathValue("token"))})
}

func (p *Pages) stop(r *web.Request) error {
	if err := p.store.Stop(r.Ctx(), r.PathValue("token"), i18n.Lang(r.Ctx())); err != nil {
		return err
	}
	return r.Redirect(StopPath + r.PathValue("token"))
}

type askProps struct {
	Typed  typedClaim
	Errors map[string]string
}

type additionProps struct {
	askProps
	Schools people.Associations
}

func additionFields() []string {
	return []string{"first_name", "surname", "birth_surname", "school", "year", "diploma", "department", "email", "phone", "scan", "words"}
}

// schoolOptions are the schools to choose from, after an empty choice.
func schoolOptions(schools people.Associations, chosen, none string) []ui.Option {
	out := []ui.Option{{Value: "", Label: none, Selected: chosen == ""}}
	for _, a := range schools {
		out = append(out, ui.Option{Value: a.Code, Label: a.School, Selected: a.Code == chosen})
	}
	return out
}

// diplomaOptions are the diplomas to choose from; label translates a key.
func diplomaOptions(chosen people.Diploma, label func(key string) string) []ui.Option {
	if !slices.Contains(people.Diplomas(), chosen) {
		chosen = people.Engineer
	}
	var out []ui.Option
	for _, d := range people.Diplomas() {
		out = append(out, ui.Option{Value: string(d), Label: label(d.Message()), Selected: d == chosen})
	}
	return out
}
