package help

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"amicale/internal/fold"
)

// The weight of a word found in each part of an article. A whole word counts a little more than its beginning, and
// the body counts each time up to bodyTimes, so that no body outweighs a keyword and few keywords a title.
const (
	titleWeight   = 100
	keywordWeight = 30
	bodyWeight    = 2
	bodyTimes     = 5
	wholeWord     = 5
	sameQuestion  = 3 * titleWeight // the query is one of the article's questions, or the beginning of one
)

// maxWords and maxQuery (bytes) bound the work of a query; nobody asks longer.
const (
	maxWords = 12
	maxQuery = 300
)

// snippetRunes is about how long a snippet is.
const snippetRunes = 160

// Hit is one article found.
type Hit struct {
	Article *Article
	Snippet []Span // the place in the text that answers best; its beginning when only the title or keywords do
	score   int
}

// Span is a piece of a snippet.
type Span struct {
	Text  string
	Match bool // the piece is a word that was asked for
}

// Found is the answer to a query, best first.
type Found struct {
	Hits []Hit

	// Partial is set when no article holds all the words and Hits are those that hold the most of them.
	Partial bool
}

// index is an article as it is searched: folded words.
type index struct {
	title    []string
	keywords []string // the questions' words among them
	asks     []string // the questions
	plain    string
	body     []token
}

// token is a word of the body and where it stands in the plain text, in bytes.
type token struct {
	folded     string
	start, end int
}

func newIndex(a *Article, plain string) index {
	x := index{title: strings.Fields(fold.Name(a.Title)), plain: plain, body: tokens(plain)}
	for _, q := range a.Questions {
		x.asks = append(x.asks, fold.Name(q))
	}
	x.keywords = strings.Fields(fold.Name(strings.Join(a.Keywords, " ")) + " " + strings.Join(x.asks, " "))
	return x
}

// tokens cuts a text into words. A sign that folds to several words or to none is left out.
func tokens(s string) []token {
	var list []token
	start := -1
	flush := func(end int) {
		if start >= 0 {
			if f := fold.Name(s[start:end]); f != "" && !strings.Contains(f, " ") {
				list = append(list, token{f, start, end})
			}
			start = -1
		}
	}
	for i, r := range s {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) {
			if start < 0 {
				start = i
			}
			continue
		}
		flush(i)
	}
	flush(len(s))
	return list
}

// term is a word asked for: it finds the words that begin with it, or with it less its plural s or x.
type term struct {
	word, stem string
}

func (t term) finds(w string) bool { return strings.HasPrefix(w, t.stem) }

// weigh is what the term is worth on a word.
func (t term) weigh(w string, weight int) int {
	switch {
	case w == t.word || w == t.stem:
		return weight + wholeWord
	case t.finds(w):
		return weight
	}
	return 0
}

// terms reads a folded query. Words that every sentence has are left out, unless there is nothing else.
func terms(lang, query string) []term {
	var all, telling []term
	for _, w := range strings.Fields(query) {
		t := term{w, w}
		if len(w) >= 4 && (w[len(w)-1] == 's' || w[len(w)-1] == 'x') {
			t.stem = w[:len(w)-1]
		}
		if slices.Contains(all, t) {
			continue
		}
		all = append(all, t)
		if !slices.Contains(stopWords(lang), w) {
			telling = append(telling, t)
		}
	}
	if len(telling) == 0 {
		telling = all
	}
	return telling[:min(len(telling), maxWords)]
}

// stopWords are the words, folded, that tell nothing about what is asked.
func stopWords(lang string) []string {
	if lang == "en" {
		return strings.Fields(`a about am an and are at be been by can cannot could did do does don for from get
			had has have how i if in is it its me my of on or should so t that the their there they this to was
			what when where which who why will with would you your`)
	}
	return strings.Fields(`a ai aller alors as au aux avec avoir c ca ce ces cet cette comment d dans de des dois donc
		du elle en es est et etre eu fait faire faut il ils j je l la le les leur leurs lui m ma mais me mes moi
		mon n ne nos notre nous on ou par pas peut peux plus pour pourquoi puis qu quand que quel quelle quels
		quelles qui quoi s sa se ses si son sont suis sur t ta te tes toi ton tu un une va vos votre vous y`)
}

// Search finds the articles for a query. Accents, case and signs do not matter; every word counts as the beginning
// of one; a word in the title counts more than among the keywords, and there more than in the body.
func (l *Library) Search(lang, query string) Found {
	query = fold.Name(query[:min(len(query), maxQuery)])
	asked := terms(lang, query)
	if len(asked) == 0 {
		return Found{}
	}
	best := 1
	var hits []Hit
	for _, a := range l.shelf(lang).articles {
		words, score := a.index.match(asked)
		if words < best {
			continue
		}
		if a.index.answers(query) {
			score += sameQuestion
		}
		if words > best {
			best, hits = words, hits[:0]
		}
		hits = append(hits, Hit{Article: a, score: score})
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Compare(b.score, a.score) })
	for i := range hits {
		hits[i].Snippet = hits[i].Article.index.snippet(asked)
	}
	return Found{Hits: hits, Partial: len(hits) > 0 && best < len(asked)}
}

// answers reports that the folded query is how a question of the article begins: three words or more, since one
// word begins many.
func (x *index) answers(query string) bool {
	return strings.Count(query, " ") >= 2 && slices.ContainsFunc(x.asks, func(q string) bool { return strings.HasPrefix(q, query) })
}

// match counts the terms found anywhere in the article, and what they are worth.
func (x *index) match(asked []term) (words, score int) {
	for _, t := range asked {
		worth := best(t, x.title, titleWeight) + best(t, x.keywords, keywordWeight)
		times := 0
		for _, w := range x.body {
			if t.finds(w.folded) {
				times++
			}
		}
		worth += min(times, bodyTimes) * bodyWeight
		if worth > 0 {
			words++
		}
		score += worth
	}
	return words, score
}

func best(t term, words []string, weight int) int {
	most := 0
	for _, w := range words {
		most = max(most, t.weigh(w, weight))
	}
	return most
}

// snippet is the part of the text with the most different terms, or its beginning.
func (x *index) snippet(asked []term) []Span {
	found := make([]int, len(x.body)) // which term each word answers, from 1; 0 is none
	for i, w := range x.body {
		found[i] = 1 + slices.IndexFunc(asked, func(t term) bool { return t.finds(w.folded) })
	}
	from, most := 0, 0
	for i := range x.body {
		if found[i] == 0 {
			continue
		}
		seen := map[int]bool{}
		for j := i; j < len(x.body) && x.body[j].end-x.body[i].start <= snippetRunes; j++ {
			if found[j] > 0 {
				seen[found[j]] = true
			}
		}
		if len(seen) > most {
			from, most = x.body[i].start, len(seen)
		}
	}
	start, end := window(x.plain, from)
	return x.spans(found, start, end)
}

// window is a stretch of about snippetRunes around a place, between whole words.
func window(s string, at int) (start, end int) {
	start = at
	for n := 0; start > 0 && n < snippetRunes/4; n++ {
		_, size := utf8.DecodeLastRuneInString(s[:start])
		start -= size
	}
	if start > 0 {
		if i := strings.IndexByte(s[start:at], ' '); i >= 0 {
			start += i + 1
		} else {
			start = at
		}
	}
	end = start
	for n := 0; end < len(s) && n < snippetRunes; n++ {
		_, size := utf8.DecodeRuneInString(s[end:])
		end += size
	}
	if end < len(s) {
		if i := strings.LastIndexByte(s[start:end], ' '); i > 0 {
			end = start + i
		}
	}
	return start, end
}

// spans cuts the stretch into what was asked for and what stands between, with … where the text goes on.
func (x *index) spans(found []int, start, end int) []Span {
	var list []Span
	add := func(text string, match bool) {
		if text != "" {
			list = append(list, Span{text, match})
		}
	}
	if start > 0 {
		add("… ", false)
	}
	at := start
	for i, w := range x.body {
		if found[i] > 0 && w.start >= start && w.end <= end {
			add(x.plain[at:w.start], false)
			add(x.plain[w.start:w.end], true)
			at = w.end
		}
	}
	add(x.plain[at:end], false)
	if end < len(x.plain) {
		add(" …", false)
	}
	return list
}
