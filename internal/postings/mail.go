package postings

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/i18n"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
)

// Reply is a letter kept ready.
type Reply struct {
	Title string
	Body  string
}

// Replies are the letters kept ready for who keeps an offer, or refuses it.
func (s *Store) Replies(ctx context.Context, lang string, keep bool) []Reply {
	ctx = s.bundle.With(ctx, lang)
	purpose := "refuse"
	if keep {
		purpose = "keep"
	}
	var out []Reply
	for n := 1; ; n++ {
		key := fmt.Sprintf("postings.reply.%s.%d", purpose, n)
		title := i18n.T(ctx, key+".title")
		if title == key+".title" {
			return out
		}
		out = append(out, Reply{title, i18n.T(ctx, key+".body")})
	}
}

// answer tells a proven sender that his offer came and what of it was not taken; once a day, and no machine.
func (s *Store) answer(ctx context.Context, d Draft, o Offer, files []File, all people.Associations) error {
	if !d.Answerable() || o.Machine || ownAddress(d.Sender, all) {
		return nil
	}
	if _, err := mail.ParseAddress(d.Sender); err != nil { // no server takes it
		return nil
	}
	first, err := s.mayAnswer(ctx, d.Sender)
	if err != nil || !first {
		return err
	}
	ctx = s.bundle.With(ctx, d.Lang)
	data := i18n.Data{}
	var left []string
	for _, f := range files {
		if f.Verdict != FileKept && f.Verdict != FileRead {
			left = append(left, i18n.T(ctx, "postings.mail.left", i18n.Data{"Name": f.Name, "Why": i18n.T(ctx, f.Verdict.Message())}))
		}
	}
	data["Left"] = strings.Join(left, "\n")
	return s.letter(ctx, d, "received", data, nil)
}

// ownAddress reports whether an address is one of those that take offers: two of them must not thank each other.
func ownAddress(address string, all people.Associations) bool {
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	_, takes := alias(local)
	for _, d := range mailDomains(all) {
		if takes && d == domain {
			return true
		}
	}
	return false
}

// sendReply sends a letter kept ready, with what the staff added.
func (s *Store) sendReply(ctx context.Context, d Draft, r Reply, words string) error {
	var paragraphs []string
	for _, text := range []string{r.Body, words} {
		if text != "" {
			paragraphs = append(paragraphs, strings.Split(text, "\n\n")...)
		}
	}
	return s.letter(s.bundle.With(ctx, d.Lang), d, "decided", nil, paragraphs)
}

// messageID is one that may be put into a header of ours (RFC 5322 §3.6.4, without what is obsolete).
var messageID = regexp.MustCompile(`^<[!-;=?-~]{3,250}>$`)

// letter writes to the sender of a draft in the association's name, as an answer to his message.
func (s *Store) letter(ctx context.Context, d Draft, name string, data i18n.Data, paragraphs []string) error {
	a, err := s.associationOf(ctx, d.AssociationID)
	if err != nil {
		return err
	}
	if data == nil {
		data = i18n.Data{}
	}
	data["Title"], data["School"] = d.Heading(), a.Name
	subject, body := mail.Write(ctx, "postings.mail."+name, "", data)
	body.Brand = mail.Brand{Name: a.Name, URL: s.origin, Accent: a.Color}
	body.Paragraphs = append(body.Paragraphs, paragraphs...)
	headers := map[string]string{"Reply-To": localPart(d.Lang) + "@" + a.MailDomain}
	if key := strings.TrimSpace(d.MessageKey); messageID.MatchString(key) {
		headers["In-Reply-To"], headers["References"] = key, key
	}
	return s.post.SendBody(ctx, outbox.Letter{Kind: "postings." + name, To: fold.Email(d.Sender), Subject: subject, Lang: i18n.Lang(ctx), Headers: headers}, body)
}
