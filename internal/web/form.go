package web

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"amicale/internal/errs"
)

// Limits of what a visitor may send, in bytes.
const (
	MaxForm   = 1 << 20 // a form without files
	maxMemory = 1 << 20 // of an upload; the rest goes through a temporary file
)

// Form is a submitted form: text without NUL and in valid UTF-8, as both databases need it.
type Form struct {
	values map[string][]string
	files  *multipart.Form
}

// Version is the version of a thing that the visitor saw before he sent the form; what is no number is none, hence a
// conflict. The undo of a toast, which has no fields, carries it in the address.
func (r *Request) Version(f *Form) int {
	seen := f.Text("version")
	if seen == "" {
		seen = r.URL.Query().Get("version")
	}
	version, _ := strconv.Atoi(seen)
	return version
}

// Form reads the submitted form once. A body over the route's limit is an error whose status is 413.
func (r *Request) Form() (*Form, error) {
	if r.form != nil {
		return r.form, nil
	}
	f := &Form{}
	var err error
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		if err = r.ParseMultipartForm(maxMemory); err == nil {
			f.files = r.MultipartForm
		}
	} else {
		r.Body = http.MaxBytesReader(r.W, r.Body, MaxForm)
		err = r.ParseForm()
	}
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, errs.E("web.Form", errs.Invalid, err)
	}
	f.values = make(map[string][]string, len(r.Request.PostForm))
	for k, vs := range r.Request.PostForm {
		for _, v := range vs {
			f.values[k] = append(f.values[k], sanitize(v))
		}
	}
	if f.files != nil {
		for k, vs := range f.files.Value {
			if _, ok := f.values[k]; !ok {
				for _, v := range vs {
					f.values[k] = append(f.values[k], sanitize(v))
				}
			}
		}
	}
	r.form = f
	return f, nil
}

func sanitize(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return strings.ReplaceAll(s, "\r\n", "\n")
}

// clean removes the temporary files of an upload.
func (f *Form) clean() {
	if f.files != nil {
		_ = f.files.RemoveAll()
	}
}

// Text is a field, trimmed; "" when it is not there.
func (f *Form) Text(name string) string { return strings.TrimSpace(f.Raw(name)) }

// Raw is a field as typed, for passwords.
func (f *Form) Raw(name string) string {
	if v := f.values[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// All are the values of a repeated field.
func (f *Form) All(name string) []string { return f.values[name] }

// Has reports whether the field was sent.
func (f *Form) Has(name string) bool { _, ok := f.values[name]; return ok }

// Checked reports whether a checkbox was ticked.
func (f *Form) Checked(name string) bool { return f.Raw(name) != "" }

// Int is a whole number; ok is false when the field holds something else. An empty field is 0 and ok.
func (f *Form) Int(name string) (n int, ok bool) {
	s := f.Text(name)
	if s == "" {
		return 0, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// Date is a day as date inputs send it; an empty field is the zero time and ok.
func (f *Form) Date(name string) (t time.Time, ok bool) {
	s := f.Text(name)
	if s == "" {
		return time.Time{}, true
	}
	t, err := time.Parse(time.DateOnly, s)
	return t, err == nil
}

// File is an uploaded file; nil when none was chosen. The caller closes it.
func (f *Form) File(name string) (multipart.File, *multipart.FileHeader, error) {
	if f.files == nil || len(f.files.File[name]) == 0 || f.files.File[name][0].Size == 0 {
		return nil, nil, nil
	}
	h := f.files.File[name][0]
	file, err := h.Open()
	if err != nil {
		return nil, nil, errs.E("web.File "+name, errs.Internal, err)
	}
	return file, h, nil
}

// LimitBody lets a route take more, or less, than the standing limit of an upload. It is called before Form.
func (r *Request) LimitBody(n int64) {
	if b, ok := r.Body.(*body); ok {
		b.left = n
	}
}

// body is the standing limit around every request body, which a route may move before reading.
type body struct {
	io.ReadCloser
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, &http.MaxBytesError{}
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n + int(b.left), &http.MaxBytesError{}
	}
	return n, err
}
