package mail

import "strings"

// sayings are what the words of an answer say: a set of the lists of which a phrase stands in it.
type sayings uint16

const (
	blamesUs sayings = 1 << iota
	full
	unwanted
	noMailbox
	noDomain
	certain
	busy
	later
	greylists
)

func (s sayings) has(of sayings) bool { return s&of != 0 }

// saying is a phrase and what it says.
type saying struct {
	phrase string
	says   sayings
}

// lexicon holds the phrases by their first three octets, so that an answer is read once for all of them.
var lexicon = newLexicon()

func newLexicon() map[[3]byte][]saying {
	out := map[[3]byte][]saying{}
	for says, list := range map[sayings][]string{
		blamesUs: blamesUsPhrases, full: fullPhrases, unwanted: unwantedPhrases, noMailbox: noMailboxPhrases, noDomain: noDomainPhrases,
		certain: certainPhrases, busy: busyPhrases, later: laterPhrases, greylists: {"greylist", "graylist"},
	} {
		for _, p := range list {
			key := [3]byte([]byte(p))
			out[key] = append(out[key], saying{p, says})
		}
	}
	return out
}

// listen reads a text that plain made.
func listen(words string) (all sayings) {
	for i := 0; i+4 <= len(words); i++ {
		if words[i] != ' ' {
			continue
		}
		for _, s := range lexicon[[3]byte([]byte(words[i+1:i+4]))] {
			if strings.HasPrefix(words[i+1:], s.phrase) {
				all |= s.says
			}
		}
	}
	return all
}

// says reports whether one of a few phrases stands in a text that plain made.
func says(words string, phrases []string) bool {
	for _, p := range phrases {
		if strings.Contains(words, p) {
			return true
		}
	}
	return false
}
