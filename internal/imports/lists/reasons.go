package lists

import (
	"fmt"
	"slices"
	"strings"
)

// Reason says why something was not taken, or was taken with a reservation: a key and its data for a screen, and a
// plain text in both languages for a reject file and a terminal. It is an error.
type Reason struct {
	Key  string         `json:"key"`
	Args map[string]any `json:"args,omitempty"`
}

// reason makes a Reason from a key and pairs of name and value.
func Because(key string, pairs ...any) Reason {
	r := Reason{Key: key}
	for i := 0; i+1 < len(pairs); i += 2 {
		if r.Args == nil {
			r.Args = make(map[string]any, len(pairs)/2)
		}
		r.Args[pairs[i].(string)] = pairs[i+1]
	}
	return r
}

// Error is the English text.
func (r Reason) Error() string { return r.Text("en") }

// Text is the reason in a language: French, or English for anything else.
func (r Reason) Text(lang string) string {
	texts, known := reasonTexts()[r.Key]
	text := texts[1]
	if lang == "fr" {
		text = texts[0]
	}
	if !known {
		text = r.Key
	}
	names := make([]string, 0, len(r.Args))
	for name := range r.Args {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		text = strings.ReplaceAll(text, "{"+name+"}", fmt.Sprint(r.Args[name]))
	}
	return text
}

// Plain is r with its data as the texts they are shown as, so that it can be kept and read again.
func (r Reason) Plain() Reason {
	out := Reason{Key: r.Key}
	for name, value := range r.Args {
		if out.Args == nil {
			out.Args = make(map[string]any, len(r.Args))
		}
		out.Args[name] = Shorten(fmt.Sprint(value), 200)
	}
	return out
}

// Shorten cuts a text that is too long to be shown.
func Shorten(s string, most int) string {
	n := 0
	for at := range s {
		if n == most {
			return s[:at] + "…"
		}
		n++
	}
	return s
}

// reasonTexts are the French and the English text of every key.
func reasonTexts() map[string][2]string {
	return map[string][2]string{
		// the file
		"file_empty":      {"Le fichier est vide.", "The file is empty."},
		"file_too_big":    {"Le fichier dépasse {limit} Mo.", "The file is larger than {limit} MB."},
		"file_old_excel":  {"Ce classeur est à l’ancien format Excel, ou chiffré. Enregistre-le en .xlsx ou en .csv.", "This workbook is in the old Excel format, or encrypted. Save it as .xlsx or .csv."},
		"file_not_table":  {"Ce fichier n’est ni un CSV ni un classeur XLSX.", "This file is neither CSV nor an XLSX workbook."},
		"file_broken":     {"Le fichier est abîmé : {detail}", "The file is damaged: {detail}"},
		"file_no_columns": {"Aucune colonne ne contient de nom ni d’identifiant : nomme-les, ou indique-les avec --map.", "No column holds a name or an identifier: name the columns, or say which they are with --map."},
		"map_column":      {"La colonne « {column} » n’existe pas.", "There is no column “{column}”."},
		"map_twice":       {"Les colonnes « {other} » et « {column} » ne peuvent pas être toutes les deux la même chose. Garde l’une en note.", "The columns “{other}” and “{column}” cannot both be the same thing. Keep one as a note."},
		"map_field":       {"Le champ « {field} » n’existe pas. Connus : {known}", "There is no field “{field}”. Known: {known}"},
		// a line that cannot be read
		"line_open_quote":    {"Un guillemet ouvert n’est jamais refermé.", "A quote is opened and never closed."},
		"line_stray_quote":   {"Du texte suit un guillemet fermant.", "Text follows a closing quote."},
		"line_cell_too_long": {"Une cellule dépasse {limit} octets.", "A cell is longer than {limit} bytes."},
		"line_too_long":      {"La ligne dépasse {limit} octets.", "The line is longer than {limit} bytes."},
		"line_wide":          {"La ligne a plus de {limit} cellules.", "The line has more than {limit} cells."},
		"line_too_many":      {"La ligne a {got} cellules, l’en-tête en a {want}.", "The line has {got} cells, the header {want}."},
		"line_cut":           {"La dernière ligne est coupée : {got} cellules sur {want}.", "The last line is cut short: {got} cells of {want}."},
		"line_short":         {"La ligne n’a que {got} cellules sur {want}, les autres comptent pour vides.", "The line has {got} cells of {want}; the others count as empty."},
		"line_unreadable":    {"La ligne est illisible : {detail}", "The line cannot be read: {detail}"},
		// a person who cannot be taken
		"no_name":             {"Ni nom ni identifiant.", "Neither a name nor an identifier."},
		"not_a_name":          {"« {value} » n’est pas un nom.", "“{value}” is not a name."},
		"no_association":      {"Aucune école : ni dans la ligne, ni par --association.", "No school: neither in the row nor by --association."},
		"association_unknown": {"L’école « {value} » n’est pas connue.", "The school “{value}” is not known."},
		"login_taken":         {"L’identifiant « {login} » est à quelqu’un d’autre.", "The login “{login}” is somebody else’s."},
		"unknown_identifier":  {"La ligne n’a pas de nom, et personne n’a l’identifiant « {value} ».", "The row has no name, and nobody has the identifier “{value}”."},
		"identifier_other":    {"L’identifiant « {value} » est celui de quelqu’un d’autre : ni le prénom ni le nom ne sont les siens.", "The identifier “{value}” is somebody else’s: neither the first name nor the surname is theirs."},
		"not_yours":           {"Cette personne ou cette école n’est pas de tes associations.", "This person or school is not of your associations."},
		"erased":              {"Cette personne a demandé à être effacée. Si elle veut revenir, crée sa fiche à la main.", "This person asked to be erased. If they want to come back, create them by hand."},
		"row_failed":          {"La ligne n’a pas pu être enregistrée : {detail}", "The row could not be saved: {detail}"},
		// a person taken with a reservation
		"no_first_name":       {"Pas de prénom : aucun identifiant ne peut être donné.", "No first name: no login can be given."},
		"no_class":            {"Pas d’année de promotion : aucun identifiant, la personne attend sur le bureau.", "No class year: no login, the person waits on the desk."},
		"class_invalid":       {"« {value} » n’est pas une année de promotion.", "“{value}” is not a class year."},
		"date_invalid":        {"« {value} » n’est pas une date.", "“{value}” is not a date."},
		"date_swapped":        {"« {value} » est lu mois/jour : {date}.", "“{value}” is read month/day: {date}."},
		"birth_implausible":   {"Né en {birth}, promotion {class} : peu plausible.", "Born in {birth}, class of {class}: implausible."},
		"date_implausible":    {"La date {date} est hors de toute vraisemblance, elle n’est pas retenue.", "The date {date} is beyond belief and was not taken."},
		"period_reversed":     {"La période finit ({to}) avant de commencer ({from}).", "The period ends ({to}) before it begins ({from})."},
		"email_invalid":       {"« {value} » n’est pas une adresse e-mail.", "“{value}” is not an e-mail address."},
		"phone_invalid":       {"« {value} » n’est pas un numéro de téléphone.", "“{value}” is not a phone number."},
		"diploma_unknown":     {"Le diplôme « {value} » n’est pas reconnu, il est gardé en note.", "The diploma “{value}” is not recognised; it is kept as a note."},
		"status_unknown":      {"Le statut « {value} » n’est pas reconnu, il est gardé en note.", "The status “{value}” is not recognised; it is kept as a note."},
		"flag_unknown":        {"« {value} » n’est ni oui ni non, c’est gardé en note.", "“{value}” is neither yes nor no; it is kept as a note."},
		"membership_no_dates": {"Adhésion sans dates : gardée en note.", "Membership without dates: kept as a note."},
		"membership_open":     {"Adhésion sans fin : comptée jusqu’au {to}, à renouveler par une nouvelle liste.", "Membership without an end: counted until {to}, to be renewed by a new list."},
		"login_invalid":       {"« {value} » ne peut pas être un identifiant.", "“{value}” cannot be a login."},
		"text_repaired":       {"Texte mal encodé, réparé : {value}", "Text with a broken encoding, repaired: {value}"},
		"text_lost":           {"Un caractère s’est perdu dans « {value} », à corriger à la main.", "A character was lost in “{value}”; correct it by hand."},
	}
}

// Warning is a Reason that did not stop its row, and where it stands.
type Warning struct {
	Reason
	Column string // header of the column; "" for the whole row
}

// Text names the column before the reason.
func (w Warning) Text(lang string) string {
	if w.Column == "" {
		return w.Reason.Text(lang)
	}
	if lang == "fr" {
		return w.Column + " : " + w.Reason.Text(lang)
	}
	return w.Column + ": " + w.Reason.Text(lang)
}
