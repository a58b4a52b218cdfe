package desk

import (
	"strings"

	"amicale/internal/web"
)

// answeredPath is where an answer leads.
const answeredPath = "/connexion/activer/repondu"

// question shows a claimant what the desk asks.
func (p *Pages) question(r *web.Request) error { return p.questionForm(r, "", nil, 0) }

func (p *Pages) questionForm(r *web.Request, typed string, msgs map[string]string, status int) error {
	q, err := p.store.Question(r.Ctx(), r.PathValue("token"))
	if err != nil {
		return err
	}
	return r.Page(web.Page{Status: status, Title: r.T("desk.question_title"), Help: "activation-guichet",
		Content: questionPage(questionProps{Question: q, Path: AnswerPath + r.PathValue("token"), Typed: typed, Errors: msgs})})
}

func (p *Pages) answer(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	err = p.store.Answer(r.Ctx(), r.PathValue("token"), f.Text("words"))
	if err == nil {
		return r.Redirect(answeredPath)
	}
	if msgs, ok := r.Refused(err); ok {
		return p.questionForm(r, f.Text("words"), msgs, web.Status(err))
	}
	return err
}

func (p *Pages) answered(r *web.Request) error {
	return r.Page(web.Page{Title: r.T("desk.answered"), Help: "activation-guichet", Content: answeredPage()})
}

type questionProps struct {
	Question
	Path   string
	Typed  string
	Errors map[string]string
}

func paragraphs(text string) []string { return strings.Split(text, "\n\n") }
