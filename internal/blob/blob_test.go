package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"amicale/internal/blob"
	"amicale/internal/errs"
)

// bucket starts an S3 service on the loopback and returns the setting of an empty bucket in it. Before, where
// given, may answer a request in its place.
func bucket(t *testing.T, before func(w http.ResponseWriter, r *http.Request) bool) string {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("photos"); err != nil {
		t.Fatal(err)
	}
	fake := gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before == nil || !before(w, r) {
			fake.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	u := url.URL{Scheme: "s3", User: url.UserPassword("key", "se/cr+et"), Host: server.Listener.Addr().String(),
		Path: "/photos", RawQuery: "insecure=true&region=fr-par"}
	return u.String()
}

func open(t *testing.T, setting string) blob.Store {
	t.Helper()
	s, err := blob.Open(t.Context(), setting)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// each runs a test on both stores.
func each(t *testing.T, test func(t *testing.T, s blob.Store)) {
	t.Helper()
	t.Run("disk", func(t *testing.T) { t.Parallel(); test(t, open(t, "file:"+t.TempDir()+"/made/here")) })
	t.Run("s3", func(t *testing.T) { t.Parallel(); test(t, open(t, bucket(t, nil))) })
}

func put(t *testing.T, s blob.Store, key, content string) {
	t.Helper()
	if err := s.Put(t.Context(), key, strings.NewReader(content), int64(len(content)), "text/plain"); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, s blob.Store, key string) string {
	t.Helper()
	r, _, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func keys(t *testing.T, s blob.Store, prefix string) []string {
	t.Helper()
	var out []string
	for key, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, key)
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	random := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{7}).Read(random)
	for _, tt := range []struct{ key, content, contentType string }{
		{"a.txt", "bonjour", "text/plain; charset=utf-8"},
		{"photos/01/abc-480.jpg", string(random), "image/jpeg"},
		{"empty", "", "application/octet-stream"},
		{"été/l'hamé œuvre %2F +&?.pdf", "%PDF", "application/pdf"},
		{"tail", "amicale\x01", "application/x-amicale"},
		{strings.Repeat("k", 200) + "/" + strings.Repeat("y", 200), "long", "text/plain"},
	} {
		t.Run(tt.key[:min(8, len(tt.key))], func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, s blob.Store) {
				ctx, start := t.Context(), time.Now()
				if err := s.Put(ctx, tt.key, strings.NewReader(tt.content), int64(len(tt.content)), tt.contentType); err != nil {
					t.Fatal(err)
				}
				r, info, err := s.Open(ctx, tt.key)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				got, err := io.ReadAll(r)
				if err != nil || string(got) != tt.content {
					t.Errorf("Open(%q) read %d bytes, %v, want the %d written", tt.key, len(got), err, len(tt.content))
				}
				stat, err := s.Stat(ctx, tt.key)
				if err != nil || stat != info {
					t.Errorf("Stat(%q) = %+v, %v, want what Open told: %+v", tt.key, stat, err, info)
				}
				if info.Size != int64(len(tt.content)) || info.ContentType != tt.contentType {
					t.Errorf("Open(%q) told %+v, want %d bytes of %s", tt.key, info, len(tt.content), tt.contentType)
				}
				if d := info.ModTime.Sub(start); d < -2*time.Second || d > time.Minute || info.ModTime.Location() != time.UTC {
					t.Errorf("Open(%q) told the time %v, want about %v in UTC", tt.key, info.ModTime, start)
				}
				if got := keys(t, s, ""); !slices.Equal(got, []string{tt.key}) {
					t.Errorf("List() = %q, want %q", got, tt.key)
				}
			})
		})
	}
}

func TestReplaceAndDelete(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s blob.Store) {
		put(t, s, "a/k", "a longer first content")
		put(t, s, "a/k", "second")
		if got := content(t, s, "a/k"); got != "second" {
			t.Errorf("after a second Put the key holds %q", got)
		}
		for range 2 { // a missing one is no error
			if err := s.Delete(t.Context(), "a/k"); err != nil {
				t.Errorf("Delete = %v, want nil", err)
			}
		}
		if _, err := s.Stat(t.Context(), "a/k"); !errors.Is(err, errs.NotFound) {
			t.Errorf("Stat after Delete = %v, want not found", err)
		}
	})
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s blob.Store) {
		put(t, s, "dir/file", "x")
		for _, key := range []string{"nope", "dir", "dir/nope", "dir/file/below", "", ".", "../x", "/etc/passwd", ".tmp", "a//b", "dir/"} {
			if _, _, err := s.Open(t.Context(), key); !errors.Is(err, errs.NotFound) {
				t.Errorf("Open(%q) = %v, want not found", key, err)
			}
			if _, err := s.Stat(t.Context(), key); !errors.Is(err, errs.NotFound) {
				t.Errorf("Stat(%q) = %v, want not found", key, err)
			}
			if err := s.Delete(t.Context(), key); err != nil {
				t.Errorf("Delete(%q) = %v, want nil", key, err)
			}
		}
		if got := content(t, s, "dir/file"); got != "x" {
			t.Errorf("the other key holds %q now", got)
		}
	})
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s blob.Store) {
		for _, tt := range []struct {
			key, contentType string
			size             int64
		}{
			{"", "text/plain", 1},
			{"../x", "text/plain", 1},
			{"/x", "text/plain", 1},
			{"a/../x", "text/plain", 1},
			{"a//x", "text/plain", 1},
			{"x/", "text/plain", 1},
			{".tmp/x", "text/plain", 1},
			{"a/.x", "text/plain", 1},
			{`a\x`, "text/plain", 1},
			{"a\nx", "text/plain", 1},
			{"a\x00x", "text/plain", 1},
			{"a\xffx", "text/plain", 1},
			{strings.Repeat("x", 513), "text/plain", 1},
			{"x", "text/plain\r\nX-Other: 1", 1},
			{"x", strings.Repeat("x", 256), 1},
			{"x", "text/plain", -1},
			{"x", "text/plain", 0},
			{"x", "text/plain", 2},
		} {
			err := s.Put(t.Context(), tt.key, strings.NewReader("1"), tt.size, tt.contentType)
			if !errors.Is(err, errs.Invalid) {
				t.Errorf("Put(%q, size %d, %q) = %v, want invalid", tt.key, tt.size, tt.contentType, err)
			}
		}
		if got := keys(t, s, ""); len(got) > 0 {
			t.Errorf("List() = %q after refusals only", got)
		}
	})
}

func TestFailedPutChangesNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("the visitor hung up")
	half := func() io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{}), 50_000) }
	each(t, func(t *testing.T, s blob.Store) {
		put(t, s, "k", "before")
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		for name, tt := range map[string]struct {
			ctx  context.Context
			r    io.Reader
			want error
		}{
			"broken": {t.Context(), io.MultiReader(half(), iotest.ErrReader(broken)), broken},
			"short":  {t.Context(), half(), errs.Invalid},
			"long":   {t.Context(), io.MultiReader(half(), half(), half()), errs.Invalid},
			"ended":  {cancelled, io.MultiReader(half(), half()), context.Canceled},
		} {
			for _, key := range []string{"k", "new/" + name} {
				if err := s.Put(tt.ctx, key, tt.r, 100_000, "image/png"); !errors.Is(err, tt.want) {
					t.Errorf("Put(%s) of a %s content = %v, want %v", key, name, err, tt.want)
				}
			}
		}
		if got := content(t, s, "k"); got != "before" {
			t.Errorf("after failed Puts the key holds %d bytes, want those of before", len(got))
		}
		if got := keys(t, s, ""); !slices.Equal(got, []string{"k"}) {
			t.Errorf("List() = %q, want only the key of before", got)
		}
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s blob.Store) {
		all := []string{"a-b", "a.txt", "a/1", "a/2/x", "a/2/y", "a0", "b/é", "ba"}
		for _, i := range rand.Perm(len(all)) {
			put(t, s, all[i], all[i])
		}
		for prefix, want := range map[string][]string{
			"":      all,
			"a":     all[:6],
			"a/":    all[2:5],
			"a/2":   {"a/2/x", "a/2/y"},
			"a/2/y": {"a/2/y"},
			"b/é":   {"b/é"},
			"c":     nil,
			"a/3/":  nil,
		} {
			if got := keys(t, s, prefix); !slices.Equal(got, want) {
				t.Errorf("List(%q) = %q, want %q", prefix, got, want)
			}
		}
		n := 0
		for range s.List(t.Context(), "") {
			if n++; n == 3 {
				break
			}
		}
		if n != 3 {
			t.Errorf("List gave %d keys before the break, want 3", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var last error
		for _, last = range s.List(ctx, "") {
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("List of an ended context gave %v, want context.Canceled", last)
		}
	})
}

func TestListPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s blob.Store) {
		for i := range 1100 { // more than one page of S3
			put(t, s, fmt.Sprintf("d%d/%04d", i%3, i), "")
		}
		got := keys(t, s, "d")
		if len(got) != 1100 || !slices.IsSorted(got) {
			t.Errorf("List gave %d keys (sorted: %v), want 1100 in order", len(got), slices.IsSorted(got))
		}
	})
}

func TestConcurrentReadersSeeWholeContents(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s blob.Store) {
		whole := func(i byte) []byte { return bytes.Repeat([]byte{'a' + i}, 20_000+int(i)) }
		write := func(i byte) error {
			return s.Put(t.Context(), "k/k", bytes.NewReader(whole(i)), int64(len(whole(i))), "text/plain")
		}
		if err := write(0); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range byte(4) {
			wg.Go(func() {
				for range 10 {
					if err := write(i); err != nil {
						t.Error(err)
					}
				}
			})
			wg.Go(func() {
				for range 10 {
					r, info, err := s.Open(t.Context(), "k/k")
					if err != nil {
						t.Error(err)
						return
					}
					got, err := io.ReadAll(r)
					r.Close()
					if err != nil {
						t.Error(err)
						return
					}
					if len(got) != int(info.Size) || !bytes.Equal(got, whole(got[0]-'a')) {
						t.Errorf("read a mixed content of %d bytes", len(got))
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	good := bucket(t, nil)
	host := strings.TrimPrefix(good[strings.Index(good, "@"):], "@")
	host = host[:strings.Index(host, "/")]
	for _, tt := range []struct {
		setting string
		want    errs.Kind
	}{
		{"", errs.Invalid},
		{"file:", errs.Invalid},
		{"/srv/files", errs.Invalid},
		{"ftp://key:hush@" + host + "/photos", errs.Invalid},
		{"s3://" + host + "/photos", errs.Invalid},
		{"s3://key@" + host + "/photos", errs.Invalid},
		{"s3://key:hush@" + host, errs.Invalid},
		{"s3://key:hush@" + host + "/photos/below", errs.Invalid},
		{"s3://key:hu/sh@" + host + "/photos", errs.Invalid},
		{"s3://key:hush%zz@" + host + "/photos", errs.Invalid},
		{"s3://key:hush@" + host + "/photos?regoin=x", errs.Invalid},
		{"s3://key:hush@" + host + "/photos?insecure=perhaps", errs.Invalid},
		{"s3://key:hush@" + host + "/other?insecure=true", errs.NotFound},
	} {
		_, err := blob.Open(t.Context(), tt.setting)
		if errs.KindOf(err) != tt.want || err == nil {
			t.Errorf("Open(%q) = %v, want %v", tt.setting, err, tt.want)
		}
		if err != nil && (strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "hu/sh")) {
			t.Errorf("Open(%q) = %v, which repeats the secret", tt.setting, err)
		}
	}
}

func TestServiceFailures(t *testing.T) {
	t.Parallel()
	fails := func(status int, code string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/photos/" || r.URL.Path == "/photos" {
				return false
			}
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
			return true
		}
	}
	for _, tt := range []struct {
		status int
		code   string
		want   error
	}{
		{http.StatusInsufficientStorage, "XMinioStorageFull", blob.ErrFull},
		{http.StatusForbidden, "QuotaExceeded", blob.ErrFull},
		{http.StatusForbidden, "AccessDenied", errs.Unavailable},
		{http.StatusNotFound, "NoSuchBucket", errs.Unavailable},
	} {
		s := open(t, bucket(t, fails(tt.status, tt.code)))
		err := s.Put(t.Context(), "k", strings.NewReader("x"), 1, "text/plain")
		if !errors.Is(err, tt.want) || !errors.Is(err, errs.Unavailable) {
			t.Errorf("Put answered %d %s = %v, want %v", tt.status, tt.code, err, tt.want)
		}
	}
}

func TestServiceGone(t *testing.T) {
	t.Parallel()
	_, err := blob.Open(t.Context(), "s3://key:hush@127.0.0.1:1/photos?insecure=1")
	if !errors.Is(err, errs.Unavailable) {
		t.Errorf("Open of a service that is down = %v, want unavailable", err)
	}
}
