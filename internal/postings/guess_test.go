package postings

import "testing"

func TestGuessTitle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ subject, text, want string }{
		{"Ingénieur matériaux F/H", "", "Ingénieur matériaux F/H"},
		{"Offre d'emploi : Ingénieur matériaux", "", "Ingénieur matériaux"},
		{"Offre d’emploi - Chef de projet", "", "Chef de projet"},
		{"TR: Re : [ALUMNI] Offre de stage : Data", "", "Data"},
		{"Fwd: FW: Job offer: Site Reliability Engineer", "", "Site Reliability Engineer"},
		{"We are hiring - CTO", "", "CTO"},
		{"Offre", "", "Offre"}, // what would leave nothing stays
		{"Re:", "", "Re:"},
		{"Offres à pourvoir", "", "Offres à pourvoir"},
		{"Poste-clé dans l’industrie", "", "Poste-clé dans l’industrie"},
		{"", "\n\n  ***\nIngénieur qualité\nLyon", "Ingénieur qualité"},
		{"", "Bonjour à tous,\n\nChère madame,\nDear all,\nIngénieur qualité", "Ingénieur qualité"},
		{"", "", ""},
	} {
		if got := guessTitle(c.subject, c.text); got != c.want {
			t.Errorf("guessTitle(%q) = %q, want %q", c.subject, got, c.want)
		}
	}
}

func TestGuessCompany(t *testing.T) {
	t.Parallel()
	own := []string{"alumni-lyon.example", "ly.example"}
	for address, want := range map[string]string{
		"rh@acme.fr": "Acme", "rh@recrutement.saint-machin.co.uk": "Saint Machin", "rh@edf.fr": "EDF", "a@gmail.com": "", "a@orange.fr": "", "a@yahoo.co.jp": "",
		"laure.lavaut.ly2010@ly.example": "", "x@lettres.ly.example": "", "x@localhost": "", "": "", "nobody": "", "a@xn--caf-dma.fr": "", "a@co.uk": "",
	} {
		if got := guessCompany(address, own); got != want {
			t.Errorf("guessCompany(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestHTMLText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                      "",
		"a<br>b<br/>c":                          "a\nb\nc",
		"<p>a</p><p>b</p>":                      "a\n\nb",
		"a <b>b</b>c<i> d</i>":                  "a bc d",
		"<b>a</b> <i>b</i>":                     "a b",
		"  a\n\n b ":                            "a b",
		"&amp;lt;b&amp;gt; &eacute;":            "&lt;b&gt; é",
		"<ol><li>a<li>b</ol>c":                  "- a\n- b\n\nc",
		"<li></li>a":                            "a",
		"<table><tr><td>a<td>b</table>":         "a\tb",
		"<head><title>t</title><body>a":         "a",
		"<style>p{}</style>a<script>b</script>": "a",
		"<a href='https://x.fr/y'>x.fr/y</a>":   "x.fr/y",
		"<a href='https://x.fr'>ici</a>":        "ici <https://x.fr>",
		"<a href='javascript:x'>ici</a>":        "ici",
		"<a href='https://x.fr'></a>b":          "b",
		"</p></div></a>":                        "",
		"a<!-- b -->c":                          "ac",
		"<pre>a</pre":                           "a",
	} {
		if got := htmlText(in); got != want {
			t.Errorf("htmlText(%q) = %q, want %q", in, got, want)
		}
	}
}
