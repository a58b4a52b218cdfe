package demo

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"mime"
	"strings"
	"time"

	"amicale/internal/mail"
	"amicale/internal/newsletters/compose"
)

// Fate is what becomes of a message in the demonstration.
type Fate string

const (
	Arrives Fate = "arrives"
	Waits   Fate = "waits"   // the target's server put it off
	Fails   Fate = "fails"   // the target's server refused it
	Refused Fate = "refused" // at our own door
	Stays   Fate = "stays"   // its owner's mail waits here, or somebody's desk keeps it
)

// Message is one that somebody outside wrote.
type Message struct {
	To      string // in the order of Messages: the oldest first
	Ago     time.Duration
	From    mail.Address
	Subject string
	Text    string
	Marks   string     // lines before the others, each with its CRLF: those of a machine that took it for spam
	File    []byte     // a Word file that comes with it
	Fate    Fate       // what becomes of it
	Answer  mail.Reply // of the target's server, where it does not arrive
}

// Raw is the message as it travels; sent is when it was written.
func (m Message) Raw(sent time.Time) []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	b.WriteString(m.Marks)
	line("From: %s", m.From.String())
	line("To: <%s>", m.To)
	line("Subject: %s", mime.QEncoding.Encode("utf-8", m.Subject))
	if m.Fate != Refused { // a sender of spam does without
		line("Date: %s", sent.Format(time.RFC1123Z))
	}
	line("Message-ID: <%d.%d@%s>", sent.Unix(), len(m.Text), m.From.Address[strings.LastIndexByte(m.From.Address, '@')+1:])
	line("MIME-Version: 1.0")
	text := "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + strings.ReplaceAll(m.Text, "\n", "\r\n") + "\r\n"
	if m.File == nil {
		return []byte(b.String() + text)
	}
	line("Content-Type: multipart/mixed; boundary=part\r\n\r\n--part\r\n%s--part", text)
	line("Content-Type: application/vnd.openxmlformats-officedocument.wordprocessingml.document")
	line("Content-Disposition: attachment; filename=offre.docx\r\nContent-Transfer-Encoding: base64\r\n")
	for rest := base64.StdEncoding.EncodeToString(m.File); rest != ""; {
		n := min(76, len(rest))
		line("%s", rest[:n])
		rest = rest[n:]
	}
	line("--part--")
	return []byte(b.String())
}

// Messages came to the addresses for life of those who have an account, and to the desk of Lyon.
func Messages() []Message {
	const day = 24 * time.Hour
	return []Message{
		{To: "laure.lavaut.ly2010@ail.example", Ago: 11 * day, From: mail.Address{Name: "Camille Ostrowski", Address: "camille.ostrowski@exemple.org"},
			Subject: "Le week-end de promo", Text: "Bonjour Laure,\n\nNous serions une douzaine, fin mai, dans le Vercors. Tu en es ?\n\nCamille", Fate: Arrives},
		{To: "laure.lavaut.ly2010@ail.example", Ago: 6 * day, From: mail.Address{Name: "Atelier Brévent", Address: "devis@brevent.example"},
			Subject: "Plans de la passe à poissons (42 Mo)", Text: "Bonjour,\n\nVoici les plans en grand format.\n\nL’atelier", Fate: Fails,
			Answer: mail.Reply{Code: 552, Enhanced: "5.3.4", Text: "Message size exceeds fixed limit", Stage: "data"}},
		{To: "emploi@ail.example", Ago: 4 * day, From: mail.Address{Name: "Sarah Kermadec", Address: "recrutement@hydrelia.example"},
			Subject: "Offre : ingénieur ou ingénieure hydraulique, Lyon", Text: "Bonjour,\n\nVous trouverez notre offre en pièce jointe. Merci de la transmettre à vos diplômés.\n\nSarah Kermadec, Hydrelia",
			File: offer(), Fate: Stays},
		{To: "laure.lavaut.ly2010@ail.example", Ago: 3 * day, From: mail.Address{Name: "PRIZE DEPARTMENT", Address: "winner@lucky.example"},
			Subject: "You have been selected", Text: "Click to claim.", Marks: "From: prize@lucky.example\r\nX-Spam-Flag: YES\r\n", Fate: Refused},
		{To: "eloise.durant.ly2027@ail.example", Ago: 2 * day, From: mail.Address{Name: "Yanis Bouvet", Address: "yanis.bouvet@exemple.org"},
			Subject: "Le compte rendu du TP", Text: "Coucou Éloïse,\n\nIl ne manque que ta partie.\n\nYanis", Fate: Stays},
		{To: "pierre-henri.l-hame.ly1989@ail.example", Ago: day, From: mail.Address{Name: "Mairie de Caluire", Address: "urbanisme@caluire.example"},
			Subject: "Réunion publique du 14", Text: "Monsieur,\n\nLa réunion se tiendra à 18 h 30 en salle des fêtes.\n", Fate: Arrives},
		{To: "jobs@ail.example", Ago: 5 * time.Hour, From: mail.Address{Name: "Noah Lindqvist", Address: "noah@fjordworks.example"},
			Subject: "Graduate engineer, tidal energy (Bergen)", Text: "Hello,\n\nFjordworks is looking for a graduate engineer in tidal energy, in Bergen, from September.\n\nApply to noah@fjordworks.example.", Fate: Stays},
		{To: "laure.lavaut.ly2010@ail.example", Ago: 3 * time.Hour, From: mail.Address{Name: "Hugo Marchetti", Address: "hugo.marchetti@exemple.org"},
			Subject: "Re: ton exposé à l’école", Text: "Merci, c’était limpide. Les étudiants en reparlent encore.\n\nHugo", Fate: Arrives},
		{To: "laure.lavaut.ly2010@ail.example", Ago: 35 * time.Minute, From: mail.Address{Name: "Syndicat des énergies", Address: "lettre@syndicat.example"},
			Subject: "Convocation à l’assemblée", Text: "Madame,\n\nVous êtes convoquée à l’assemblée du 3.\n", Fate: Waits,
			Answer: mail.Reply{Code: 451, Enhanced: "4.7.1", Text: "Greylisted, please come back later", Stage: "rcpt"}},
	}
}

// offer is a job offer as Word writes it.
func offer() []byte {
	var body strings.Builder
	for _, p := range []string{"Ingénieur ou ingénieure hydraulique (CDI)", "Hydrelia, Lyon 7e",
		"Hydrelia conçoit de petites centrales hydroélectriques. Vous suivez un projet de l’étude à la mise en eau, avec une équipe de neuf personnes.",
		"Profil : école d’ingénieurs, trois ans d’expérience ou plus. Permis B.", "Candidature : recrutement@hydrelia.example"} {
		body.WriteString("<w:p><w:r><w:t>" + p + "</w:t></w:r></w:p>")
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range [][2]string{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`},
		{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a" ` +
			`Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`},
		{"word/document.xml", `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>` + body.String() + `</w:body></w:document>`},
	} {
		if w, err := z.Create(e[0]); err == nil { // into memory, which takes all
			_, _ = w.Write([]byte(e[1]))
		}
	}
	_ = z.Close()
	return out.Bytes()
}

// Dead is an address of Pierre-Henri's that works no longer: he wrote it down years ago.
const Dead = "ph.lhame@fibre-loire.example"

// Letters are what Lyon wrote to its own: one that left last week, and one that is not finished.
func Letters() (left, draft map[string]compose.Written) {
	left = map[string]compose.Written{
		"fr": {Subject: "{{prenom}}, le gala revient le 21 mars", Preheader: "Inscriptions ouvertes, tarif des adhérents jusqu’à fin février.", Body: `Bonjour {{prenom}},

Le gala revient à l’hôtel de ville, **samedi 21 mars à 19 h**. Les promos en 0 et en 5 y ont leur table.

- [Je m’inscris](https://alumni-lyon.example/gala)
- [Le programme](https://alumni-lyon.example/gala/programme)

## Un coup de main ?

Il nous manque trois personnes à l’accueil. [Dis-le-nous](https://alumni-lyon.example/benevoles).

À bientôt,
l’équipe de l’AIL`},
		"en": {Subject: "{{prenom}}, the gala is back on 21 March", Preheader: "Registration is open.", Body: `Hello {{prenom}},

The gala is back at the town hall, **Saturday 21 March, 7 pm**.

- [I will come](https://alumni-lyon.example/gala)
- [The programme](https://alumni-lyon.example/gala/programme)

See you there,
the AIL team`},
	}
	draft = map[string]compose.Written{"fr": {Subject: "Visite du barrage de Génissiat", Preheader: "Vingt places, le premier samedi d’avril.", Body: `Bonjour {{prenom}},

Hydrelia nous ouvre les portes de Génissiat. **Vingt places**, car au départ de Lyon à 8 h.

[Je réserve ma place](https://alumni-lyon.example/genissiat)`}}
	return left, draft
}
