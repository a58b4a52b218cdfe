package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"amicale/internal/dbtest"
	"amicale/internal/webtest"
)

// described is the part of an OpenAPI document that this test reads.
type described struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		OperationID string           `json:"operationId"`
		Summary     string           `json:"summary"`
		Security    *[]any           `json:"security"`
		Parameters  []describedParam `json:"parameters"`
		Responses   map[string]struct {
			Description string `json:"description"`
			Content     map[string]struct {
				Schema map[string]any `json:"schema"`
			} `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]map[string]any `json:"schemas"`
	} `json:"components"`
}

type describedParam struct {
	Name   string         `json:"name"`
	In     string         `json:"in"`
	Schema map[string]any `json:"schema"`
}

// check says what of a value is not as the schema has it, each with its place; properties that the schema does not
// name are wrong too, so that nothing is given out that is not described.
func (d described) check(at string, schema map[string]any, v any) []string {
	if ref, ok := schema["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/components/schemas/")
		if d.Components.Schemas[name] == nil {
			return []string{at + ": no schema " + ref}
		}
		return d.check(at, d.Components.Schemas[name], v)
	}
	var wrong []string
	if !ofType(schema["type"], v) {
		return []string{fmt.Sprintf("%s: %v is not %v", at, v, schema["type"])}
	}
	if choices, ok := schema["enum"].([]any); ok && !slices.Contains(choices, v) {
		wrong = append(wrong, fmt.Sprintf("%s: %v is none of %v", at, v, choices))
	}
	switch v := v.(type) {
	case []any:
		items, _ := schema["items"].(map[string]any)
		for i, x := range v {
			wrong = append(wrong, d.check(fmt.Sprintf("%s[%d]", at, i), items, x)...)
		}
	case map[string]any:
		wrong = append(wrong, d.checkObject(at, schema, v)...)
	}
	return wrong
}

func (d described) checkObject(at string, schema, v map[string]any) []string {
	var wrong []string
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s: lacks %v", at, name))
		}
	}
	properties, named := schema["properties"].(map[string]any)
	others, free := schema["additionalProperties"].(map[string]any)
	for name, x := range v {
		p, ok := properties[name].(map[string]any)
		switch {
		case ok:
			wrong = append(wrong, d.check(at+"."+name, p, x)...)
		case free:
			wrong = append(wrong, d.check(at+"."+name, others, x)...)
		case named:
			wrong = append(wrong, at+"."+name+": not described")
		}
	}
	return wrong
}

// ofType reports whether a JSON value is of a type, or of one of several.
func ofType(want, v any) bool {
	if list, ok := want.([]any); ok {
		return slices.ContainsFunc(list, func(one any) bool { return ofType(one, v) })
	}
	switch x := v.(type) {
	case nil:
		return want == "null"
	case string:
		return want == "string"
	case bool:
		return want == "boolean"
	case float64:
		return want == "number" || want == "integer" && x == math.Trunc(x)
	case []any:
		return want == "array"
	case map[string]any:
		return want == "object"
	}
	return false
}

func TestCheckSchema(t *testing.T) {
	t.Parallel()
	d := described{}
	d.Components.Schemas = map[string]map[string]any{"One": {"type": "object", "required": []any{"n"}, "properties": map[string]any{
		"n": map[string]any{"type": "integer"}, "s": map[string]any{"type": "string", "enum": []any{"a"}}}}}
	schema := map[string]any{"type": "array", "items": map[string]any{"$ref": "#/components/schemas/One"}}
	for _, c := range []struct {
		value string
		wrong int
	}{
		{`[]`, 0}, {`[{"n":1}]`, 0}, {`[{"n":1,"s":"a"}]`, 0}, {`{}`, 1}, {`[{}]`, 1}, {`[{"n":1.5}]`, 1}, {`[{"n":"1"}]`, 1}, {`[{"n":1,"s":"b"}]`, 1}, {`[{"n":1,"x":2}]`, 1}, {`[{"n":null},{}]`, 2},
	} {
		var v any
		if err := json.Unmarshal([]byte(c.value), &v); err != nil {
			t.Fatal(err)
		}
		if got := d.check("$", schema, v); len(got) != c.wrong {
			t.Errorf("check(%s) = %q, want %d wrong", c.value, got, c.wrong)
		}
	}
}

func TestTheAPIIsAsDescribed(t *testing.T) {
	t.Parallel()
	w := newCast(t, dbtest.New(t))
	var doc described
	if err := json.Unmarshal([]byte(w.Guest().Get("/api/v1/openapi.json").Want(200).Body), &doc); err != nil {
		t.Fatal(err)
	}
	routed := map[string]string{} // "get /api/…" → guard
	for _, rt := range w.App.Routes() {
		if method, path, _ := strings.Cut(rt.Pattern, " "); strings.HasPrefix(path, "/api/") {
			routed[strings.ToLower(method)+" "+path] = rt.Handler.Guard()
		}
	}
	seen := map[string]bool{}
	for path, operations := range doc.Paths {
		for method, o := range operations {
			name := method + " " + path
			guard, ok := routed[name]
			if !ok {
				t.Errorf("described, and not there: %s", name)
				continue
			}
			delete(routed, name)
			if o.OperationID == "" || seen[o.OperationID] || o.Summary == "" {
				t.Errorf("%s: operation %q, summary %q; want each once", name, o.OperationID, o.Summary)
			}
			seen[o.OperationID] = true
			if open := o.Security != nil && len(*o.Security) == 0; open != (guard == "public") {
				t.Errorf("%s: described as open to everybody: %v; its guard: %s", name, open, guard)
			}
		}
	}
	for name := range routed {
		t.Errorf("there, and not described: %s", name)
	}
	for _, v := range visitors() {
		answersAreAsDescribed(t, doc, w.As(v.login), v.kind)
	}
}

// answersAreAsDescribed asks for everything that can be read, with each parameter, and holds the answers against the
// schemas.
func answersAreAsDescribed(t *testing.T, doc described, c *webtest.Client, kind string) {
	t.Helper()
	given := map[string]string{"q": "lavaut", "ecole": "ly", "promo": "2010", "departement": "Informatique", "diplome": "engineer", "decennie": "2010", "page": "2"}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		o, ok := doc.Paths[path]["get"]
		if !ok {
			continue
		}
		ask := []string{path}
		for _, p := range o.Parameters {
			if p.In != "query" || given[p.Name] == "" {
				t.Errorf("%s: give an example of the parameter %q", path, p.Name)
			}
			ask = append(ask, path+"?"+p.Name+"="+given[p.Name])
		}
		for _, at := range ask {
			a := c.Get(at)
			r, ok := o.Responses[fmt.Sprint(a.Status)]
			if !ok {
				t.Errorf("%s: GET %s: status %d is not described", kind, at, a.Status)
				continue
			}
			if ct := a.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
				t.Errorf("%s: GET %s: %s", kind, at, ct)
			}
			var v any
			if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
				t.Errorf("%s: GET %s: %v", kind, at, err)
				continue
			}
			for _, wrong := range doc.check("$", r.Content["application/json"].Schema, v) {
				t.Errorf("%s: GET %s (status %d): %s", kind, at, a.Status, wrong)
			}
			if kind == "member" && strings.Contains(at, "?q=") && !strings.Contains(strings.ToLower(a.Body), "lavaut") {
				t.Errorf("%s: GET %s finds nobody", kind, at)
			}
		}
	}
}
