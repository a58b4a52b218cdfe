package profiles

import (
	"slices"
	"strings"
	"time"

	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// The forms of the page, by the anchor of their section.
const (
	formIdentity = "identite"
	formText     = "presentation"
	formPhoto    = "photo"
	formStudies  = "diplomes"
	formEmails   = "emails"
	formLifetime = "adresse"
	formPhones   = "telephones"
	formPostal   = "adresses"
)

// form is one of the page's forms: what stands in its fields, and what the server says about them.
type form struct {
	ID      string // also the prefix of its fields' ids
	Version string // of the section it was made from
	Values  map[string]string
	Msgs    map[string]string // nil unless it was refused
}

// typedForm is a form as it was sent.
func typedForm(formID string, f *web.Form, names ...string) form {
	out := form{ID: formID, Version: f.Text("version"), Values: map[string]string{}}
	for _, n := range names {
		out.Values[n] = f.Text(n)
	}
	return out
}

// at fills in a field: its id, what stands in it, what is wrong with it.
func (f form) at(p ui.FieldProps) ui.FieldProps {
	p.ID = f.ID + "-" + p.Name
	p.Value = f.Values[p.Name]
	p.Error = f.Msgs[p.Name]
	for i := range p.Options {
		p.Options[i].Selected = p.Options[i].Value == p.Value
	}
	return p
}

// errors are the messages for the summary above the form.
func (f form) errors(order ...string) []ui.FieldError {
	var out []ui.FieldError
	for name, m := range f.Msgs {
		if name != "" {
			out = append(out, ui.FieldError{Field: name, ID: f.ID + "-" + name, Message: m})
		}
	}
	slices.SortFunc(out, func(a, b ui.FieldError) int { return slices.Index(order, a.Field) - slices.Index(order, b.Field) })
	return out
}

func (f form) date(name string, wrong errs.Fields) time.Time {
	if f.Values[name] == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, f.Values[name])
	if err != nil {
		wrong.Add(name, "profile.date_bad")
	}
	return t
}

func dateValue(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// editProps is the page with all its forms.
type editProps struct {
	D        people.Dossier
	As       people.Associations
	Login    string
	Address  string // for life; "" without a login
	Prefers  bool   // that is the preferred one
	Lang     string
	Identity form
	Text     form
	Photo    form
	Studies  form
	Lifetime form
	Contacts map[id.ID]form
	New      map[people.ContactKind]form
	Refused  form     // the one that was refused, if any
	Sure     []string // logins that the names typed would add: the person is asked first
}

// formOf is the form made from the base, or the one that was refused.
func (p editProps) formOf(f form) form {
	if p.Refused.ID == f.ID {
		return p.Refused
	}
	return f
}

func newEditProps(d people.Dossier, as people.Associations, refused form) editProps {
	p := editProps{D: d, As: as, Refused: refused, Contacts: map[id.ID]form{}, New: map[people.ContactKind]form{}}
	p.Identity = p.formOf(identityForm(d))
	p.Text = p.formOf(textForm(d))
	p.Photo = p.formOf(form{ID: formPhoto, Values: audienceValues(audiencesOf(d, []people.Field{people.FieldPhoto}))})
	p.Studies = p.formOf(form{ID: formStudies, Values: audienceValues(audiencesOf(d, []people.Field{people.FieldStudies}))})
	p.Lifetime = p.formOf(form{ID: formLifetime, Values: audienceValues(audiencesOf(d, []people.Field{people.FieldLifetime}))})
	for _, c := range d.Contacts {
		p.Contacts[c.ID] = p.formOf(contactForm(c))
	}
	for _, k := range []people.ContactKind{people.Email, people.Phone, people.Postal} {
		c := people.ContactPoint{Kind: k, Purpose: people.Personal, Country: "FR", Audience: people.DefaultAudience(k)}
		f := contactForm(c)
		f.ID, f.Version = newID(k), ""
		p.New[k] = p.formOf(f)
	}
	return p
}

func newID(k people.ContactKind) string { return "nouveau-" + string(k) }

func audienceValues(list map[people.Field]viewer.Audience) map[string]string {
	out := map[string]string{}
	for f, a := range list {
		out["audience_"+string(f)] = string(a)
	}
	return out
}

func identityForm(d people.Dossier) form {
	i := IdentityOf(d)
	f := form{ID: formIdentity, Version: Version(i), Values: audienceValues(i.Audiences)}
	for name, value := range map[string]string{"civility": i.Civility, "first_names": i.FirstNames, "first_name": i.FirstName,
		"birth_surname": i.BirthSurname, "usage_surname": i.UsageSurname, "birth_date": dateValue(i.BirthDate)} {
		f.Values[name] = value
	}
	return f
}

func textForm(d people.Dossier) form {
	t := TextOf(d)
	f := form{ID: formText, Version: Version(t), Values: audienceValues(t.Audiences)}
	f.Values["headline"], f.Values["presentation"] = t.Headline, t.Presentation
	return f
}

// typedAudiences are the audiences sent with a section; a field that was not sent keeps its own.
func typedAudiences(f form, d people.Dossier, fields []people.Field) map[people.Field]viewer.Audience {
	out := audiencesOf(d, fields)
	for _, field := range fields {
		if a := f.Values["audience_"+string(field)]; a != "" {
			out[field] = viewer.Audience(a)
		}
	}
	return out
}

func (p *Pages) edit(r *web.Request) error { return p.page(r, 200, form{}, nil) }

// page shows everything; refused is the form that goes back to its writer.
func (p *Pages) page(r *web.Request, status int, refused form, sure []string) error {
	d, err := p.store.Own(r.Ctx(), r.Viewer)
	if err != nil {
		return err
	}
	as, err := p.store.Associations(r.Ctx())
	if err != nil {
		return err
	}
	props := newEditProps(d, as, refused)
	props.Login, props.Lang, props.Sure = d.CurrentLogin(), i18n.Lang(r.Ctx()), sure
	props.Address = as.Lifetime(props.Login, d.LifetimeAt())
	if p.store.Prefers != nil {
		if props.Prefers, err = p.store.Prefers(r.Ctx(), r.Viewer); err != nil {
			return err
		}
	}
	return r.Page(web.Page{Status: status, Title: r.T("profile.edit.title"), Help: "completer-mon-profil", Content: editPage(props)})
}

// saved leaves the word, with the way back where there is one, and returns to the section.
func (p *Pages) saved(r *web.Request, section string, undo id.ID, key string) error {
	f := web.Flash{Kind: "success", Key: key}
	if !undo.IsZero() {
		f.Undo = pathProfile + "/annuler/" + undo.String()
	}
	r.Flash(f)
	return r.Redirect(pathProfile + "#" + section)
}

// refused shows the form again as it was typed. After a change made elsewhere it takes the newer version along, so
// that sending it once more means: replace it.
func (p *Pages) refused(r *web.Request, typed form, err error) error {
	msgs, ok := r.Refused(err)
	if !ok {
		return err
	}
	typed.Msgs = msgs
	if typed.Values == nil {
		typed.Values = map[string]string{}
	}
	if errs.KindOf(err) == errs.Conflict {
		d, ownErr := p.store.Own(r.Ctx(), r.Viewer)
		if ownErr != nil {
			return ownErr
		}
		typed.Version = versionOf(d, typed)
	}
	return p.page(r, web.Status(err), typed, nil)
}

// versionOf is that of the section a form belongs to, now.
func versionOf(d people.Dossier, f form) string {
	switch f.ID {
	case formIdentity:
		return Version(IdentityOf(d))
	case formText:
		return Version(TextOf(d))
	}
	for _, c := range d.Contacts {
		if c.ID.String() == f.ID {
			return ContactVersion(c)
		}
	}
	return ""
}

func (p *Pages) updateIdentity(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	typed := typedForm(formIdentity, f, "civility", "first_names", "first_name", "birth_surname", "usage_surname", "birth_date",
		"audience_identity", "audience_birth_surname", "audience_birth_date")
	d, err := p.store.Own(r.Ctx(), r.Viewer)
	if err != nil {
		return err
	}
	wrong := errs.Fields{}
	in := Identity{
		Names: people.Names{Civility: typed.Values["civility"], FirstNames: typed.Values["first_names"], FirstName: typed.Values["first_name"],
			BirthSurname: typed.Values["birth_surname"], UsageSurname: typed.Values["usage_surname"]},
		BirthDate: typed.date("birth_date", wrong), Audiences: typedAudiences(typed, d, IdentityFields()),
	}
	if err = wrong.Err(); err == nil {
		err = in.Validate(d, p.store.Today())
	}
	if err != nil {
		return p.refused(r, typed, err)
	}
	as, err := p.store.Associations(r.Ctx())
	if err != nil {
		return err
	}
	if logins := NewLogins(d, as, in.Names); len(logins) > 0 && f.Text("sure") != strings.Join(logins, " ") {
		return p.page(r, 200, typed, logins) // yes was said to these logins alone
	}
	undo, err := p.store.SaveIdentity(r.Ctx(), r.Actor(), in, typed.Version)
	if err != nil {
		return p.refused(r, typed, err)
	}
	return p.saved(r, formIdentity, undo, "profile.saved")
}

func (p *Pages) updateText(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	typed := typedForm(formText, f, "headline", "presentation", "audience_headline", "audience_presentation")
	d, err := p.store.Own(r.Ctx(), r.Viewer)
	if err != nil {
		return err
	}
	in := Text{Headline: typed.Values["headline"], Presentation: typed.Values["presentation"], Audiences: typedAudiences(typed, d, TextFields())}
	undo, err := p.store.SaveText(r.Ctx(), r.Actor(), in, typed.Version)
	if err != nil {
		return p.refused(r, typed, err)
	}
	return p.saved(r, formText, undo, "profile.saved")
}

func (p *Pages) updateStudies(r *web.Request) error {
	return p.updateAudience(r, people.FieldStudies, formStudies)
}

func (p *Pages) updateLifetime(r *web.Request) error {
	return p.updateAudience(r, people.FieldLifetime, formLifetime)
}

// updateAudience keeps who sees a field that has nothing else to say in its form.
func (p *Pages) updateAudience(r *web.Request, field people.Field, formID string) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	typed := typedForm(formID, f, "audience_"+string(field))
	undo, err := p.store.SaveAudience(r.Ctx(), r.Actor(), field, viewer.Audience(typed.Values["audience_"+string(field)]))
	if err != nil {
		return p.refused(r, typed, err)
	}
	return p.saved(r, formID, undo, "profile.saved")
}

func (p *Pages) undo(r *web.Request) error {
	undo, err := r.ID("undo")
	if err != nil {
		return err
	}
	if err := p.store.Undo(r.Ctx(), r.Actor(), undo); err != nil {
		if m, ok := errs.MessageOf(err); ok {
			r.Flash(web.Flash{Kind: "warning", Key: m.Key})
			return r.Redirect(pathProfile)
		}
		return err
	}
	return r.Done(pathProfile, "profile.undone")
}
