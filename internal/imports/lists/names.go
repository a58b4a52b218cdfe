package lists

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"amicale/internal/fold"
)

// splitName takes a full name apart. surnameFirst says that the column's header puts the surname before; a comma says
// so for one name, and so do capitals (DUPONT Jean, Jean DUPONT). Else the surname is the last word and the particles
// before it: Jean de La Fontaine, Charles de la Vallée Poussin.
func splitName(s string, surnameFirst bool) (civility, first, last string) {
	words := strings.Fields(s)
	for len(words) > 1 {
		c := civilityOf(words[0])
		if c == "" && !isTitle(words[0]) || utf8.RuneCountInString(words[0]) == 1 {
			break // H and F are initials here
		}
		if c != "" {
			civility = c
		}
		words = words[1:]
	}
	s = strings.Join(words, " ")
	if last, first, ok := strings.Cut(s, ","); ok && !isSuffix(strings.TrimSpace(first)) {
		return civility, strings.TrimSpace(first), strings.TrimSpace(last)
	}
	return splitWords(civility, words, surnameFirst)
}

// bareName drops what follows a full name without being part of it: "(1892-1982)", ", 3rd Earl of Rosse".
func bareName(s string) string {
	if name, rest, ok := strings.Cut(s, "("); ok && strings.ContainsAny(rest, "0123456789") {
		s = name
	}
	name, rest, ok := strings.Cut(s, ",")
	if words := strings.Fields(rest); ok && len(words) > 0 {
		switch strings.ToLower(words[0]) {
		case "lord", "sir", "baron", "baronet", "count", "comte", "earl", "prince", "duke", "duc", "viscount", "vicomte", "marquis", "marquess", "graf", "freiherr":
			s = name
		}
		if words[0][0] >= '0' && words[0][0] <= '9' || strings.Contains(rest, " of ") {
			s = name
		}
	}
	return strings.TrimSpace(s)
}

// splitWords takes a name apart that has neither civility nor comma.
func splitWords(civility string, words []string, surnameFirst bool) (_, first, last string) {
	s := strings.Join(words, " ")
	if len(words) < 2 {
		return civility, "", s
	}
	if at, before := capitals(words); at > 0 {
		if before {
			return civility, strings.Join(words[at:], " "), strings.Join(words[:at], " ")
		}
		return civility, strings.Join(words[:at], " "), strings.Join(words[at:], " ")
	}
	if surnameFirst {
		at := 1
		for at < len(words)-1 && isParticle(words[at-1]) {
			at++
		}
		return civility, strings.Join(words[at:], " "), strings.Join(words[:at], " ")
	}
	at := len(words) - 1
	for at > 1 && isSuffix(words[at]) {
		at--
	}
	for i := 1; i < at; i++ {
		if isParticle(words[i]) { // "de la Vallée Poussin": all from the first particle on
			at = i
			break
		}
	}
	return civility, strings.Join(words[:at], " "), strings.Join(words[at:], " ")
}

// capitals finds where words change between capitals (of two letters or more) and others; before says the capitals
// stand first. at is 0 if they do not change exactly once.
func capitals(words []string) (at int, before bool) {
	before = isCapital(words[0])
	for i := 1; i < len(words); i++ {
		capital := isCapital(words[i])
		switch {
		case at == 0 && capital != before:
			at = i
		case at > 0 && capital == before:
			return 0, false
		}
	}
	if at == 0 {
		return 0, false
	}
	if !before { // a particle in small letters belongs to the surname: Jean de LA FONTAINE
		for at > 1 && isParticle(words[at-1]) {
			at--
		}
	}
	return at, before
}

func isCapital(word string) bool {
	letters := 0
	for _, r := range word {
		if unicode.IsLower(r) {
			return false
		}
		if unicode.IsLetter(r) {
			letters++
		}
	}
	return letters > 1 && !isSuffix(word)
}

func isParticle(word string) bool {
	switch strings.ToLower(word) {
	case "de", "du", "des", "d'", "d’", "la", "le", "les", "von", "van", "der", "den", "ten", "ter", "zu", "zum", "zur", "vom", "di", "da", "dal", "dalla", "del", "della", "dei", "degli",
		"do", "dos", "das", "el", "al", "ben", "bin", "ibn", "abd", "af", "av", "y", "saint", "sainte", "st", "mac", "o":
		return true
	}
	word = strings.ToLower(word)
	for _, elided := range []string{"d'", "d’", "l'", "l’"} {
		if strings.HasPrefix(word, elided) {
			return true
		}
	}
	return false
}

func isSuffix(word string) bool {
	switch strings.ToLower(strings.TrimSuffix(word, ".")) {
	case "jr", "sr", "junior", "senior", "ii", "iii", "iv", "phd", "md":
		return true
	}
	return false
}

func isTitle(word string) bool {
	switch strings.ToLower(strings.TrimSuffix(word, ".")) {
	case "dr", "docteur", "pr", "prof", "professeur", "professor", "me", "maître", "sir", "ing", "dipl":
		return true
	}
	return false
}

// civilityOf is m or mme, or nothing. Codes of gender columns are among the words.
func civilityOf(s string) string {
	if len(s) > 20 {
		return ""
	}
	switch fold.Name(s) {
	case "m", "mr", "mister", "monsieur", "h", "homme", "male", "man", "masculin", "garcon", "msr", "herr":
		return "m"
	case "mme", "madame", "mlle", "mademoiselle", "f", "femme", "female", "woman", "feminin", "mrs", "ms", "miss", "melle", "fille", "frau":
		return "mme"
	}
	return ""
}

// firstInUse is the first name in use, of a cell that may list all: the one before a comma.
func firstInUse(cell string) string {
	first, _, _ := strings.Cut(cell, ",")
	first, _, _ = strings.Cut(first, ";")
	return strings.TrimSpace(first)
}

// firstOfAll is the first name in use where only the register's are known, one word: Jean-Pierre Marie.
func firstOfAll(cell string) string {
	if strings.ContainsAny(cell, ",;") {
		return firstInUse(cell)
	}
	first, _, _ := strings.Cut(cell, " ")
	return first
}

// isName reports that s can be a name: it has letters, and no digits nor signs of other things.
func isName(s string) bool {
	letters := false
	for _, r := range s {
		switch {
		case unicode.IsLetter(r):
			letters = true
		case unicode.IsDigit(r), strings.ContainsRune("@<>{}\\|=*#€$%", r), unicode.IsControl(r) && r != '\n' && r != '\t':
			return false
		}
	}
	return letters && utf8.RuneCountInString(s) <= 200
}
