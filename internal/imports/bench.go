package imports

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"amicale/internal/audit"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/people"
)

// Measured is what Bench found.
type Measured struct {
	People  int
	Rows    int           // written, over all tables
	Import  time.Duration // of the file, from opening it to the last login
	Bare    time.Duration // of the same rows by prepared statements in one transaction
	Again   time.Duration // of the same file once more
	HeapMB  float64       // the most seen while importing
	Report  Report
	Ratio   float64
	PerSec  float64
	FileMB  float64
	NoWrite bool // the second import wrote nothing
}

// deskless takes no cases: what the desk does is not measured here.
type deskless struct{}

func (deskless) Open(context.Context, Case) error { return nil }

// Bench imports a list of that many people, with contact points and degrees, into a fresh SQLite database in dir, and
// then writes the very rows that came of it into another one, by prepared statements in one transaction.
func Bench(ctx context.Context, dir string, n int) (Measured, error) {
	out := Measured{People: n}
	sample := func() {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		out.HeapMB = max(out.HeapMB, float64(stats.HeapInuse)/1e6)
	}
	path := filepath.Join(dir, "list.csv")
	if err := writeList(path, n); err != nil {
		return out, err
	}
	d, err := openFresh(ctx, filepath.Join(dir, "import.db"))
	if err != nil {
		return out, err
	}
	defer d.Close()
	s, err := benchStore(ctx, d)
	if err != nil {
		return out, err
	}
	if out.Report, out.Import, err = benchRun(ctx, s, path, sample); err != nil {
		return out, err
	}
	again, took, err := benchRun(ctx, s, path, sample)
	if err != nil {
		return out, err
	}
	out.Again, out.NoWrite = took, again.Unchanged == out.Report.Rows-out.Report.Rejected
	if out.Rows, out.Bare, err = bareInsert(ctx, filepath.Join(dir, "import.db"), filepath.Join(dir, "bare.db")); err != nil {
		return out, err
	}
	out.Ratio = out.Import.Seconds() / out.Bare.Seconds()
	out.PerSec = float64(n) / out.Import.Seconds()
	if info, err := os.Stat(path); err == nil {
		out.FileMB = float64(info.Size()) / 1e6
	}
	return out, nil
}

func openFresh(ctx context.Context, path string) (*db.DB, error) {
	d, err := db.Open(ctx, "sqlite:"+path, db.Options{})
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func benchStore(ctx context.Context, d *db.DB) (*Store, error) {
	p := people.NewStore(d, changes.NewStore(d, clock.System), clock.System)
	s := NewStore(Deps{DB: d, People: p, Trail: audit.NewTrail(d, clock.System), Desk: deskless{}, Now: clock.System})
	a := people.Association{Code: "ly", Name: "AIL Alumni INSA Lyon", School: "INSA Lyon", Host: "lyon.example", MailDomain: "lyon.example", Color: "#8a1538"}
	return s, p.SaveAssociation(ctx, system(), &a)
}

func benchRun(ctx context.Context, s *Store, path string, sample func()) (Report, time.Duration, error) {
	f, err := os.Open(path)
	if err != nil {
		return Report{}, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Report{}, 0, err
	}
	o := Options{Association: "ly", Progress: func(Progress) { sample() }}
	began := time.Now()
	r, err := s.Run(ctx, system(), Source{Name: "list.csv", R: f, Size: info.Size()}, o)
	return r, time.Since(began), err
}

// writeList writes a list as an association keeps it: the same one for the same n.
func writeList(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	listOf(w, n)
	if err := w.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func listOf(w io.Writer, n int) {
	r := rand.New(rand.NewPCG(1, 2))
	starts := strings.Fields("Mar Ber Du Per Mo La Ro Gau Che Le Bo Vi Ga Fa Col Ri Bru Tho Ma Des")
	middles := strings.Fields("ti na pon re ri va chon el ber mon lan do go sse pi ra ni vi che cor")
	ends := strings.Fields("n rd t in eau et ot aud ier ard on eur é au ez oux el as y le")
	firsts := strings.Fields("Laure Éloïse Jean-Jacques Pierre-Henri Anne-Laure Marc Zoé Paul Chloé Hugo Inès Luc Nora Théo Léa Karim Yann Maud Rémi Sofia Aïcha Noël Ida Axel")
	towns := []string{"69001;Lyon", "35000;Rennes", "31000;Toulouse", "67000;Strasbourg", "76000;Rouen", "18000;Bourges", "75011;Paris", "38000;Grenoble"}
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	fmt.Fprint(w, "Matricule;Civilité;Nom de naissance;Nom d'usage;Prénom;Date de naissance;Promotion;Diplôme;Spécialité;E-mail perso;E-mail pro;Mobile;Tél. pro;Adresse;CP;Ville;Pays;Début cotisation;Fin cotisation\r\n")
	for i := range n {
		first := pick(firsts)
		last := pick(starts) + pick(middles) + pick(middles) + pick(ends)
		usage, dues, year := "", ";", 1960+r.IntN(66)
		if r.IntN(8) == 0 {
			usage = pick(starts) + pick(middles) + pick(ends)
		}
		if r.IntN(4) == 0 {
			dues = "01/09/2025;31/08/2027"
		}
		fmt.Fprintf(w, "%d;%s;%s;%s;%s;%02d/%02d/%d;%d;Ingénieur;%s;p%d@example.org;pro%d@entreprise.example;06 %02d %02d %02d %02d;04 72 %02d %02d %02d;%d rue des %ss;%s;France;%s\r\n",
			100000+i, pick([]string{"M.", "Mme"}), last, usage, first, 1+r.IntN(28), 1+r.IntN(12), year-23, year, pick([]string{"GE", "GM", "GC", "IF", "BS"}), i, i,
			10+r.IntN(80), r.IntN(100), r.IntN(100), r.IntN(100), 10+r.IntN(80), r.IntN(100), r.IntN(100), 1+r.IntN(200), strings.ToLower(pick(starts)), pick(towns), dues)
	}
}

// copied are the tables that an import writes, with their columns.
func copied() [][2]string {
	return [][2]string{
		{"associations", "id, code, name, school, host, mail_domain, color, logo, position, created_at"},
		{"persons", "id, civility, first_names, first_name, birth_surname, usage_surname, first_key, birth_key, usage_key, birth_date, birth_year, status, deceased_on, headline, presentation, photo, audiences, note, activated_at, confirmed_at, merged_into, created_at, updated_at"},
		{"degrees", "id, person_id, association_id, class_year, diploma, study_year, department, created_at"},
		{"logins", "login_key, login, person_id, degree_id, current, origin, created_at"},
		{"contact_points", "id, person_id, kind, purpose, value, value_key, street, postcode, city, country, valid_from, valid_to, audience, preferred, confirmed_at, origin, created_at, updated_at"},
		{"memberships", "id, person_id, association_id, starts_on, ends_on, origin, recorded_by, created_at"},
		{"legacy_ids", "source, value, person_id"},
		{"import_records", "identity, person_id, source, line, import_id, record, created_at, updated_at"},
		{"changes", "seq, kind, entity, at"},
	}
}

// bareInsert copies the rows of one database into a fresh one and times the writing alone: one prepared statement a
// table, one execution a row, one transaction.
func bareInsert(ctx context.Context, from, to string) (rows int, took time.Duration, err error) {
	fresh, err := openFresh(ctx, to)
	if err != nil {
		return 0, 0, err
	}
	if err := fresh.Close(); err != nil {
		return 0, 0, err
	}
	pragmas := "?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)&_time_format=sqlite&_timezone=UTC"
	source, err := sql.Open("sqlite", "file:"+from+pragmas)
	if err != nil {
		return 0, 0, err
	}
	defer source.Close()
	target, err := sql.Open("sqlite", "file:"+to+pragmas+"&_txlock=immediate")
	if err != nil {
		return 0, 0, err
	}
	defer target.Close()
	tx, err := target.BeginTx(ctx, nil)
	if err != nil {
		return 0, 0, err
	}
	defer tx.Rollback()
	for _, t := range copied() {
		n, d, err := copyTable(ctx, source, tx, t[0], t[1])
		if err != nil {
			return rows, took, fmt.Errorf("bare insert into %s: %w", t[0], err)
		}
		rows, took = rows+n, took+d
	}
	began := time.Now()
	err = tx.Commit()
	return rows, took + time.Since(began), err
}

func copyTable(ctx context.Context, source *sql.DB, tx *sql.Tx, table, columns string) (n int, took time.Duration, err error) {
	width := strings.Count(columns, ",") + 1
	list, err := source.QueryContext(ctx, `SELECT `+columns+` FROM `+table+` ORDER BY rowid`)
	if err != nil {
		return 0, 0, err
	}
	defer list.Close()
	stmt, err := tx.PrepareContext(ctx, `INSERT INTO `+table+` (`+columns+`) VALUES (`+db.In(width)+`)`)
	if err != nil {
		return 0, 0, err
	}
	defer stmt.Close()
	for more := true; more; {
		var block [][]any
		for len(block) < 5000 {
			if more = list.Next(); !more {
				break
			}
			row, into := make([]any, width), make([]any, width)
			for i := range row {
				into[i] = &row[i]
			}
			if err := list.Scan(into...); err != nil {
				return n, took, err
			}
			block = append(block, row)
		}
		began := time.Now()
		for _, row := range block {
			if _, err := stmt.ExecContext(ctx, row...); err != nil {
				return n, took, err
			}
		}
		took, n = took+time.Since(began), n+len(block)
	}
	return n, took, list.Err()
}
