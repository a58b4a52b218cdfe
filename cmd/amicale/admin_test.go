package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"amicale/internal/accounts"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/config"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// command runs the program and gives what it printed.
func command(t testing.TB, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(context.WithoutCancel(t.Context()), args, &out)
	return out.String(), err
}

// must is command for what has to succeed.
func must(t testing.TB, args ...string) string {
	t.Helper()
	out, err := command(t, args...)
	if err != nil {
		t.Fatalf("amicale %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// install makes an installation with one association and gives its data folder.
func install(t testing.TB) string {
	t.Helper()
	s := config.Settings{Data: t.TempDir(), Listen: "127.0.0.1:8080"}
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	opened, err := openStores(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.close()
	store := people.NewStore(opened.db, changes.NewStore(opened.db, clock.System), clock.System)
	err = store.SaveAssociation(t.Context(), viewer.ForSystem("test"), &people.Association{Code: "ly", Name: "AIL", School: "INSA Lyon",
		Host: "lyon.example", MailDomain: "ly.example", Color: "#8a2b2b"})
	if err != nil {
		t.Fatal(err)
	}
	return s.Data
}

var link = regexp.MustCompile(`https://annuaire\.example/connexion/mot-de-passe/(\S+)`)

func TestAdmin(t *testing.T) {
	t.Parallel()
	data := install(t)
	admin := func(args ...string) []string {
		return append([]string{"admin", "--data", data, "--url", "https://annuaire.example"}, args...)
	}
	if out := must(t, admin("list")...); !strings.Contains(out, "Nobody holds a role yet") {
		t.Errorf("list of nobody: %s", out)
	}
	out := must(t, admin("create", "marie.dupont", "--name", "Marie Dupont", "--email", "marie@mail.example", "--role", "federation_admin")...)
	token := link.FindStringSubmatch(out)
	if token == nil {
		t.Fatalf("create printed no link: %s", out)
	}
	must(t, admin("create", "paul.martin", "--name", "Paul Martin", "--email", "paul@mail.example")...)
	must(t, admin("grant", "paul.martin", "webmaster", "--association", "ly")...)
	must(t, admin("grant", "Paul@Mail.example", "editor", "--association", "LY")...)
	must(t, admin("reset-factor", "paul.martin")...)
	out = must(t, admin("list")...)
	for _, s := range []string{"marie.dupont", "Marie Dupont", "federation_admin", "webmaster ly, editor ly"} {
		if !strings.Contains(out, s) {
			t.Errorf("list lacks %q: %s", s, out)
		}
	}
	must(t, admin("revoke", "paul.martin", "editor", "--association", "ly")...)
	if out := must(t, admin("list")...); strings.Contains(out, "editor ly") {
		t.Errorf("list after revoke: %s", out)
	}
	again := link.FindStringSubmatch(must(t, admin("invite", "marie.dupont")...))
	if again == nil || again[1] == token[1] {
		t.Errorf("invite gave %v, want another link than %v", again, token)
	}
	if out := must(t, admin("invite", "marie.dupont", "--send")...); link.MatchString(out) {
		t.Errorf("invite --send printed the link: %s", out)
	}
	useLink(t, data, again[1])
}

// useLink chooses a password by a printed link, as the page does.
func useLink(t *testing.T, data, token string) {
	t.Helper()
	s := config.Settings{Data: data, Listen: "127.0.0.1:8080"}
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	opened, err := openExisting(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.close()
	c := changes.NewStore(opened.db, clock.System)
	store := accounts.NewStore(opened.db, people.NewStore(opened.db, c, clock.System), clock.System, accounts.Options{})
	l, err := store.UseLink(t.Context(), token, accounts.ForActivation)
	if err != nil || l.Account.IsZero() {
		t.Errorf("UseLink() = %+v, %v, want the account's link", l, err)
	}
	if _, err := store.UseLink(t.Context(), token, accounts.ForActivation); err == nil {
		t.Error("the link works twice")
	}
}

func TestAdminRefuses(t *testing.T) {
	t.Parallel()
	data := install(t)
	must(t, "admin", "create", "--data", data, "marie.dupont", "--name", "Marie", "--email", "marie@mail.example", "--role", "federation_admin")
	for _, row := range []struct {
		want string
		args []string
	}{
		{"login: ", []string{"create", "marie.dupont", "--name", "M", "--email", "other@mail.example"}},
		{"email: ", []string{"create", "other.one", "--name", "M", "--email", "nonsense"}},
		{"--name", []string{"create", "other.one", "--email", "other@mail.example"}},
		{"needs an association: one of ly", []string{"create", "other.one", "--name", "M", "--email", "other@mail.example", "--role", "editor"}},
		{"needs an association: one of ly", []string{"grant", "marie.dupont", "webmaster", "--association", "xx"}},
		{"leave out the association", []string{"grant", "marie.dupont", "federation_admin", "--association", "ly"}},
		{"must be one of", []string{"grant", "marie.dupont", "king"}},
		{"nobody has the login", []string{"grant", "nobody.here", "federation_admin"}},
		{"does not hold the role editor ly", []string{"revoke", "marie.dupont", "editor", "--association", "ly"}},
		{"last", []string{"revoke", "marie.dupont", "federation_admin"}},
		{"says nothing", []string{"create", "other.one", "--name", "M", "--email", "other@mail.example", "--association", "ly"}},
	} {
		out, err := command(t, append([]string{"admin", "--data", data}, row.args...)...)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%q: error %v, want one that says %q\n%s", row.args, err, row.want, out)
		}
		if err != nil && strings.Contains(err.Error(), "accounts.") {
			t.Errorf("%q: the error shows a key: %v", row.args, err)
		}
	}
	if out := must(t, "admin", "list", "--data", data); strings.Contains(out, "other.one") {
		t.Errorf("a refused account is there: %s", out)
	}
}

func TestCommandsDoNotInventADatabase(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "typo")
	for _, args := range [][]string{{"admin", "list"}, {"backup", filepath.Join(t.TempDir(), "b.tar.gz")}} {
		if _, err := command(t, append(args, "--data", data)...); err == nil || !strings.Contains(err.Error(), "there is no database at") {
			t.Errorf("%q: error %v, want that there is no database", args, err)
		}
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("the folder was made: %v", err)
	}
}

func TestHelpShowsExamples(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"serve"}, {"admin"}, {"admin", "create"}, {"admin", "invite"}, {"admin", "grant"}, {"admin", "revoke"},
		{"admin", "reset-factor"}, {"admin", "list"}, {"backup"}, {"restore"}, {"doctor"}} {
		out := must(t, append(args, "--help")...)
		if want := "Example: amicale " + strings.Join(args, " "); !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("%q --help shows no example: %s", args, out)
		}
	}
}
