package errs_test

import (
	"errors"
	"fmt"
	"testing"

	"amicale/internal/errs"
)

func TestKindAndMessageTravelTogether(t *testing.T) {
	t.Parallel()
	base := errors.New("no such row")
	for _, c := range []struct {
		err  error
		kind errs.Kind
		key  string
	}{
		{base, errs.Internal, ""},
		{errs.NotFound, errs.NotFound, ""},
		{errs.E("x.Y", errs.Conflict, base), errs.Conflict, ""},
		{errs.Wrap("a.B", errs.Wrap("c.D", errs.New(errs.Limited, "web.limited"))), errs.Limited, "web.limited"},
		{fmt.Errorf("more: %w", errs.Msg("x.bad")), errs.Invalid, "x.bad"},
		{errs.Wrap("a.B", errs.NotFound), errs.NotFound, ""},
	} {
		if got := errs.KindOf(c.err); got != c.kind || !errors.Is(c.err, c.kind) && c.kind != errs.Internal {
			t.Errorf("KindOf(%v) = %v, want %v", c.err, got, c.kind)
		}
		if m, ok := errs.MessageOf(c.err); m.Key != c.key || ok != (c.key != "") {
			t.Errorf("MessageOf(%v) = %q, %v, want %q", c.err, m.Key, ok, c.key)
		}
	}
	if errs.Wrap("a.B", nil) != nil {
		t.Error("Wrap(nil) is an error")
	}
	if !errors.Is(errs.Wrap("a.B", base), base) {
		t.Error("Wrap lost the cause")
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	f := errs.Fields{}
	if f.Err() != nil {
		t.Error("no field is wrong, and yet an error")
	}
	f.Add("name", "x.first", map[string]any{"N": 1})
	f.Add("name", "x.second")
	err := errs.Prefix("form_", errs.Wrap("op", f.Err()))
	got := errs.FieldsOf(err)
	if len(got) != 1 || got["form_name"].Key != "x.first" || got["form_name"].Data["N"] != 1 {
		t.Errorf("FieldsOf = %v, want the first word about form_name", got)
	}
	plain := errors.New("plain")
	if errs.Prefix("form_", plain) != plain {
		t.Error("Prefix changed an error without fields")
	}
}
