package newsletters

import (
	"context"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"sync"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/newsletters/compose"
)

// Where letters lead.
const (
	publicPath = "/lettres"
	imagePath  = publicPath + "/images/"
	linkPath   = "/l/"
)

// template renders one version of a campaign; link says where its links lead, nil where they say.
func (s *Store) template(ctx context.Context, c Campaign, lang string, link func(string) string) (*compose.Template, error) {
	sender, err := s.sender(ctx, c.SenderID)
	if err != nil {
		return nil, err
	}
	set, err := s.setting(ctx, c, sender, lang)
	if err != nil {
		return nil, err
	}
	set.Link = link
	return compose.Prepare(c.Versions[lang], set)
}

// setting is what stands around the words of a version.
func (s *Store) setting(ctx context.Context, c Campaign, sender Sender, lang string) (compose.Setting, error) {
	images, err := s.images(ctx, c.ID)
	if err != nil {
		return compose.Setting{}, err
	}
	known := map[string]compose.Image{}
	for _, i := range images {
		known[i.Path()] = compose.Image{URL: s.Origin + i.Path(), Width: i.Width, Height: i.Height}
	}
	in := s.Bundle.With(ctx, lang)
	data := i18n.Data{"Sender": sender.Name, "Kind": i18n.T(in, c.Kind.Message())}
	set := compose.Setting{
		Lang: i18n.Lang(in), Sender: sender.Name, URL: s.Origin, Accent: sender.Accent,
		Image:       func(path string) (compose.Image, bool) { img, ok := known[path]; return img, ok },
		Why:         i18n.T(in, "newsletters.letter.why", data),
		Unsubscribe: i18n.T(in, "newsletters.letter.unsubscribe", data), All: i18n.T(in, "newsletters.letter.all"), ViewLabel: i18n.T(in, "newsletters.letter.view"),
	}
	if c.Public {
		set.Browser = s.Origin + publicPath + "/" + c.ID.String() + "?lang=" + set.Lang
	}
	return set, nil
}

// ready is a campaign under way with all that its messages share.
type ready struct {
	c         Campaign
	sender    Sender
	templates map[string]*compose.Template
	from      mail.Address
	listID    map[string]string // by language
	feedback  string

	mu    sync.Mutex
	runs  bool      // it was sending…
	until time.Time // …when it was looked at, less than a moment before
}

// mostReady bounds the campaigns kept ready; they are some hundred kB each.
const mostReady = 16

// readied gives a campaign ready to be composed. What it says no longer changes, so it is made once a process.
func (s *Store) readied(ctx context.Context, campaign id.ID) (*ready, error) {
	s.mu.Lock()
	r := s.ready[campaign]
	s.mu.Unlock()
	if r != nil {
		return r, nil
	}
	r, err := s.makeReady(ctx, campaign)
	if err != nil {
		return nil, errs.Wrap("newsletters.readied "+campaign.String(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ready) >= mostReady {
		clear(s.ready)
	}
	s.ready[campaign] = r
	return r, nil
}

// forget drops what is kept of a campaign, and has its state looked at anew for what was claimed before.
func (s *Store) forget(campaign id.ID) {
	s.mu.Lock()
	r := s.ready[campaign]
	delete(s.ready, campaign)
	s.mu.Unlock()
	if r != nil {
		r.mu.Lock()
		r.until = time.Time{}
		r.mu.Unlock()
	}
}

func (s *Store) makeReady(ctx context.Context, campaign id.ID) (*ready, error) {
	c, err := s.campaign(ctx, campaign)
	if err != nil {
		return nil, err
	}
	sender, err := s.sender(ctx, c.SenderID)
	if err != nil {
		return nil, err
	}
	links, err := s.links(ctx, campaign)
	if err != nil {
		return nil, err
	}
	numbers := map[string]int{}
	for _, l := range links {
		numbers[l.URL] = l.Number
	}
	link := func(url string) string {
		n, ok := numbers[url]
		if !ok {
			return url
		}
		return s.Origin + linkPath + campaign.String() + "/" + strconv.Itoa(n)
	}
	r := &ready{c: c, sender: sender, templates: map[string]*compose.Template{}, listID: map[string]string{},
		from: mail.Address{Name: c.FromName, Address: sender.from(c.Kind)}, feedback: strings.Join([]string{c.ID.String(), string(c.Kind), sender.code(), "amicale"}, ":")}
	if r.from.Name == "" {
		r.from.Name = sender.Name
	}
	for _, lang := range c.Langs() {
		if r.templates[lang], err = s.template(ctx, c, lang, link); err != nil {
			return nil, err
		}
		kind := i18n.T(s.Bundle.With(ctx, lang), c.Kind.Message())
		r.listID[lang] = mime.QEncoding.Encode("utf-8", sender.Name+" "+kind) + " <" + c.Kind.local() + "." + mail.LettersDomain(sender.Domain) + ">"
	}
	if len(r.templates) == 0 {
		return nil, fmt.Errorf("nothing is written")
	}
	return r, nil
}

// running reports whether the campaign is sending, as of a moment ago.
func (s *Store) running(ctx context.Context, r *ready) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now() // how long a moment is does not depend on what time it is
	if now.Before(r.until) {
		return r.runs, nil
	}
	state, err := db.One[State](ctx, s.DB, `SELECT state FROM campaigns WHERE id = ?`, r.c.ID)
	if err != nil {
		return false, errs.Wrap("newsletters.running", err)
	}
	r.runs, r.until = state == Sending, now.Add(lease)
	return r.runs, nil
}

// Link is where a link of a campaign leads.
type Link struct {
	Number int
	URL    string
	Clicks int
}

func (s *Store) links(ctx context.Context, campaign id.ID) ([]Link, error) {
	list, err := db.All[Link](ctx, s.DB, `SELECT number, url, clicks FROM campaign_links WHERE campaign_id = ? ORDER BY number`, campaign)
	return list, errs.Wrap("newsletters.links", err)
}

// freezeLinks numbers where the letter leads, in all its versions.
func (s *Store) freezeLinks(ctx context.Context, c Campaign) error {
	n := 0
	for _, lang := range c.Langs() {
		t, err := s.template(ctx, c, lang, nil)
		if err != nil {
			return err
		}
		for _, url := range t.Links() {
			if !strings.HasPrefix(url, "http") {
				continue
			}
			added, err := s.DB.Exec(ctx, `INSERT INTO campaign_links (campaign_id, number, url, clicks) SELECT ?, ?, ?, 0
				WHERE NOT EXISTS (SELECT 1 FROM campaign_links WHERE campaign_id = ? AND url = ?)`, c.ID, n, url, c.ID, url)
			if err != nil {
				return errs.Wrap("newsletters.freezeLinks", err)
			}
			n += int(added)
		}
	}
	return nil
}

// Follow counts that somebody followed a link, and says where it leads: nowhere but where the letter said.
func (s *Store) Follow(ctx context.Context, campaign id.ID, number int) (string, error) {
	url, err := db.One[string](ctx, s.DB, `UPDATE campaign_links SET clicks = clicks + 1 WHERE campaign_id = ? AND number = ? RETURNING url`, campaign, number)
	return url, errs.Wrap("newsletters.Follow", err)
}

// leadsTo is where a link leads, without counting.
func (s *Store) leadsTo(ctx context.Context, campaign id.ID, number int) (string, error) {
	url, err := db.One[string](ctx, s.DB, `SELECT url FROM campaign_links WHERE campaign_id = ? AND number = ?`, campaign, number)
	return url, errs.Wrap("newsletters.leadsTo", err)
}
