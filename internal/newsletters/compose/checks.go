package compose

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"amicale/internal/fold"
)

// Finding is something the author should know before the letter leaves.
type Finding struct {
	Key   string // of the message
	Data  map[string]any
	Stops bool // the letter cannot leave with it
	Count int  // how many there are, where the message says so; else 0
}

// What mailboxes do, as they say themselves or as is commonly observed.
const (
	longSubject  = 70      // characters; a phone shows some 40
	shortSubject = 4       // characters
	clippedAt    = 100_000 // octets of the page: Gmail cuts at 102 kB and hides the way out below
	fewWords     = 20      // beside pictures
	muchPleading = 2       // spam words, in subject and letter
)

// Findings are what is noticed in a letter, what stops it first.
func (t *Template) Findings(w Written) []Finding {
	var out []Finding
	stop := func(key string, data map[string]any) { out = append(out, Finding{Key: key, Data: data, Stops: true}) }
	count := func(key string, n int) {
		if n > 0 {
			out = append(out, Finding{Key: key, Count: n})
		}
	}
	note := func(key string, data map[string]any) { out = append(out, Finding{Key: key, Data: data}) }
	if strings.TrimSpace(w.Subject) == "" {
		stop("newsletters.check.no_subject", nil)
	}
	if t.found.words == 0 && len(t.found.images) == 0 {
		stop("newsletters.check.no_body", nil)
	}
	t.pictureFindings(stop, note, count)
	t.linkFindings(stop, count)
	subjectFindings(w, note)
	if strings.TrimSpace(w.Preheader) == "" {
		note("newsletters.check.no_preheader", nil)
	}
	if said := pleading(w.Subject + "\n" + w.Body); len(said) >= muchPleading {
		note("newsletters.check.pleading", map[string]any{"Words": "« " + strings.Join(said, " », « ") + " »"})
	}
	if size := len(t.HTML(Values{})); size > clippedAt {
		note("newsletters.check.too_large", map[string]any{"Kilobytes": (size + 999) / 1000})
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		switch {
		case a.Stops == b.Stops:
			return 0
		case a.Stops:
			return -1
		}
		return 1
	})
	return out
}

func (t *Template) pictureFindings(stop, note func(string, map[string]any), count func(string, int)) {
	nameless := 0
	for _, p := range t.found.images {
		if !p.known {
			stop("newsletters.check.foreign_image", map[string]any{"Path": p.path})
		} else if p.alt == "" {
			nameless++
		}
	}
	count("newsletters.check.image_without_words", nameless)
	if len(t.found.images) > 0 && t.found.words < fewWords {
		note("newsletters.check.image_only", nil)
	}
}

// saysNothing are the words of links that tell nobody where they lead.
var saysNothing = []string{"ici", "cliquez ici", "clique ici", "cliquer ici", "lien", "en savoir plus", "here", "click here", "link", "more", "read more"}

func (t *Template) linkFindings(stop func(string, map[string]any), count func(string, int)) {
	for _, to := range t.found.badLinks {
		stop("newsletters.check.bad_link", map[string]any{"URL": to})
	}
	wordless, vague, plain, personal := 0, 0, 0, 0
	for _, l := range t.found.links {
		words := fold.Name(l.text)
		switch {
		case words == "":
			wordless++
		case slices.Contains(saysNothing, words):
			vague++
		}
		if strings.HasPrefix(l.url, "http://") && !l.own {
			plain++
		}
		if l.personal {
			personal++
		}
	}
	count("newsletters.check.wordless_link", wordless)
	count("newsletters.check.vague_link", vague)
	count("newsletters.check.plain_link", plain)
	count("newsletters.check.personal_link", personal)
}

func subjectFindings(w Written, note func(string, map[string]any)) {
	subject := strings.TrimSpace(w.Subject)
	n := utf8.RuneCountInString(subject)
	switch {
	case n > longSubject:
		note("newsletters.check.long_subject", map[string]any{"Count": n, "Most": longSubject})
	case n > 0 && n < shortSubject:
		note("newsletters.check.short_subject", nil)
	}
	if shouts(subject) {
		note("newsletters.check.shouting", nil)
	}
}

// shouts reports whether most of a subject is in capitals, more than a name is, or it ends in more than one cry.
func shouts(s string) bool {
	upper, letters, words := 0, 0, 0
	for word := range strings.FieldsSeq(s) {
		n, capitals := 0, 0
		for _, r := range word {
			if unicode.IsLetter(r) {
				n++
				if unicode.IsUpper(r) {
					capitals++
				}
			}
		}
		if n > 1 && n == capitals {
			words++
		}
		letters, upper = letters+n, upper+capitals
	}
	return words > 1 && upper*10 > letters*6 || strings.Count(s, "!") > 1
}

// spamWords are what filters know from those who want money, folded.
var spamWords = []string{"gratuit", "urgent", "gagnez", "gagnant", "cliquez vite", "offre exceptionnelle", "offre speciale", "promotion exclusive", "argent facile", "sans engagement",
	"satisfait ou rembourse", "derniere chance", "felicitations", "free", "winner", "act now", "limited time", "risk free", "no obligation", "cash", "earn money", "100 free"}

func pleading(s string) []string {
	folded := " " + fold.Name(s) + " "
	var out []string
	for _, w := range spamWords {
		if strings.Contains(folded, " "+w+" ") {
			out = append(out, w)
		}
	}
	return out
}

// PaleAccent reports whether a sender's colour is too light to be read on white: links are then darker than it.
func PaleAccent(accent string) bool { return coloursOf(accent).pale }
