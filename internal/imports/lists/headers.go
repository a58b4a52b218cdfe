package lists

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/people"
)

// Field is what a column holds. Its text is what --map takes.
type Field string

// The fields of a person. Contact fields are for one Purpose, and most fields can stand several times (Group).
const (
	LegacyIDField         Field = "legacy_id"
	LegacySource          Field = "legacy_source"
	Civility              Field = "civility"
	FullName              Field = "full_name"     // first names and surname in one cell
	SurnameFirst          Field = "surname_first" // the same, surname before
	FirstName             Field = "first_name"    // the one in use
	FirstNames            Field = "first_names"   // all, as in the register
	Surname               Field = "surname"       // of birth, unless a column says which is which
	BirthSurname          Field = "birth_surname"
	UsageSurname          Field = "usage_surname"
	BirthDate             Field = "birth_date" // or year
	DeathDate             Field = "death_date"
	Deceased              Field = "deceased"
	Status                Field = "status"
	ClassYear             Field = "class_year"
	Diploma               Field = "diploma"
	StudyYear             Field = "study_year"
	Department            Field = "department"
	Association           Field = "association"
	Email                 Field = "email"
	Phone                 Field = "phone"
	Street                Field = "address"
	Postcode              Field = "postcode"
	City                  Field = "city"
	Country               Field = "country"
	AddressFrom           Field = "address_from"
	AddressTo             Field = "address_to"
	Login                 Field = "login"
	FormerLogin           Field = "former_login"
	Redirect              Field = "redirect"
	MembershipFrom        Field = "membership_from"
	MembershipTo          Field = "membership_to"
	MembershipOrigin      Field = "membership_origin"
	MembershipAssociation Field = "membership_association"
	MembershipPaid        Field = "membership" // a year, or yes under a header with a year
	RefuseMailing         Field = "refuse_mailing"
	RefusePost            Field = "refuse_post"
	RefusePhone           Field = "refuse_phone"
	RefuseDirectory       Field = "refuse_directory"
	RefuseAll             Field = "refuse_all"
	AcceptMailing         Field = "accept_mailing" // no is a refusal
	AcceptDirectory       Field = "accept_directory"
	RefusalDate           Field = "refusal_date"
	RefusalOrigin         Field = "refusal_origin"
	Note                  Field = "note"   // kept under the header's name
	Ignore                Field = "ignore" // not kept: passwords, and what a reject file adds
)

// headerTable lists the headers of each field, folded, without the words that say nothing (noise) or say whose
// or which (qualifier). The headers of AlumnForce, Galette, osuny, the Assemblée nationale and Wikidata are among them.
func headerTable() map[Field]string {
	return map[Field]string{
		LegacyIDField: "id|identifiant unique|identifiant interne|identifiant ecole|identifiant af|identifiant alumnforce|identifiant technique|id externe|id interne|" +
			"numero|num|no|n|matricule|matricule ecole|legacy id|legacy|legacy identifier|external id|ext id|uid|uuid|guid|reference|ref|code|numero adherent|num adherent|id adherent|" +
			"numero etudiant|person id|member id|user id|customer id|contact id|student id|alumni id|wikidata|qid|id personne|dep id|old id|ancien id|ancien numero|code personne|" +
			"code client|numero client|numero personne|id utilisateur|id contact|id person|id legacy|pk|key|cle",
		LegacySource: "source|systeme origine|legacy source|systeme source|source system|legacy system",
		Civility:     "civilite|civ|titre|title|salutation|sexe|genre|gender|sex|m mme|mr mme|mme m|m mme mlle|mme mlle m|honorific|anrede|politesse|formule politesse",
		FullName:     "nom complet|full name|fullname|prenom nom|prenom et nom|prenoms nom|prenoms et nom|display name|nom affiche|identite|first name last name|complete name",
		SurnameFirst: "nom prenom|nom et prenom|nom prenoms|nom et prenoms|last name first name|surname first name|nom patronymique et prenom",
		FirstName: "prenom|prenom usuel|prenom usage|prenom courant|prenom principal|premier prenom|first name|firstname|given name|givenname|forename|preferred name|preferred first name|" +
			"preusuel|vorname|first|fname|prenom appel",
		FirstNames:   "prenoms|prenoms etat civil|tous prenoms|tous prenoms etat civil|given names|first names|forenames|prenoms naissance|autres prenoms|prenom 2|deuxieme prenom|middle name|middle names|second prenom",
		Surname:      "nom|last name|lastname|surname|family name|nom famille|noms|nachname|last|lname|nom personne|familyname",
		BirthSurname: "nom naissance|nom jeune fille|birth name|maiden name|birth surname|birth last name|nom patronymique|nom etat civil|nom civil|nee|ne|ne e|njf|patronyme|former name|geburtsname|nom fille",
		UsageSurname: "nom usage|nom usuel|nom marital|nom epouse|nom epoux|nom actuel|nom affichage|usage name|common name|married name|usual name|nom usage epouse|nom femme mariee|usage surname|current surname|nom conjoint usage",
		BirthDate: "date naissance|naissance|ne le|nee le|ne e le|birth date|birthdate|birthday|date birth|dob|ddn|birth|annee naissance|annee nais|birth year|birthyear|year birth|" +
			"date nais|datenais|date naiss|born|born on|subject birth date|jour naissance|geburtsdatum",
		DeathDate: "date deces|deces|death date|date death|deceased on|decede le|decedee le|decede e le|death|dod|annee deces|death year|date dc",
		Deceased:  "decede|decedee|decede e|deceased|dead|est decede|is dead|is deceased|dcd|dc|defunt",
		Status:    "statut|status|type utilisateur|type|type profil|profil|qualite|categorie|category|population|user type|profile type|person type|type personne",
		ClassYear: "promo|promotion|annee promo|annee promotion|class year|class|classyear|graduation year|year graduation|annee diplome|annee diplomation|annee obtention|annee obtention diplome|" +
			"annee sortie|annee sortie ecole|year|annee|promo sortie|promotion sortie|date promotion|date diplome|date obtention|date obtention diplome|date diplomation|graduation date|graduation|millesime|cohorte|cohort|" +
			"end year|graduated|graduating class|alumni year|classe|annee fin etudes|jahrgang|promo diplome|promotion diplome|diplome annee|diploma year|degree year",
		Diploma:   "diplome|type diplome|diploma|degree|degree type|diploma type|titre diplome|intitule diplome|niveau diplome|degree name|nom diplome|diplome obtenu|qualification|libelle diplome",
		StudyYear: "annee etude|annee etudes|annee cursus|niveau|niveau etude|niveau etudes|study year|year study|annee en cours|annee scolaire etudiant|study level|current year",
		Department: "departement|department|dept|specialite|specialisation|speciality|specialty|specialization|filiere|option|major|section|branche|field study|intitule cursus|domaine cursus|" +
			"formation|parcours|genie|field|discipline|dominante|departement insa|departement ecole|departement formation|departement specialite|specialite departement",
		Association: "ecole|association|school|asso|institut|institution|insa|college|campus|code ecole|code association|school name|nom ecole|association code|school code|etablissement formation|ecole origine",
		Email: "email|e mail|mail|courriel|mel|adresse mail|adresse e mail|adresse email|adresse courriel|adresse electronique|email address|e mail address|mail address|mails|emails|e mails|" +
			"courrier electronique|adresse mel|couriel|adresse messagerie|messagerie",
		Phone: "tel|telephone|phone|phone number|numero telephone|num telephone|num tel|numero tel|tel fixe|telephone fixe|fixe|tel mobile|telephone mobile|mobile|mobile number|portable|" +
			"telephone portable|tel portable|gsm|cell|cell phone|cellphone|mobile phone|numero mobile|numero portable|telephones|tels|landline|telefon|handy|fixed phone|no tel|no telephone",
		Street: "adresse|address|adresse ligne|address line|rue|street|street address|voie|adresse postale|postal address|complement adresse|adresse complement|complement|adresse rue|addresse|" +
			"mailing address|adresse voie|numero voie|numero et voie|batiment|lieu dit|adresse suite|strasse|adresse street|adresse bp|address street|postal",
		Postcode:    "cp|code postal|postcode|postal code|post code|zip|zip code|zipcode|adresse code postal|adresse cp|address zip|address postcode|plz|adresse postcode|codepostal|code post",
		City:        "ville|town|city|commune|localite|adresse ville|address city|ort|municipality|adresse commune|ville residence|bureau distributeur",
		Country:     "pays|country|adresse pays|address country|land|country code|pays residence|code pays|adresse pays iso|pays iso",
		AddressFrom: "adresse debut|adresse depuis|adresse date debut|adresse valable debut|address from|address start|address valid from|debut adresse|date debut adresse",
		AddressTo:   "adresse fin|adresse jusqu|adresse jusqu fin|adresse date fin|adresse valable jusqu|address to|address until|address end|address valid to|address valid until|fin adresse|date fin adresse",
		Login: "login|identifiant|nom utilisateur|user name|username|login actuel|identifiant actuel|identifiant connexion|current login|login x org|identifiant site|user|account|compte|" +
			"adresse vie|email vie|e mail vie|mail vie|lifetime address|lifetime email|adresse electronique vie",
		FormerLogin: "ancien identifiant|ancien login|former login|old login|anciens identifiants|anciens logins|former logins|old logins|previous login|previous logins|alias|logins anterieurs|identifiant precedent|identifiants precedents",
		Redirect: "redirection|redirections|redirection mail|redirection email|redirection e mail|adresse redirection|email redirection|e mail redirection|mail redirection|redirect|redirects|redirect to|forward|forward to|forwarding|" +
			"forwarding address|cible redirection|email forward|redirection adresse vie|adresse vie redirection|redirection vers|cible|redirect target|redirect targets",
		MembershipFrom: "debut adhesion|debut cotisation|date debut adhesion|date debut cotisation|adhesion debut|cotisation debut|date adhesion|date cotisation|membership start|membership from|membership start date|" +
			"member since|adherent depuis|cotisant depuis|adhesion depuis|date debut|start date|membership begin|adhesion date debut|cotisation date debut|dues from",
		MembershipTo: "fin adhesion|fin cotisation|date fin adhesion|date fin cotisation|adhesion fin|cotisation fin|date echeance|echeance|date expiration|expiration|date fin|end date|membership end|membership to|" +
			"membership end date|membership until|valid until|membership expires|adherent jusqu|cotisant jusqu|echeance cotisation|date echeance cotisation|adhesion jusqu|adhesion date fin|cotisation date fin|dues to|membership expiry",
		MembershipOrigin:      "origine adhesion|origine cotisation|membership origin|source adhesion|adhesion origine|cotisation origine|membership source",
		MembershipAssociation: "association adhesion|association cotisation|adhesion association|membership association|ecole adhesion|ecole cotisation",
		MembershipPaid:        "adhesion|cotisation|cotisant|adherent|membership|member|statut cotisant|jour cotisation|jour adhesion|cotisations|adhesions|dues|annee cotisation|annee adhesion|cotisation annee|adhesion annee|membership year",
		RefuseMailing: "refus mail|refus mails|refus email|refus emails|refus e mail|refus mailing|refus mailings|refus emailing|refus e mailing|refuse mail|refuse mails|refuse mailing|opt out|optout|unsubscribed|desabonne|desinscrit|no mail|no mailing|" +
			"no email|ne pas ecrire|do not email|do not mail|refus newsletter|refuse newsletter|opposition mail|opposition mailing|refus courriel|refuse e mail|mailing refused|opt out mailing|refusal mailing|email opt out",
		RefusePost:      "refus courrier|refus postal|refus courrier postal|refus papier|no post|refuse courrier|refus envoi postal",
		RefusePhone:     "refus telephone|refus appel|refus appels|refus sms|no phone|no sms|refuse telephone",
		RefuseDirectory: "refus annuaire|liste rouge|refus publication|refus annuaire papier|refus parution|no directory|refuse annuaire",
		RefuseAll:       "ne pas contacter|do not contact|opposition|refus contact|refus|refus tout|opposition rgpd|refus total|refus sollicitation|refus sollicitations",
		AcceptMailing: "accepte mail|accepte mails|accepte newsletter|accepte newsletters|accepte emails|accepte email|opt in|optin|accord mailing|accord mail|consentement mail|consentement mailing|accepte mailing|" +
			"j accepte recevoir mails|j accepte recevoir mails association|accepte recevoir mails|accepte recevoir newsletter|email consent|mailing consent|email opt in",
		AcceptDirectory: "j accepte figurer dans annuaire papier|j accepte figurer annuaire papier|accepte annuaire|accord annuaire|accepte figurer annuaire",
		RefusalDate:     "date refus|refus date|date opposition|date desinscription|date desabonnement|opt out date|refusal date|date opt out|unsubscribed on|unsubscribed at|refus le|date refus mail|date refus mailing|date refus email|opposition date",
		RefusalOrigin:   "origine refus|refus origine|motif refus|refusal origin|refusal source|source refus|canal refus|refusal reason|origine opposition|origine refus mail|origine refus mailing|raison refus|opt out origin",
		Ignore:          "mdp|mot passe|password|password hash|pass|passwd|pwd|hash|secret|token|encrypted password|motif rejet|rejected because|ligne origine|original line",
	}
}

// Fields are all that --map takes, in the order of the help.
func Fields() []Field {
	return []Field{LegacyIDField, LegacySource, Civility, FullName, SurnameFirst, FirstName, FirstNames, Surname, BirthSurname, UsageSurname, BirthDate, DeathDate,
		Deceased, Status, ClassYear, Diploma, StudyYear, Department, Association, Email, Phone, Street, Postcode, City, Country, AddressFrom, AddressTo,
		Login, FormerLogin, Redirect, MembershipFrom, MembershipTo, MembershipOrigin, MembershipAssociation, MembershipPaid, RefuseMailing, RefusePost,
		RefusePhone, RefuseDirectory, RefuseAll, AcceptMailing, AcceptDirectory, RefusalDate, RefusalOrigin, Note, Ignore}
}

func (f Field) IsContact() bool {
	switch f {
	case Email, Phone, Street, Postcode, City, Country, AddressFrom, AddressTo:
		return true
	}
	return false
}

// headerReader recognises headers: the words turned round, and the ways of writing that carry no name.
type headerReader struct {
	words                        map[string]Field
	code, bracket, camel, digits *regexp.Regexp
}

func newHeaderReader() *headerReader {
	h := &headerReader{
		words:   make(map[string]Field, 900),
		code:    regexp.MustCompile(`^\s*(.+?)\s*\[(\w{1,8})\]\s*$`),
		bracket: regexp.MustCompile(`\([^()]*(\([^()]*\)[^()]*)*\)|\[[^\]]*\]`),
		camel:   regexp.MustCompile(`(\p{Ll})(\p{Lu})`),
		digits:  regexp.MustCompile(`\s(\d{1,4})$`),
	}
	for field, all := range headerTable() {
		for word := range strings.SplitSeq(all, "|") {
			h.words[word] = field
		}
	}
	return h
}

// parse recognises one header. Field is empty if it is unknown.
func (h *headerReader) parse(header string) Column {
	c := Column{Header: header, Group: 1}
	if header == "" || len(header) > 500 {
		return c
	}
	c.Codes = h.codes(header)
	bare := h.bracket.ReplaceAllString(header, " ")
	if strings.TrimSpace(bare) == "" {
		bare = header
	}
	name := fold.Name(h.camel.ReplaceAllString(bare, "$1 $2"))
	c.Field = cmp.Or(h.words[fold.Name(header)], h.words[name]) // before anything is taken away
	if m := h.digits.FindStringSubmatch(name); m != nil && c.Field == "" {
		c.Group, _ = strconv.Atoi(m[1])
		c.numbered = true
		name = strings.TrimSuffix(name, m[0])
	}
	plain, purpose, second := stripHeader(name)
	if c.Field == "" {
		c.Field = h.words[plain]
	}
	if c.Field == "" {
		c.Group = 1
		return c
	}
	c.finish(plain, purpose, second)
	return c
}

// codes reads the list of codes in a header: "Statut (Non enregistré [0] / Diplômé(e) [1] / Élève / étudiant [5])".
func (h *headerReader) codes(header string) map[string]string {
	from, to := strings.IndexByte(header, '('), strings.LastIndexByte(header, ')')
	if from < 0 || to < from || !strings.Contains(header, "[") {
		return nil
	}
	codes, label := map[string]string{}, ""
	for part := range strings.SplitSeq(header[from+1:to], "/") {
		if label += part; strings.Contains(part, "[") {
			if m := h.code.FindStringSubmatch(label); m != nil {
				codes[m[2]] = m[1]
			}
			label = ""
			continue
		}
		label += "/"
	}
	return codes
}

// finish settles what depends on the field: whose the contact is, which of several it is.
func (c *Column) finish(plain string, purpose people.Purpose, second bool) {
	if c.Field.IsContact() {
		c.Purpose = people.Personal
		if purpose != "" {
			c.Purpose = purpose
		}
	} else if purpose == people.Professional {
		c.Field = "" // the name of a company, the start of a job
		return
	}
	if strings.HasSuffix(plain, " ligne") || strings.HasSuffix(plain, " line") {
		c.Line, c.Group, c.numbered = c.Group, 1, false
	}
	if c.Field == Street && strings.Contains(plain, "complement") {
		c.Line = max(c.Line, 2)
	}
	if second {
		c.Group++
	}
	if c.Group < 1 || c.Group > 9 && c.Field != MembershipPaid {
		c.Group = 1
	}
}

// stripHeader takes away the words that say nothing, whose the contact is, and that it is the second one.
func stripHeader(name string) (plain string, purpose people.Purpose, second bool) {
	name = " " + name + " "
	if strings.HasSuffix(name, " du ") {
		name = strings.TrimSuffix(name, "du ") + "debut "
	} else if strings.HasSuffix(name, " au ") {
		name = strings.TrimSuffix(name, "au ") + "fin "
	}
	var left []string
	for word := range strings.FieldsSeq(name) {
		switch word {
		case "de", "d", "du", "des", "la", "le", "l", "les", "un", "une", "the", "of", "a", "au", "adh", "membre", "s", "principal", "principale", "main", "primary", "votre", "your", "contact", "eleve", "alumni":
		case "perso", "persos", "personnel", "personnelle", "personnels", "personal", "prive", "privee", "private", "home", "domicile", "famille", "familiale":
			purpose = people.Personal
			if word == "famille" && strings.Contains(name, " nom ") {
				left = append(left, word)
			}
		case "pro", "pros", "professionnel", "professionnelle", "professionnels", "professional", "work", "bureau", "travail", "entreprise", "company", "business", "employeur", "societe", "office", "job", "poste", "experience":
			purpose = people.Professional
		case "temporaire", "temporary", "provisoire":
			purpose = people.Temporary
		case "secondaire", "secondary", "autre", "other", "second", "seconde", "bis":
			second = true
		default:
			left = append(left, word)
		}
	}
	return strings.Join(left, " "), purpose, second
}
