package ui

import (
	"strconv"

	"github.com/a-h/templ"
)

// The living page shows invented people, in French only: its texts are samples, not messages.
func sample(name string) string {
	texts := map[string]string{
		"kicker": "Système de design", "title": "Composants", "home": "Accueil",
		"lead": "Tout ce dont les pages sont faites, dans tous les états, en clair et en sombre, sur un téléphone comme sur un grand écran.",
		"hero": "Retrouve ta promo, garde le lien", "more": "et 126 autres",
		"prose_title": "Se retrouver", "prose": "Trente-deux camarades de promotion n’ont pas donné de nouvelles depuis longtemps. Un nom, une adresse, un souvenir suffisent souvent pour renouer le fil.",
		"prose_a": "Cherche par nom, même mal écrit.", "prose_b": "Choisis qui voit tes coordonnées.", "prose_quote": "J’ai retrouvé en une soirée trois amis perdus de vue depuis 1962.",
		"small": "Petit texte : 06 12 34 56 78, 1er septembre 2010, 12 408 personnes.", "profile": "Mon profil", "settings": "Paramètres", "sign_out": "Se déconnecter", "help": "Comment ça marche ?",
		"bad_year": "L’année de promo a quatre chiffres, par exemple 2010.", "bad_password": "Ce mot de passe est trop court : il en faut 12 caractères.",
		"postcode": "Code postal", "town": "Ville", "save": "Enregistrer", "delete": "Supprimer", "sure": "Supprimer cette adresse ?",
		"form_note": "Un formulaire dit ce qui manque, là où ça manque, et ne perd rien.", "civil": "Génie civil", "results": "132 personnes",
		"info_title": "Ton compte est presque prêt", "info": "Un lien t’attend dans ta boîte de réception. Il vaut 48 heures.", "success": "Ton adresse est confirmée.",
		"warning_title": "Ton adresse professionnelle ne répond plus", "warning": "Trois courriers sont revenus. Vérifie-la ou ajoutes-en une autre.",
		"danger_title": "Ce fichier n’est pas une image", "danger": "Rien n’est perdu : choisis un fichier gif, png ou jpg de 2 Mo au plus.",
		"saved": "Adresse supprimée.", "failed": "L’envoi a échoué. Ton texte est gardé.",
		"empty_title": "Personne avec ces filtres", "empty": "Retire un filtre, ou vérifie l’année de promo.", "widen": "Élargir la recherche", "lost": "Sans nouvelles",
		"dialog_title": "Voir ma page comme…", "tabs": "Écoles", "all": "Toutes", "step_1": "Ton nom", "step_2": "Où t’écrire", "step_3": "Ton mot de passe",
		"complete": "Ton profil", "five_of_eight": "5 sur 8", "stat_people": "personnes", "stat_members": "adhérents", "stat_hint": "dont 214 ce mois-ci", "stat_schools": "écoles",
		"mail": "Courriel", "phone": "Téléphone", "address": "Adresse", "address_value": "20 avenue Albert-Einstein, 69100 Villeurbanne", "audience_members": "Visible par les adhérents", "audience_contacts": "Visible par mes contacts adhérents",
		"question": "Quel est mon identifiant ?", "question_2": "Qui voit mon numéro de téléphone ?",
	}
	return texts[name]
}

func busyAttrs() templ.Attributes            { return templ.Attributes{"aria-busy": "true"} }
func dialogAttrs(id string) templ.Attributes { return templ.Attributes{"data-dialog": id} }
func samplePage(n int) string                { return "?page=" + strconv.Itoa(n) }

func sampleIdentity() IdentityProps {
	return IdentityProps{Name: "Laure Lavaut", Headline: "Ingénieure matériaux, voix de la rénovation bas carbone", Place: "Villeurbanne",
		Schools: []SchoolBadgeProps{{Code: "ly", Label: "Lyon", Year: 2010, Detail: "Génie civil"}},
		Badges:  []BadgeProps{{Text: "Adhérente", Tone: Success, Icon: "check"}},
		Actions: LinkButton(LinkButtonProps{Label: "Compléter mon profil", URL: "#personnes", Icon: "edit", Small: true})}
}

func samplePeople() []PersonCardProps {
	return []PersonCardProps{
		{Name: "Anne-Laure Lavaut", URL: "#personnes", Headline: "Architecte du patrimoine, atelier Confluence", Schools: []SchoolBadgeProps{{Code: "ly", Label: "Lyon", Year: 2010}}, Place: "Lyon"},
		{Name: "Pierre-Henri L’Hame", URL: "#personnes", Headline: "Retraité, anime le groupe Rhône et ses marches du jeudi, toujours prêt à relire un CV ou à parler de ponts", Schools: []SchoolBadgeProps{{Code: "ly", Label: "Lyon", Year: 1989}, {Code: "st", Label: "Strasbourg", Year: 1991}}, Badges: []BadgeProps{{Text: "Adhérent", Tone: Success}}},
		{Name: "Éloïse Durant", URL: "#personnes", Headline: "Étudiante en 3e année", Schools: []SchoolBadgeProps{{Code: "re", Label: "Rennes", Year: 2027, Detail: "Informatique"}}},
		{Name: "Jean <b>Martin</b>", URL: "#personnes", Schools: []SchoolBadgeProps{{Code: "to", Label: "Toulouse", Year: 1962}}, Dim: true, Badges: []BadgeProps{{Text: "Sans nouvelles"}}},
		{Name: "Wolfeschlegelsteinhausenbergerdorff-Vandermeersch de Saint-Exupéry", URL: "#personnes", Headline: "Un nom très long", Schools: []SchoolBadgeProps{{Code: "cv", Label: "Centre-Val de Loire", Year: 2019, Detail: "Maîtrise des risques industriels"}}},
		{Name: "Łucja Şahin", URL: "#personnes", Headline: "Docteure en acoustique", Schools: []SchoolBadgeProps{{Code: "ro", Label: "Normandie", Year: 2004}}, Foot: CopyButton("lucja.sahin.ro2004")},
	}
}

func sampleChapters() []ChapterProps {
	links := []NavItem{{Label: sample("question"), URL: "#chemins"}, {Label: sample("question_2"), URL: "#chemins"}}
	return []ChapterProps{{Title: "Se connecter", Icon: "key", ID: "chapitre-1", Links: links}, {Title: "Mon profil", Icon: "user", ID: "chapitre-2", Links: links[1:]}}
}

func sampleSchools() []SchoolProps {
	return []SchoolProps{{Code: "ly", Name: "AIL Alumni", School: "Lyon", URL: "#chemins"}, {Code: "re", Name: "IAR", School: "Rennes", URL: "#chemins"}, {Code: "ro", Name: "A2IN", School: "Normandie", URL: "#chemins"}}
}

func sampleFaces() []AvatarProps {
	var out []AvatarProps
	for _, p := range samplePeople() {
		out = append(out, AvatarProps{Name: p.Name})
	}
	return out
}

func sampleCompact() PersonCardProps {
	p := samplePeople()[2]
	p.Compact = true
	return p
}

func sampleAudiences() []Option {
	return []Option{{Value: "members", Label: "Les adhérents", Selected: true}, {Value: "contacts", Label: "Mes contacts adhérents"}, {Value: "me", Label: "Moi seulement"}}
}

// sampleFields shows each type of field; lang preselects the language.
func sampleFields(lang string) []FieldProps {
	return []FieldProps{
		{Label: "Nom", Name: "sample-name", Value: "Lavaut", Hint: "Celui de ton diplôme.", Autocomplete: "family-name", Required: true},
		{Label: "Année de promo", Name: "sample-year", Value: "210", InputMode: "numeric", MaxLength: 4, Size: ShortSize, Error: sample("bad_year"), Required: true},
		{Label: "Courriel", Name: "sample-mail", Type: EmailField, Autocomplete: "email", Placeholder: "prenom@exemple.fr", Audience: &AudienceProps{Name: "sample-mail-audience", Label: "Qui voit ce courriel", Options: sampleAudiences()}},
		{Label: "Téléphone", Name: "sample-phone", Type: PhoneField, Autocomplete: "tel", Size: MediumSize, Optional: true},
		{Label: "Mot de passe", Name: "sample-password", Type: PasswordField, Autocomplete: "new-password", Hint: "12 caractères au moins. Une phrase convient très bien.", Error: sample("bad_password"), Required: true},
		{Label: "Né·e le", Name: "sample-birth", Type: DateField, Autocomplete: "bday", Size: MediumSize},
		{Label: "Langue", Name: "sample-lang", Type: SelectField, Size: MediumSize, Options: []Option{{Value: "fr", Label: "Français", Selected: lang == "fr"}, {Value: "en", Label: "English", Selected: lang == "en"}}},
		{Label: "Présentation", Name: "sample-about", Type: TextArea, Optional: true, MaxLength: 2000, Rows: 4},
		{Label: "Photo", Name: "sample-photo", Type: FileField, Hint: "gif, png ou jpg, 2 Mo au plus.", Accept: "image/png,image/jpeg,image/gif", MaxBytes: 2_000_000},
		{Label: "Recevoir la lettre", Name: "sample-letter", Type: RadioGroup, Options: []Option{{Value: "month", Label: "Chaque mois", Selected: true}, {Value: "never", Label: "Jamais", Hint: "Tu gardes les messages de ton compte."}}},
		{Label: "Langues parlées", Name: "sample-langs", Type: Checkboxes, Options: []Option{{Value: "en", Label: "Anglais", Selected: true}, {Value: "de", Label: "Allemand"}}},
		{Label: "Garder ma session ouverte", Name: "sample-keep", Type: Checkbox, Checked: true, Hint: "Pas sur un ordinateur partagé."},
		{Label: "Identifiant", Name: "sample-login", Value: "laure.lavaut.ly2010", ReadOnly: true},
	}
}

func sampleFacets() FacetPanelProps {
	return FacetPanelProps{Action: "#recherche-facettes", Results: 132, Hidden: []Option{{Value: "q", Label: "lavaut"}}, Groups: []FacetGroup{
		{Title: "École", Name: "ecole", Values: []FacetValue{{Value: "ly", Label: "Lyon", Count: 98, Selected: true, Code: "ly"}, {Value: "re", Label: "Rennes", Count: 21, Code: "re"}, {Value: "st", Label: "Strasbourg", Count: 13, Code: "st"}, {Value: "to", Label: "Toulouse", Count: 0, Code: "to"}}},
		{Title: "Promo", Name: "promo", Kind: FacetLinks, Values: []FacetValue{{Label: "2010", URL: "?promo=2010", Count: 64, Selected: true}, {Label: "2011", URL: "?promo=2011", Count: 1068}}, More: &LinkButtonProps{Label: "Toutes les années", URL: "#recherche-facettes", Kind: Quiet, Small: true}},
		{Title: "Département", Name: "dep", Closed: true, Values: []FacetValue{{Value: "gc", Label: "Génie civil et urbanisme", Count: 41}, {Value: "if", Label: "Informatique", Count: 38}}},
	}}
}

func sampleBadges() []BadgeProps {
	return []BadgeProps{{Text: "Étudiante"}, {Text: "Groupe Rhône", Tone: Accent}, {Text: "À confirmer", Tone: Info}, {Text: "Adhérent", Tone: Success, Icon: "check"}, {Text: "Bientôt échue", Tone: Warning}, {Text: "Refusée", Tone: Danger}}
}

func sampleTable() TableProps {
	open := LinkButton(LinkButtonProps{Label: "Traiter", URL: "#donnees", Small: true})
	return TableProps{Caption: "Demandes d’activation", Columns: []Column{{Label: "Personne"}, {Label: "Reçue"}, {Label: "État"}, {Label: "Jours", Numeric: true}, {Label: "Action", Bare: true}}, Rows: [][]Cell{
		{{Text: "Laure Lavaut", URL: "#donnees"}, {Text: "21 novembre 2026"}, {Content: Badge(BadgeProps{Text: "Nouvelle", Tone: Info})}, {Text: "2"}, {Content: open}},
		{{Text: "Jean-Jacques Dupont", URL: "#donnees"}, {Text: "14 novembre 2026"}, {Content: Badge(BadgeProps{Text: "En retard", Tone: Danger})}, {Text: "9"}, {Content: open}},
	}}
}

func sampleTimeline() []Moment {
	return []Moment{
		{When: "Depuis 2019", Title: "Ingénieure matériaux, Atelier Confluence", Text: "Lyon", Now: true},
		{When: "2014 – 2019", Title: "Conductrice de travaux, Ponts & Ouvrages", Text: "Grenoble"},
		{When: "2010", Title: "Diplôme d’ingénieure, Lyon"},
	}
}
