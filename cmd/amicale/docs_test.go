package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// settingsTable is the table of settings as the operators' page must have it, made from the settings themselves.
func settingsTable(t *testing.T) string {
	t.Helper()
	var c cli
	k, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| flag | variable | default | what it is |\n|---|---|---|---|\n")
	rows := 0
	for _, node := range k.Model.Children {
		if node.Name != "serve" {
			continue
		}
		for _, f := range node.Flags {
			if len(f.Envs) == 0 {
				continue
			}
			value := ""
			if f.Default != "" {
				value = "`" + f.Default + "`"
			}
			fmt.Fprintf(&b, "| `--%s` | `%s` | %s | %s |\n", f.Name, f.Envs[0], value, strings.ReplaceAll(f.Help, "|", `\|`))
			rows++
		}
	}
	if rows < 10 {
		t.Fatalf("only %d settings found", rows)
	}
	return b.String()
}

func TestOperationsPageHasEverySetting(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := settingsTable(t); !strings.Contains(string(page), want) {
		t.Errorf("docs/operations.md must hold this table:\n%s", want)
	}
}

// Every command that the page shows is one that the program has.
func TestOperationsPageNamesRealCommands(t *testing.T) {
	t.Parallel()
	var c cli
	k, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, node := range k.Model.Children {
		known[node.Name] = true
		for _, sub := range node.Children {
			known[node.Name+" "+sub.Name] = true
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, line := range strings.Split(string(page), "\n") {
		command, ok := strings.CutPrefix(strings.TrimSpace(line), "amicale ")
		if !ok {
			continue
		}
		words := strings.Fields(command)
		name := words[0]
		if name == "admin" && len(words) > 1 {
			name += " " + words[1]
		}
		if seen++; !known[name] {
			t.Errorf("docs/operations.md shows amicale %s, which is no command", name)
		}
	}
	if seen < 5 {
		t.Errorf("only %d commands found in the page", seen)
	}
}
