// Package demo makes the demonstration federation: six associations, a population that looks like a real one, and
// the people whose doors everybody may try.
//
// It owns the words the population is made of and promises the same population for the same seed, number and day,
// on both engines. Nobody in it exists: addresses end in names reserved for examples, telephone numbers lie in the
// ranges that Arcep keeps free for fiction. Accounts and their passwords are made by the app from Accounts.
package demo

import (
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Password opens every demonstration account.
const Password = "amicale-demo"

// Associations are the six of the federation, as SaveAssociation takes them. Each colour has at least 4.5:1 on white.
func Associations() []people.Association {
	return []people.Association{
		{Code: "ly", Name: "AIL Alumni INSA Lyon", School: "INSA Lyon", Host: "alumni-lyon.example", MailDomain: "ail.example", Color: "#b3132b", Position: 1},
		{Code: "re", Name: "IAR Rennes", School: "INSA Rennes", Host: "alumni-rennes.example", MailDomain: "iar.example", Color: "#1f5fa8", Position: 2},
		{Code: "ro", Name: "A2IN Normandie", School: "INSA Rouen Normandie", Host: "alumni-normandie.example", MailDomain: "a2in.example", Color: "#0b6b5d", Position: 3},
		{Code: "to", Name: "IAT Toulouse", School: "INSA Toulouse", Host: "alumni-toulouse.example", MailDomain: "iat.example", Color: "#a8430f", Position: 4},
		{Code: "st", Name: "Arts et Industries Strasbourg", School: "INSA Strasbourg", Host: "alumni-strasbourg.example", MailDomain: "ais.example", Color: "#6a2c91", Position: 5},
		{Code: "cv", Name: "INSA CVL Alumni", School: "INSA Centre Val de Loire", Host: "alumni-cvl.example", MailDomain: "cvl-alumni.example", Color: "#3f6212", Position: 6},
	}
}

// Account is a door that stands open, with Password. Login leads to a person of the base unless Staff.
type Account struct {
	Login       string
	Email       string
	Role        viewer.RoleName // "" for none
	Association string          // code of the role's association
	Staff       bool            // an account of the federation that is no graduate: its login is reserved for it
	Name        string
	What        string // what to try it for, in French
}

// Accounts are those that the demonstration makes and prints.
func Accounts() []Account {
	return []Account{
		{Login: "laure.lavaut.ly2010", Email: "laure.lavaut@exemple.fr", Name: "Laure Lavaut", What: "adhérente"},
		{Login: "jean-jacques.dupont.ly1998", Email: "jean-jacques.dupont@exemple.fr", Name: "Jean-Jacques Dupont", What: "diplômé, pas adhérent"},
		{Login: "eloise.durant.ly2027", Email: "eloise.durant@exemple.fr", Name: "Éloïse Durant", What: "étudiante"},
		{Login: "pierre-henri.l-hame.ly1989", Email: "pierre-henri.lhame@exemple.fr", Name: "Pierre-Henri L’HAME", What: "adhérent"},
		{Login: "anne-laure.lavaut.ly2010", Email: "anne-laure.lavaut@exemple.fr", Name: "Anne-Laure Lavaut", Role: viewer.Webmaster, Association: "ly", What: "webmestre de Lyon"},
		{Login: "federation.admin", Email: "federation@exemple.fr", Name: "Camille Renaud", Role: viewer.FederationAdmin, Staff: true, What: "équipe de la fédération"},
	}
}

// Ambassador is somebody with an account who looks after his class.
type Ambassador struct {
	Login       string
	Association string // code
	Class       int
}

// Ambassadors are those that the webmaster of Lyon named.
func Ambassadors() []Ambassador {
	return []Ambassador{{"pierre-henri.l-hame.ly1989", "ly", 1989}, {"jean-jacques.dupont.ly1998", "ly", 1998}, {"laure.lavaut.ly2010", "ly", 2010}}
}

// Inactive is somebody who has no account yet, with all that the base holds to recognise him by.
type Inactive struct {
	Name    string
	Surname string // what to type
	Class   int
	School  string
	Logins  []string
	Email   string // "" when the base holds none
	Phone   string // the same
	What    string // what to try, in French
}

// Inactives are seven people to try the activation of accounts with.
func Inactives() []Inactive {
	return []Inactive{
		{"Claire Bernard", "Bernard", 2005, "INSA Lyon", []string{"claire.bernard.ly2005"}, "claire.bernard@exemple.fr", "", "deux homonymes de la même promo : la première"},
		{"Claire Bernard", "Bernard", 2005, "INSA Lyon", []string{"claire.bernard-2.ly2005"}, "c.bernard@mail.example", "01 99 00 00 02", "deux homonymes de la même promo : la seconde"},
		{"Sophie Mercier, née Faure", "Mercier", 1996, "INSA Rennes", []string{"sophie.mercier.re1996", "sophie.faure.re1996"}, "sophie.faure@exemple.fr", "", "nom d’usage ou nom de naissance, au choix"},
		{"Bruno Lefèvre", "Lefèvre", 1988, "INSA Toulouse", []string{"bruno.lefevre.to1988"}, "", "05 36 49 00 05", "un téléphone seul : la demande arrive au bureau"},
		{"Odile Le Goff", "Le Goff", 1994, "INSA Rouen Normandie", []string{"odile.le-goff.ro1994"}, "", "", "rien que le nom : la demande arrive au bureau"},
		{"Thomas Schneider", "Schneider", 2011, "INSA Strasbourg et INSA Lyon", []string{"thomas.schneider.st2011", "thomas.schneider.ly2013"}, "thomas.schneider@exemple.fr", "03 53 01 00 06", "diplômé de deux écoles, un seul compte"},
		{"Yasmine Haddad", "Haddad", 2028, "INSA Centre Val de Loire", []string{"yasmine.haddad.cv2028"}, "yasmine.haddad@exemple.fr", "", "étudiante"},
	}
}
