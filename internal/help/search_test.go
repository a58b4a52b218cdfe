package help

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	l := library(t)
	for _, c := range []struct {
		lang, query string
		first       string // the slug that comes first
	}{
		{"fr", "mdp oublié", "mot-de-passe-oublie"},
		{"fr", "MOT DE PASSE OUBLIE", "mot-de-passe-oublie"},
		{"fr", "j'ai oublié mon mot de passe", "mot-de-passe-oublie"},
		{"fr", "format login", "regle-identifiant"},
		{"fr", "s’inscrire", "activer-son-compte"},
		{"fr", "nom de jeune fille", "activation-nom"},
		{"fr", "2fa", "double-verification"},
		{"fr", "passkey", "double-verification"},
		{"fr", "photos", "photo"},
		{"fr", "supprimer mon compte", "mes-droits"},
		{"fr", "desabonnement", "se-desabonner"},
		{"fr", "newsletter", "refus-courriers"},
		{"fr", "thunderbird", "ecrire-adresse-a-vie"},
		{"fr", "mail revenu", "adresse-en-erreur"},
		{"fr", "message perdu", "ou-est-passe-ce-message"},
		{"fr", "payer", "cotisation"},
		{"fr", "stage recruteur", "emploi"},
		{"fr", "deux écoles", "plusieurs-identifiants"},
		{"fr", "redirection", "adresse-a-vie"},
		{"fr", "cacher mon numéro", "qui-voit-quoi"},
		{"fr", "trombinoscope", "ma-promo"},
		{"fr", "csv", "importer"},
		{"fr", "Bourges", "federation"},
		{"en", "lost password", "mot-de-passe-oublie"},
		{"en", "sign up", "activer-son-compte"},
		{"en", "maiden name", "activation-nom"},
		{"en", "unsubscribe", "se-desabonner"},
		{"en", "stop e-mails", "refus-courriers"},
		{"en", "delete my account", "mes-droits"},
		{"en", "networking", "neuf-habitudes"},
		{"en", "who has seen my number", "qui-a-consulte"},
	} {
		found := l.Search(c.lang, c.query)
		if len(found.Hits) == 0 || found.Partial || found.Hits[0].Article.Slug != c.first {
			t.Errorf("Search(%s, %q) = %v, partial %t, want %s first", c.lang, c.query, slugs(found), found.Partial, c.first)
		}
	}
}

func slugs(f Found) []string {
	var list []string
	for _, h := range f.Hits {
		list = append(list, h.Article.Slug)
	}
	return list
}

// Every question that an article says it answers leads to it.
func TestEveryQuestionFindsItsArticle(t *testing.T) {
	t.Parallel()
	l := library(t)
	for _, lang := range []string{"fr", "en"} {
		for _, a := range l.shelf(lang).articles {
			for _, q := range a.Questions {
				found := l.Search(lang, q)
				if at := slices.Index(slugs(found), a.Slug); at < 0 || at > 2 || found.Partial {
					t.Errorf("Search(%s, %q): %s stands at %d of %v, want among the first three", lang, q, a.Slug, at, slugs(found))
				}
			}
			for _, k := range a.Keywords {
				if found := l.Search(lang, k); !slices.Contains(slugs(found), a.Slug) {
					t.Errorf("Search(%s, %q) = %v, want %s among them", lang, k, slugs(found), a.Slug)
				}
			}
		}
	}
}

func TestSearchWords(t *testing.T) {
	t.Parallel()
	l := library(t)
	if got := l.Search("fr", "xyzzy"); got.Hits != nil || got.Partial {
		t.Errorf("Search(xyzzy) = %v, want nothing", slugs(got))
	}
	for _, q := range []string{"", "   ", "«»", "\xff\xfe", strings.Repeat("é", maxQuery)} {
		if got := l.Search("fr", q); got.Hits != nil {
			t.Errorf("Search(%q) = %v, want nothing", q, slugs(got))
		}
	}
	if got := l.Search("fr", "photo xyzzy"); !got.Partial || !slices.Contains(slugs(got), "photo") {
		t.Errorf("Search(photo xyzzy) = %v, partial %t, want photo among a partial answer", slugs(got), got.Partial)
	}
	if got := l.Search("fr", "pourquoi"); len(got.Hits) == 0 {
		t.Error("Search(pourquoi) finds nothing: a query of common words alone must still search")
	}
	all, few := l.Search("fr", "adresse"), l.Search("fr", "adresse temporaire")
	if len(few.Hits) == 0 || len(few.Hits) >= len(all.Hits) {
		t.Errorf("adresse: %d hits, adresse temporaire: %d, want fewer, not none", len(all.Hits), len(few.Hits))
	}
}

// A title outweighs keywords, keywords outweigh any body.
func TestSearchRank(t *testing.T) {
	t.Parallel()
	fsys := whole()
	fsys["fr/a.md"].Data = []byte("---\ntitle: A\ntheme: x\n---\n" + strings.Repeat("Pomme. ", 50))
	fsys["fr/b.md"].Data = []byte("---\ntitle: B\ntheme: x\norder: 1\nkeywords: [pommes]\n---\nPoire.")
	l, err := load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if got := slugs(l.Search("fr", "pomme")); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("Search(pomme) = %v, want keyword before body", got)
	}
	fsys["fr/a.md"].Data = []byte("---\ntitle: Pommes\ntheme: x\n---\nPoire.")
	if l, err = load(fsys); err != nil {
		t.Fatal(err)
	}
	if got := slugs(l.Search("fr", "pomme")); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("Search(pomme) = %v, want title before keyword", got)
	}
}

func TestSnippet(t *testing.T) {
	t.Parallel()
	l := library(t)
	for _, c := range []struct {
		lang, query, slug string
		marked            []string // all must be marked
	}{
		{"fr", "48 heures", "activer-son-compte", []string{"48", "heures"}},
		{"fr", "metadonnees exif", "photo", nil},
		{"fr", "reenregistree", "photo", []string{"réenregistrée"}},
		{"en", "hyphens", "regle-identifiant", []string{"hyphen"}},
	} {
		found := l.Search(c.lang, c.query)
		i := slices.Index(slugs(found), c.slug)
		if i < 0 {
			t.Errorf("Search(%s, %q) = %v, want %s among them", c.lang, c.query, slugs(found), c.slug)
			continue
		}
		var text strings.Builder
		var marked []string
		for _, s := range found.Hits[i].Snippet {
			text.WriteString(s.Text)
			if s.Match {
				marked = append(marked, s.Text)
			}
		}
		for _, m := range c.marked {
			if !slices.Contains(marked, m) {
				t.Errorf("snippet of %q = %q, marked %q, want %q marked", c.query, text.String(), marked, m)
			}
		}
		if c.marked == nil && marked != nil {
			t.Errorf("snippet of %q marks %q, want nothing: the words are keywords only", c.query, marked)
		}
		plain := strings.TrimSuffix(strings.TrimPrefix(text.String(), "… "), " …")
		if n := utf8.RuneCountInString(plain); n > snippetRunes || n < snippetRunes/4 || !strings.Contains(found.Hits[i].Article.index.plain, plain) {
			t.Errorf("snippet of %q = %q (%d runes): not a piece of the article", c.query, plain, n)
		}
	}
}

func FuzzSearch(f *testing.F) {
	l := library(f)
	for _, q := range []string{"mot de passe", "l’adresse à vie", "x", "\xff", "İ ß œ"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		for _, h := range l.Search("fr", q).Hits {
			var b strings.Builder
			for _, s := range h.Snippet {
				b.WriteString(s.Text)
			}
			if !utf8.ValidString(b.String()) || b.Len() == 0 {
				t.Errorf("Search(%q): snippet %q of %s", q, b.String(), h.Article.Slug)
			}
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	l := library(b)
	for b.Loop() {
		if len(l.Search("fr", "changer mon adresse mail").Hits) == 0 {
			b.Fatal("nothing found")
		}
	}
}
