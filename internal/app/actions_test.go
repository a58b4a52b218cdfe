package app_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"amicale/internal/app"
	"amicale/internal/i18n"
)

// actionName is the form of every action of the trail: whose affair, what was done.
var actionName = regexp.MustCompile(`^[a-z]+\.[a-z_]+$`)

// family is the beginning of actions whose end is the name of a state: "import." + string(state).
var family = regexp.MustCompile(`^[a-z]+\.$`)

// actionsIn finds what a package's files write into the trail: values of a field Action or action, of constants and
// variables used there, of arguments given for a parameter called action, and what functions return that are called
// there. Of an action put together it gives the beginning.
func actionsIn(files []*ast.File) []string {
	var out []string
	makers := map[string]bool{} // functions that give an action
	add := func(e ast.Expr) {
		if call, ok := e.(*ast.CallExpr); ok {
			makers[called(call)] = true
		}
		if sum, ok := e.(*ast.BinaryExpr); ok {
			e = sum.X
		}
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && (actionName.MatchString(s) || family.MatchString(s)) {
				out = append(out, s)
			}
		}
	}
	names := map[string]bool{"action": true} // constants and variables that hold an action
	at := map[string]int{}                   // function → place of its parameter action
	in := map[string]int{}                   // type → place of its field action
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.KeyValueExpr:
				if k, ok := x.Key.(*ast.Ident); ok && strings.EqualFold(k.Name, "action") {
					if v, ok := x.Value.(*ast.Ident); ok {
						names[v.Name] = true
					}
					add(x.Value)
				}
			case *ast.FuncDecl:
				if place := placeOfAction(x.Type.Params); place >= 0 {
					at[x.Name.Name] = place
				}
			case *ast.TypeSpec:
				if s, ok := x.Type.(*ast.StructType); ok {
					if place := placeOfAction(s.Fields); place >= 0 {
						in[x.Name.Name] = place
					}
				}
			}
			return true
		})
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.ValueSpec:
				for i, name := range x.Names {
					if names[name.Name] && i < len(x.Values) {
						add(x.Values[i])
					}
				}
			case *ast.AssignStmt:
				for i, left := range x.Lhs {
					if name, ok := left.(*ast.Ident); ok && names[name.Name] && i < len(x.Rhs) {
						add(x.Rhs[i])
					}
				}
			case *ast.CallExpr:
				if place, ok := at[called(x)]; ok && place < len(x.Args) {
					add(x.Args[place])
				}
			case *ast.CompositeLit:
				if of, ok := x.Type.(*ast.Ident); ok {
					if place, ok := in[of.Name]; ok && place < len(x.Elts) {
						add(x.Elts[place])
					}
				}
			}
			return true
		})
	}
	for _, f := range files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && makers[fn.Name.Name] {
				ast.Inspect(fn, func(n ast.Node) bool {
					if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
						add(r.Results[0])
					}
					return true
				})
			}
		}
	}
	return out
}

// placeOfAction is where one called action stands among parameters or fields; -1 where there is none.
func placeOfAction(list *ast.FieldList) int {
	place := 0
	for _, field := range list.List {
		for _, name := range field.Names {
			if name.Name == "action" {
				return place
			}
			place++
		}
	}
	return -1
}

func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func TestActionsIn(t *testing.T) {
	t.Parallel()
	f, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
const viewed = "a.viewed"
func (s *S) note(ctx C, v V, action string) { s.record(E{Actor: v, Action: action}) }
func (s *S) do() {
	s.record(E{Action: "a.done"}, E{Action: viewed}, E{Action: "b." + string(state)})
	s.note(ctx, v, "a.noted")
	action, at := "a.opened", 1
	action = "a.closed"
	other := "a.other"
	s.note(ctx, v, either(true))
	s.do(change{action: "a.keyed"}, step{1, "a.placed"})
}
type step struct {
	to     int
	action string
}
func either(b bool) string {
	if b {
		return "a.yes"
	}
	return "a.no"
}
func unrelated() string { return "a.unrelated" }`, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := actionsIn([]*ast.File{f})
	slices.Sort(got)
	if want := []string{"a.closed", "a.done", "a.keyed", "a.no", "a.noted", "a.opened", "a.placed", "a.viewed", "a.yes", "b."}; !slices.Equal(got, want) {
		t.Errorf("actionsIn = %q, want %q", got, want)
	}
}

func TestEveryActionHasWords(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(app.Messages()...)
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string][]*ast.File{}
	fset := token.NewFileSet()
	sources(t, ".go", func(path, content string) {
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
			return
		}
		f, err := parser.ParseFile(fset, path, content, 0)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], f)
	})
	used := map[string]bool{}
	for dir, files := range packages {
		for _, action := range actionsIn(files) {
			used[action] = true
			for _, lang := range i18n.Langs() {
				said := slices.ContainsFunc(b.Keys(lang), func(key string) bool {
					return key == "app.action."+action || family.MatchString(action) && strings.HasPrefix(key, "app.action."+action)
				})
				if !said {
					t.Errorf("%s: no words in %s: %q", dir, lang, "app.action."+action)
				}
			}
		}
	}
	if !used["role.granted"] || !used["association.changed"] || !used["account.closed"] {
		t.Errorf("the search for actions finds too little: %v", used)
	}
	for _, key := range b.Keys("fr") {
		action, ok := strings.CutPrefix(key, "app.action.")
		if of, _, _ := strings.Cut(action, "."); ok && !used[action] && !used[of+"."] {
			t.Errorf("%q has words and is never recorded", key)
		}
	}
}

// details are what stores add to an entry of the trail: keys of a map there, in lower case. Data for messages begin with
// a capital.
var details = regexp.MustCompile(`map\[string\]any\{[^}]*\}|detail\["[a-z_]+"\]`)

func TestEveryDetailHasWords(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(app.Messages()...)
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`"([a-z_]+)"[:\]]`)
	keys, found := b.Keys("fr"), map[string]bool{}
	sources(t, ".go", func(path, content string) {
		if file := filepath.Base(path); !strings.HasPrefix(file, "store") || strings.HasSuffix(file, "_test.go") {
			return
		}
		for _, part := range details.FindAllString(content, -1) {
			for _, m := range name.FindAllStringSubmatch(part, -1) {
				if found[m[1]] = true; !slices.Contains(keys, "app.detail."+m[1]) {
					t.Errorf("%s: no words for %q", path, "app.detail."+m[1])
				}
			}
		}
	})
	if len(found) < 20 || !found["took_over"] {
		t.Errorf("the search for details finds too little: %v", found)
	}
}
