package mail

// Stream is one of the kinds of mail whose reputations are kept apart, each with its own domain and signing key.
type Stream string

const (
	Notifications Stream = "notifications" // the site's own letters
	Forwarding    Stream = "forwarding"    // other people's mail, passed on
	Campaigns     Stream = "campaigns"     // newsletters
)

// ReturnDomain is where reports about mail of a domain come back to.
func ReturnDomain(domain string) string { return "retour." + domain }

// LettersDomain is the domain that campaigns of a mail domain leave from, so that their reputation is their own.
func LettersDomain(domain string) string { return "lettres." + domain }

// UnsubscribeSubject is what a letter to the mailto: of List-Unsubscribe is about: mail programs write it without asking.
const UnsubscribeSubject = "unsubscribe"
