package imports

import (
	"os"
	"strconv"
	"testing"
)

// BenchmarkImport measures the import of 80,000 people beside a bare insert of the same rows; AMICALE_BENCH_PEOPLE
// asks for another number.
func BenchmarkImport(b *testing.B) {
	n := 80_000
	if s := os.Getenv("AMICALE_BENCH_PEOPLE"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	for b.Loop() {
		m, err := Bench(b.Context(), b.TempDir(), n)
		if err != nil {
			b.Fatal(err)
		}
		if m.Report.Inserted != n || !m.NoWrite {
			b.Errorf("%d of %d persons, the second import wrote: %t", m.Report.Inserted, n, !m.NoWrite)
		}
		b.ReportMetric(m.Import.Seconds(), "import-s")
		b.ReportMetric(m.Bare.Seconds(), "bare-s")
		b.ReportMetric(m.Again.Seconds(), "again-s")
		b.ReportMetric(m.Ratio, "ratio")
		b.ReportMetric(m.HeapMB, "heap-MB")
		b.ReportMetric(float64(m.Rows), "rows")
	}
}
