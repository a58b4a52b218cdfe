package postings

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
)

// What a message says without saying it. These are guesses, shown as such.

// before is what stands before a title in subjects: replies, forwards, lists, and what kind of message it is.
var before = regexp.MustCompile(`(?i)^\s*(?:(?:re|ré|rép|tr|fw|fwd|aw|wg)\s*[:：]\s*|\[[^\]]{0,60}\]\s*|(?:offres?\s+(?:d['’]\s*emploi|de\s+(?:poste|stage|thèse|mission|cdi|cdd)|d['’]\s*alternance)|offres?|job\s+(?:offer|opening|opportunity)|vacancy|we\s+are\s+hiring|recrutement|poste(?:\s+à\s+pourvoir)?)\s*(?:[:：]|\s[-–—])\s*)`)

// guessTitle is the subject without what says only that it is an offer; without a subject, the first line of the text.
func guessTitle(subject, text string) string {
	title := strings.TrimSpace(subject)
	for {
		rest := before.ReplaceAllString(title, "")
		if rest == title || strings.TrimSpace(rest) == "" {
			break
		}
		title = begun(strings.TrimSpace(rest))
	}
	if title == "" {
		for l := range strings.Lines(text) {
			if l = strings.TrimSpace(l); strings.ContainsFunc(l, unicode.IsLetter) && !greeting.MatchString(l) {
				title = l
				break
			}
		}
	}
	return shorten(title, mostLine)
}

// begun has the capital that a title begins with, now that nothing stands before it; "iOS" keeps its own.
func begun(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if second, _ := utf8.DecodeRuneInString(s[n:]); unicode.IsUpper(second) {
		return s
	}
	return string(unicode.ToUpper(first)) + s[n:]
}

// greeting is how letters begin.
var greeting = regexp.MustCompile(`(?i)^(bonjour|bonsoir|ch[eè]re?s?|madame|monsieur|mesdames|messieurs|hello|hi|dear|good (morning|afternoon))\b.{0,60}$`)

// freeMail are domains that say nothing of who somebody works for.
var freeMail = []string{
	"gmail", "googlemail", "orange", "wanadoo", "free", "laposte", "sfr", "neuf", "bbox", "numericable", "aliceadsl", "outlook", "hotmail", "live", "msn", "yahoo", "ymail",
	"icloud", "me", "mac", "aol", "gmx", "proton", "protonmail", "pm", "mailo", "zaclys", "posteo", "tutanota", "tuta", "fastmail", "hey", "yandex", "zoho", "linkedin", "indeed",
}

// guessCompany is the name in the sender's domain; "" where it is that of a mailbox provider or one of our own.
func guessCompany(address string, own []string) string {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	for _, o := range own {
		if domain == o || strings.HasSuffix(domain, "."+o) {
			return ""
		}
	}
	registered, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return ""
	}
	label, _, _ := strings.Cut(registered, ".")
	if slices.Contains(freeMail, label) || strings.HasPrefix(label, "xn--") {
		return ""
	}
	words := strings.FieldsFunc(label, func(r rune) bool { return r == '-' || r == '_' })
	for i, w := range words {
		if len(w) <= 3 { // an abbreviation, more often than not
			words[i] = strings.ToUpper(w)
		} else {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return shorten(strings.Join(words, " "), mostLine)
}

// shorten cuts a text at so many characters.
func shorten(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:most-1])) + "…"
}
