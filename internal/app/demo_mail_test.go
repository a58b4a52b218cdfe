package app_test

import (
	"testing"

	"amicale/internal/dbtest"
	"amicale/internal/webtest"
)

func BenchmarkDemoMail(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := webtest.New(b, dbtest.New(b), 2000)
		b.StartTimer()
		if err := w.App.MakeDemoMail(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
