package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSettingsOfTheProgram(t *testing.T) {
	t.Parallel()
	folder := data(t)
	write := func(content string) string {
		path := filepath.Join(t.TempDir(), "amicale.toml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, row := range []struct{ name, file, want string }{
		{"a misspelt key", "lisen = \"127.0.0.1:1\"\n", "unknown setting lisen (did you mean listen?)"},
		{"a section", "[mail]\nsmtp = \"x\"\n", "unknown setting mail"},
		{"no TOML", "listen = \n", "amicale.toml"},
		{"a wrong address", "url = \"annuaire.example\"\n", "is not like https://annuaire.example"},
		{"a wrong proxy", "trusted-proxies = [\"the router\"]\n", "neither an address nor a network"},
		{"a wrong level", "log-level = \"loud\"\n", "log-level"},
		{"a database that is not there", "database = \"postgres://u:hush@127.0.0.1:1/amicale\"\n", "127.0.0.1"},
		{"files that are not there", "blobs = \"s3://key:hush@127.0.0.1:1/amicale?insecure=true\"\n", "blob.Open"},
		{"no database at all", "database = \"mysql://u:hush@127.0.0.1/amicale\"\n", "neither sqlite:PATH nor postgres://"},
		{"a password in clear over the net", "smarthost = \"smtp://u:hush@mail.example:25?tls=none\"\n", "would travel in clear"},
	} {
		code, stdout, stderr := ran(t, nil, "serve", "--data", folder, "--config", write(row.file))
		if code != 1 || !strings.Contains(stderr, row.want) {
			t.Errorf("%s: code %d, %q; want 1 and %q", row.name, code, stderr, row.want)
		}
		if strings.Contains(stdout+stderr, "hush") {
			t.Errorf("%s: a password is printed", row.name)
		}
	}
	if code, _, stderr := ran(t, nil, "serve", "--config", "/no/such/file.toml"); code != 1 || !strings.Contains(stderr, "/no/such/file.toml") {
		t.Errorf("a file that is not there: code %d, %q", code, stderr)
	}

	if code, _, stderr := ran(t, []string{"AMICALE_SMPT=smtp://mail.example", "AMICALE_OF_ANOTHER=1"}, "serve", "--data", folder); code != 1 || !strings.Contains(stderr, "unknown variable AMICALE_SMPT (did you mean AMICALE_SMTP?)") {
		t.Errorf("a misspelt variable: code %d, %q", code, stderr)
	}

	byFile, byVariable, byFlag := freePort(t), freePort(t), freePort(t)
	config := write("listen = \"" + byFile + "\"\ndata = \"" + folder + "\"\nmail_from = \"Du fichier <fichier@annuaire.example>\"\n")
	for _, row := range []struct {
		name, want string
		env, args  []string
	}{
		{"the file", byFile, nil, nil},
		{"a variable over the file", byVariable, []string{"AMICALE_LISTEN=" + byVariable}, nil},
		{"a flag over both", byFlag, []string{"AMICALE_LISTEN=" + byVariable}, []string{"--listen", byFlag}},
	} {
		p := launch(t, row.env, append([]string{"serve", "--config", config}, row.args...)...)
		p.url = "http://" + row.want
		p.ready()
		if !strings.Contains(p.stdout.String(), "ready "+p.url+"\n") {
			t.Errorf("%s: %s, want %s", row.name, p.stdout, p.url)
		}
		p.get("/healthz").want(200)
		p.stop()
	}
}

func TestHelpOfEveryCommand(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"", "serve", "demo", "import", "bench", "admin", "admin create", "admin invite", "admin grant", "admin revoke",
		"admin reset-factor", "admin list", "backup", "restore", "doctor", "version"} {
		code, stdout, stderr := ran(t, nil, append(strings.Fields(command), "--help")...)
		if code != 0 || stderr != "" || !strings.Contains(stdout, "Usage: amicale") {
			t.Errorf("amicale %s --help: code %d, %q\n%s", command, code, stderr, stdout)
		}
		flat := strings.Join(strings.Fields(stdout), " ") // kong breaks lines at the terminal's width
		if example := "Example: amicale " + command; command != "" && !strings.Contains(flat, example) {
			t.Errorf("amicale %s --help shows no example:\n%s", command, stdout)
		}
	}
	for _, args := range [][]string{{"sevre"}, {"serve", "--lisen", "x"}, {"backup"}} {
		if code, _, stderr := ran(t, nil, args...); code == 0 || !strings.Contains(stderr, "amicale: ") {
			t.Errorf("amicale %v: code %d, %q; want a refusal", args, code, stderr)
		}
	}
	if code, stdout, _ := ran(t, nil, "version"); code != 0 || !strings.HasPrefix(stdout, "amicale ") {
		t.Errorf("version: %d %q", code, stdout)
	}
	if code, stdout, _ := ran(t, nil); code != 0 || !strings.Contains(stdout, "Usage: amicale") {
		t.Errorf("without a command: %d %q", code, stdout)
	}
}
