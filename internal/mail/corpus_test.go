package mail_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"amicale/internal/dbtest"
	"amicale/internal/mail"
)

// bounce is a message of the corpus and what it is known to say: one reason a recipient.
type bounce struct {
	file    string
	raw     []byte
	reasons []string
	hard    []bool
}

// corpus reads the real bounces. Messages without an expectation come too, for whatever must hold of all.
func corpus(t testing.TB) []bounce {
	t.Helper()
	dir := filepath.Join(dbtest.Samples(t), "bounces")
	f, err := os.Open(filepath.Join(dir, "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord = '\t', -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil || len(files) < 100 {
		t.Fatalf("%d bounces, %v", len(files), err)
	}
	var out []bounce
	for _, name := range files {
		b := bounce{file: filepath.Base(name)}
		if b.raw, err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if row[0] == b.file {
				b.reasons, b.hard = append(b.reasons, row[4]), append(b.hard, row[5] == "true")
			}
		}
		out = append(out, b)
	}
	return out
}

// naive is the rule of thumb that the figures are compared with: the first status in the message, 5 is dead.
var naive = regexp.MustCompile(`\b([45])\.\d\.\d{1,3}\b`)

// score counts verdicts on records against what they are known to be.
type score struct{ right, wrong, missed int }

func (s *score) count(said, is bool) {
	switch {
	case said && is:
		s.right++
	case said:
		s.wrong++
	case is:
		s.missed++
	}
}

func (s score) precision() float64 { return float64(s.right) / float64(max(1, s.right+s.wrong)) }
func (s score) recall() float64    { return float64(s.right) / float64(max(1, s.right+s.missed)) }

func TestCorpusOfBounces(t *testing.T) {
	t.Parallel()
	var ours, rough score
	confusion := map[string]map[mail.Class]int{}
	for _, b := range corpus(t) {
		got, _ := mail.ParseReport(b.raw)
		if again, _ := mail.ParseReport(b.raw); again != got {
			t.Errorf("%s: %+v, then %+v", b.file, got, again)
		}
		if len(got.Reply.Text) > mail.MostReplyText || !utf8.ValidString(got.Reply.Text) || strings.ContainsAny(got.Reply.Text, "\r\n") {
			t.Errorf("%s: text %q", b.file, got.Reply.Text)
		}
		first := naive.FindSubmatch(b.raw)
		for i, reason := range b.reasons {
			ours.count(got.Class == mail.Dead, b.hard[i])
			if (got.Class == mail.Dead) != b.hard[i] {
				t.Logf("%s: %s is %s: %+v", b.file, reason, got.Class, got.Reply)
			}
			rough.count(len(first) > 1 && first[1][0] == '5', b.hard[i])
			if confusion[reason] == nil {
				confusion[reason] = map[mail.Class]int{}
			}
			confusion[reason][got.Class]++
		}
	}
	reasons := []string{}
	for reason := range confusion {
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	for _, reason := range reasons {
		t.Logf("%-16s %v", reason, confusion[reason])
	}
	t.Logf("dead: %+v, precision %.3f, recall %.3f; first status 5.x: %+v, precision %.3f, recall %.3f",
		ours, ours.precision(), ours.recall(), rough, rough.precision(), rough.recall())
	if ours.precision() < 0.95 || ours.recall() < 0.80 {
		t.Errorf("precision %.3f, want at least 0.95; recall %.3f, want at least 0.80", ours.precision(), ours.recall())
	}
}

// Line ends are as the last server liked them, and a report may be cut anywhere.
func TestCorpusOfBouncesBent(t *testing.T) {
	t.Parallel()
	for _, b := range corpus(t) {
		lf := strings.ReplaceAll(string(b.raw), "\r\n", "\n")
		want, _ := mail.ParseReport([]byte(lf))
		for name, bent := range map[string]string{"CRLF": strings.ReplaceAll(lf, "\n", "\r\n"), "mbox": "From MAILER-DAEMON Thu Apr 29 23:34:45 2010\n" + lf} {
			if got, _ := mail.ParseReport([]byte(bent)); got.Class != want.Class || got.Reply.Code != want.Reply.Code || got.MessageID != want.MessageID {
				t.Errorf("%s, %s: %+v, want %+v", b.file, name, got, want)
			}
		}
		for n := 0; n < len(lf); n += len(lf)/9 + 1 {
			mail.ParseReport([]byte(lf[:n]))
		}
	}
}

func BenchmarkParseReport(b *testing.B) {
	list := corpus(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		mail.ParseReport(list[i%len(list)].raw)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
