package demo

import (
	"embed"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed words/*.txt
var words embed.FS

// skewed picks items as unevenly as names and towns are spread in life.
type skewed[T any] struct {
	items []T
	sums  []float64 // running sums of the weights
}

func (s *skewed[T]) add(item T, weight float64) {
	if n := len(s.sums); n > 0 {
		weight += s.sums[n-1]
	}
	s.items, s.sums = append(s.items, item), append(s.sums, weight)
}

func (s *skewed[T]) pick(r *rand.Rand) T {
	x := r.Float64() * s.sums[len(s.sums)-1]
	return s.items[sort.SearchFloat64s(s.sums, x)]
}

// zipf weighs items by their place in the list: 1/(place+shift)^exponent.
func zipf(items []string, shift, exponent float64) *skewed[string] {
	s := &skewed[string]{}
	for i, item := range items {
		s.add(item, math.Pow(float64(i)+shift, -exponent))
	}
	return s
}

// gendered is a word for a man and for a woman.
type gendered struct{ m, f string }

func (g gendered) of(woman bool) string {
	if woman {
		return g.f
	}
	return g.m
}

type town struct{ name, postcode, country string }

// lexicon is all the words of a population.
type lexicon struct {
	common, endings, places *skewed[string] // surnames; places is nil without a list of communes
	regions                 *skewed[string] // of the world, as the keys of the two below
	regional                map[string]*skewed[string]
	firstNames              map[string]*skewed[string] // "1950 m", "maghreb f"
	towns                   map[string]*skewed[town]   // by school, "idf", "fr"
	abroad                  *skewed[town]
	streetKinds, streets    []string
	titles, beginnings      []gendered // of the experienced, of those in their first five years
	about                   []gendered
	fields, companies       []string
}

// newLexicon reads the words; places are names of communes, many of which are surnames too.
func newLexicon(places []string) *lexicon {
	l := &lexicon{regions: &skewed[string]{}, regional: map[string]*skewed[string]{}, firstNames: map[string]*skewed[string]{}}
	l.common = zipf(split(read("surnames.txt"), ","), 8, 0.7)
	for _, line := range keyed("surnames-world.txt") {
		l.regional[line.key] = zipf(split(line.rest, ","), 3, 0.7)
		l.regions.add(line.key, regionWeight(line.key))
	}
	for _, file := range []string{"first-names.txt", "world.txt"} {
		for _, line := range keyed(file) {
			l.firstNames[line.key] = zipf(split(line.rest, ","), 3, 0.8)
		}
	}
	l.endings = zipf(derived(), 30, 0.5)
	if surnames := surnamesOf(places); len(surnames) > 0 {
		l.places = zipf(surnames, 50, 0.6)
	}
	l.readTowns()
	l.readWork()
	return l
}

// regionWeight says how many of a hundred people with a name from abroad have one from there.
func regionWeight(region string) float64 {
	switch region {
	case "maghreb":
		return 29
	case "iberia":
		return 20
	case "italia":
		return 14
	case "afrique":
		return 10
	case "est":
		return 7
	case "nord":
		return 6
	}
	return 3
}

func (l *lexicon) readTowns() {
	l.towns, l.abroad = map[string]*skewed[town]{}, &skewed[town]{}
	for _, file := range []string{"towns.txt", "abroad.txt"} {
		for _, line := range keyed(file) {
			into, country := l.abroad, line.key
			if file == "towns.txt" {
				into, country = &skewed[town]{}, "FR"
				l.towns[line.key] = into
			}
			for _, entry := range split(line.rest, ",") {
				head, weight := cutLast(entry)
				name, postcode := cutLast(head)
				w, err := strconv.ParseFloat(weight, 64)
				if err != nil {
					panic("demo: " + file + ": " + entry)
				}
				into.add(town{name, postcode, country}, w)
			}
		}
	}
}

func (l *lexicon) readWork() {
	for _, line := range keyed("streets.txt") {
		switch line.key {
		case "kinds":
			l.streetKinds = split(line.rest, ",")
		case "names":
			l.streets = split(line.rest, ",")
		}
	}
	pairs := func(s string) (out []gendered) {
		for _, entry := range split(s, ";") {
			m, f, both := strings.Cut(entry, " | ")
			if !both {
				f = m
			}
			out = append(out, gendered{m, f})
		}
		return out
	}
	for _, line := range keyed("work.txt") {
		switch line.key {
		case "titles":
			l.titles = pairs(line.rest)
		case "beginnings":
			l.beginnings = pairs(line.rest)
		case "about":
			l.about = pairs(line.rest)
		case "fields":
			l.fields = split(line.rest, ";")
		case "companies":
			l.companies = split(line.rest, ";")
		}
	}
}

// derived are surnames made of a stem and an ending, the likeliest first.
func derived() []string {
	var stems, endings []string
	for _, line := range keyed("stems.txt") {
		switch line.key {
		case "stems":
			stems = split(line.rest, ",")
		case "endings":
			endings = split(line.rest, ",")
		}
	}
	var out []string
	for step := range len(stems) * len(endings) { // all pairs, no two neighbours of one stem
		out = append(out, stems[step%len(stems)]+endings[(step/len(stems)+step%len(stems))%len(endings)])
	}
	return out
}

// surnamesOf are the communes whose names people bear: a single plain word. The order is mixed, so that the common
// ones do not all begin with A.
func surnamesOf(places []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, p := range places {
		n := utf8.RuneCountInString(p)
		plain := !strings.ContainsFunc(p, func(r rune) bool { return !unicode.IsLetter(r) })
		if first, _ := utf8.DecodeRuneInString(p); n < 4 || n > 13 || !plain || !unicode.IsUpper(first) || seen[p] {
			continue
		}
		seen[p] = true
		out = append(out, p)
	}
	sort.Strings(out)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

type keyedLine struct{ key, rest string }

// keyed reads the lines "key: rest" of a file of words.
func keyed(name string) []keyedLine {
	var out []keyedLine
	for line := range strings.SplitSeq(read(name), "\n") {
		if key, rest, ok := strings.Cut(line, ": "); ok {
			out = append(out, keyedLine{key, rest})
		}
	}
	return out
}

// read is a file of words without its comments. One that is missing is a programmer's fault.
func read(name string) string {
	b, err := words.ReadFile("words/" + name)
	if err != nil {
		panic(err)
	}
	var lines []string
	for line := range strings.SplitSeq(string(b), "\n") {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func split(s, by string) []string {
	var out []string
	for item := range strings.SplitSeq(s, by) {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// cutLast parts the last word from the others.
func cutLast(s string) (head, last string) {
	i := strings.LastIndexByte(s, ' ')
	if i < 0 {
		return "", s
	}
	return s[:i], s[i+1:]
}

func pickOne[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
