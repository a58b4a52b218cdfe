package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestImport(t *testing.T) {
	t.Parallel()
	data, dir := install(t), t.TempDir()
	list := filepath.Join(dir, "liste.csv")
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("liste.csv", "Nom;Prénom;Promo;Machin\nLavaut;Laure;2010;bleu\n;Nobody;2010;\nRoux;Paul;2011;vert\n")

	if got, want := must(t, "import", "--data", data, "--association", "ly", "--dry-run", list), "liste.csv: 3 rows tried, nothing written, 2 added, 0 updated, 0 unchanged, 1 rejected, "; !strings.HasPrefix(got, want) {
		t.Errorf("dry run says %q, want %q…", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "liste.rejets.csv")); !os.IsNotExist(err) {
		t.Errorf("the dry run wrote a reject file: %v", err)
	}
	if got, want := must(t, "import", "--data", data, "--association", "ly", list), "liste.csv: 3 rows, 2 added, 0 updated, 0 unchanged, 1 rejected (in liste.rejets.csv), 2 logins given, "; !strings.HasPrefix(got, want) {
		t.Errorf("import says %q, want %q…", got, want)
	}
	rejects, err := os.ReadFile(filepath.Join(dir, "liste.rejets.csv"))
	if want := "Nom;Prénom;Promo;Machin;Ligne d’origine;Motif du rejet\r\n;Nobody;2010;;3;Ni nom ni identifiant.\r\n"; err != nil || string(rejects) != want {
		t.Errorf("reject file %q, %v, want %q", rejects, err, want)
	}
	if got, want := must(t, "import", "--data", data, "--association", "ly", "--map", "department=Machin", list), "2 unchanged"; strings.Contains(got, want) {
		t.Errorf("with another mapping it says %q, want the department to be new", got)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".rejets-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	data, dir := install(t), t.TempDir()
	empty, list := filepath.Join(dir, "vide.csv"), filepath.Join(dir, "liste.csv")
	for path, content := range map[string]string{empty: "", list: "Nom;Prénom;Promo\nLavaut;Laure;2010\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ args, want string }{
		{"--association ly " + empty, "The file is empty"},
		{"--association zz " + list, "“zz” is not known"},
		{"--association ly --map nonsense=1 " + list, "There is no field"},
		{"--association ly --map class_year=Année " + list, "There is no column “Année”"},
		{"--association ly " + filepath.Join(dir, "nowhere.csv"), "nowhere.csv"},
	} {
		args := append([]string{"import", "--data", data}, strings.Fields(c.args)...)
		if _, err := command(t, args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("import %s: %v, want %q", c.args, err, c.want)
		}
	}
}
