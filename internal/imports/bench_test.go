package imports

import (
	"os"
	"runtime"
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
		var most uint64
		m, err := Bench(b.Context(), b.TempDir(), n, func() {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			most = max(most, stats.HeapInuse)
		})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(m.Import.Seconds(), "import-s")
		b.ReportMetric(m.Bare.Seconds(), "bare-s")
		b.ReportMetric(m.Again.Seconds(), "again-s")
		b.ReportMetric(m.Ratio, "ratio")
		b.ReportMetric(float64(most)/1e6, "heap-MB")
		b.ReportMetric(float64(m.Rows), "rows")
		b.Logf("%+v", m.Report)
	}
}
