package desk

import (
	"net/url"
	"slices"

	"amicale/internal/i18n"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// replyProps are the answers of one association.
type replyProps struct {
	School  people.Association
	Schools people.Associations // that the viewer answers for
	Replies []Reply
	Errors  map[string]string
	Typed   Reply
	BuiltIn string
}

func (p *Pages) listReplies(r *web.Request) error {
	return p.replies(r, r.URL.Query().Get("ecole"), replyProps{}, 0)
}

func (p *Pages) replies(r *web.Request, code string, props replyProps, status int) error {
	all, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	props.Schools = slices.DeleteFunc(all, func(a people.Association) bool { return !r.Viewer.HasAt(a.ID, viewer.Webmaster) })
	if len(props.Schools) == 0 {
		return r.Page(web.Page{Title: r.T("desk.replies"), Help: "guichet", Content: noSchoolPage()})
	}
	props.School = props.Schools[0]
	if a, ok := props.Schools.ByCode(code); ok {
		props.School = a
	}
	if props.Replies, err = p.store.Replies(r.Ctx(), r.Viewer, props.School.ID); err != nil {
		return err
	}
	return r.Page(web.Page{Status: status, Title: r.T("desk.replies"), Help: "guichet", Content: repliesPage(props)})
}

func (p *Pages) updateReply(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	schools, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	school, _ := schools.ByCode(f.Text("ecole"))
	version, _ := f.Int("version")
	reply := Reply{ID: formID(f, "reply"), AssociationID: school.ID, Purpose: Purpose(f.Text("purpose")), Lang: f.Text("lang"), Title: f.Text("title"),
		Body: f.Text("body"), Version: version}
	err = p.store.SaveReply(r.Ctx(), r.Actor(), reply, f.Text("builtin"))
	if err == nil {
		return r.Done(repliesPath+"?ecole="+url.QueryEscape(school.Code), "desk.done.reply_saved")
	}
	if msgs, ok := r.Refused(err); ok {
		return p.replies(r, school.Code, replyProps{Errors: msgs, Typed: reply, BuiltIn: f.Text("builtin")}, web.Status(err))
	}
	return err
}

func (p *Pages) removeReply(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	reply, err := r.ID("id")
	if err != nil {
		return err
	}
	schools, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	school, _ := schools.ByCode(f.Text("ecole"))
	if err := p.store.RemoveReply(r.Ctx(), r.Actor(), school.ID, reply); err != nil {
		return err
	}
	return r.Done(repliesPath+"?ecole="+url.QueryEscape(school.Code), "desk.done.reply_removed")
}

// mine reports whether a form that was refused is this reply's.
func (p replyProps) mine(r Reply) bool {
	if len(p.Errors) == 0 {
		return false
	}
	if r.ID.IsZero() {
		return p.Typed.ID.IsZero() && p.BuiltIn == r.Title && p.Typed.Lang == r.Lang
	}
	return p.Typed.ID == r.ID
}

// shown is a reply as its form shows it: as typed where that was refused.
func (p replyProps) shown(r Reply) Reply {
	if p.mine(r) {
		r.Title, r.Body = p.Typed.Title, p.Typed.Body
	}
	return r
}

func (p replyProps) errs(r Reply) map[string]string {
	if p.mine(r) {
		return p.Errors
	}
	return nil
}

// adding reports whether the form of a new reply was refused.
func (p replyProps) adding() bool {
	return len(p.Errors) > 0 && p.Typed.ID.IsZero() && p.BuiltIn == ""
}

func langOptions(chosen string) []ui.Option {
	names := map[string]string{"fr": "Français", "en": "English"} // each in its own language
	var out []ui.Option
	for _, l := range i18n.Langs() {
		out = append(out, ui.Option{Value: l, Label: names[l], Selected: l == chosen})
	}
	return out
}
