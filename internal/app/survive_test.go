package app_test

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"mime/multipart"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/app"
	"amicale/internal/app/demo"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

func TestTenThousandWrongPasswords(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t), 5)
	owner := w.Guest()
	owner.IP = "203.0.113.7"
	owner.Post("/connexion", "who", webtest.Member, "password", demo.Password).Want(303) // his browser is known from now on
	owner.Post("/deconnexion").Want(303)

	ways := []string{webtest.Member, "Laure.Lavaut.LY.2010", " laure lavaut ly2010 ", "laure.lavaut@exemple.fr"}
	answers := map[int]int{}
	const tries = 10_000
	for i := range tries {
		c := w.Guest()
		c.IP = fmt.Sprintf("10.%d.%d.%d", i%250, i/250%250, i%7)
		answers[c.Post("/connexion", "who", ways[i%len(ways)], "password", fmt.Sprintf("devine numéro %d", i)).Status]++
	}
	if answers[303] != 0 || answers[422]+answers[429] != tries {
		t.Errorf("answers by status: %v, want refusals (422) and limits (429) only", answers)
	}
	// Each password that was looked at cost a hash and left a row; the rest cost neither. A login in all its forms is one
	// way to name the account and an address another: that they are the same account's must not show.
	failed, err := db.One[int](t.Context(), w.DB, `SELECT count(*) FROM sign_ins WHERE NOT ok`)
	if err != nil || failed != answers[422] || failed > 2*15 {
		t.Errorf("%d passwords were hashed (%v), %d answers say so; want the same few", failed, err, answers[422])
	}

	// The owner comes in from where he was before, at once; from elsewhere with a link.
	owner.Post("/connexion", "who", webtest.Member, "password", demo.Password).Want(303)
	elsewhere := w.Guest()
	elsewhere.IP = "203.0.113.99"
	elsewhere.Post("/connexion", "who", webtest.Member, "password", demo.Password).Want(429, "Ton compte n’est pas fermé")
	elsewhere.Post("/connexion/lien", "who", webtest.Member).Want(303)
	letters := w.LettersTo("laure.lavaut@exemple.fr")
	if len(letters) == 0 || len(letters[0].Links) == 0 {
		t.Fatalf("letters to the owner: %v, want one with a link", letters)
	}
	elsewhere.Post(letters[0].Links[0]).Want(303)
	elsewhere.Get("/moi").Want(200, "Laure")
	// A neighbour of the guessers' target is not concerned.
	other := w.Guest()
	other.IP = "203.0.113.100"
	other.Post("/connexion", "who", webtest.Graduate, "password", demo.Password).Want(303)
}

func TestOneLinkOpensOneAccount(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := webtest.New(t, d, 5)
		w.Guest().Post("/connexion/activer/envoi", "surname", "Haddad", "year", "2028", "email", "yasmine.haddad@exemple.fr", "phone", "01 99 00 12 34").Want(303)
		letters := w.LettersTo("yasmine.haddad@exemple.fr")
		if len(letters) != 1 {
			t.Fatalf("%d letters, want 1", len(letters))
		}
		const at = 4 // at once
		var answers [at]*webtest.Answer
		var all sync.WaitGroup
		for i := range at {
			all.Go(func() {
				c := w.Guest()
				answers[i] = c.Post(letters[0].Links[0], "password", fmt.Sprintf("la phrase secrète %d", i))
			})
		}
		all.Wait()
		winner := -1
		for i, a := range answers {
			switch {
			case a.Status == 303 && winner < 0:
				winner = i
			case a.Status == 303:
				t.Errorf("requests %d and %d both opened the account", winner, i)
			case a.Status != 404:
				t.Errorf("request %d: status %d, want 303 or 404: %.300s", i, a.Status, a.Text())
			}
		}
		if winner < 0 {
			t.Fatal("no request opened the account")
		}
		for i := range at {
			want := 422
			if i == winner {
				want = 303
			}
			c := w.Guest()
			c.IP = fmt.Sprintf("203.0.113.%d", i+1)
			if got := c.Post("/connexion", "who", "yasmine.haddad.cv2028", "password", fmt.Sprintf("la phrase secrète %d", i)); got.Status != want {
				t.Errorf("password %d: status %d, want %d", i, got.Status, want)
			}
		}
		accounts, err := db.One[int](t.Context(), d, `SELECT count(*) FROM accounts a JOIN logins l ON l.person_id = a.person_id WHERE l.login = 'yasmine.haddad.cv2028'`)
		if err != nil || accounts != 1 {
			t.Errorf("%d accounts (%v), want 1", accounts, err)
		}
	})
}

func TestASecondServerIsRefused(t *testing.T) {
	t.Parallel()
	first := dbtest.New(t)
	unlock, err := first.Lock()
	if err != nil {
		t.Fatal(err)
	}
	second, err := db.Open(t.Context(), "sqlite:"+first.Path(), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	_, err = second.Lock()
	if !errors.Is(err, errs.Conflict) || !strings.Contains(err.Error(), first.Path()) || !strings.Contains(err.Error(), "already serves") {
		t.Errorf("the second Lock() = %v, want a conflict that names the file", err)
	}
	unlock()
	again, err := second.Lock()
	if err != nil {
		t.Fatalf("Lock() after the first server stopped = %v", err)
	}
	again()
}

// hugePNG says that it is 40,000 × 40,000 pixels, and is: black compresses well. 190 kB that would fill 1.6 GB.
func hugePNG(t *testing.T) []byte {
	t.Helper()
	const side = 40_000
	var out bytes.Buffer
	out.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		_ = binary.Write(&out, binary.BigEndian, uint32(len(data)))
		body := append([]byte(kind), data...)
		out.Write(body)
		_ = binary.Write(&out, binary.BigEndian, crc32.ChecksumIEEE(body))
	}
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, side), side)
	chunk("IHDR", append(header, 1, 0, 0, 0, 0)) // one bit a pixel
	var data bytes.Buffer
	z, err := zlib.NewWriterLevel(&data, zlib.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 1+side/8)
	for range side {
		if _, err := z.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	chunk("IDAT", data.Bytes())
	chunk("IEND", nil)
	return out.Bytes()
}

// script is what no answer may ever hold as such.
const script = `<script>alert("polyglot")</script>`

const svg = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">` + script + `</svg>`

// polyglots are files that are a picture to one program and a script to another.
func polyglots(t *testing.T) map[string][]byte {
	t.Helper()
	var whole bytes.Buffer
	small := image.NewPaletted(image.Rect(0, 0, 40, 40), color.Palette{color.White, color.Black})
	if err := gif.Encode(&whole, small, nil); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"header only":      []byte("GIF89a/*" + strings.Repeat(" ", 20) + "*/=1;alert(\"polyglot\")//" + script),
		"picture and page": append(whole.Bytes(), []byte(script)...),
	}
}

func TestPhotosThatAreTraps(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t), 5)
	me := w.As(webtest.Member)
	big := hugePNG(t)
	if len(big) > 400_000 {
		t.Fatalf("the huge picture takes %d bytes", len(big))
	}
	traps := polyglots(t)
	for _, c := range []struct {
		name, file string
		content    []byte
		status     int
		says       string
	}{
		{"40000 × 40000", "moi.png", big, 422, "c’est gigantesque"},
		{"SVG named .png", "moi.png", []byte(svg), 422, "n’est pas une image gif, png ou jpg"},
		{"GIF and script, header only", "moi.gif", traps["header only"], 422, ""},
		{"3 MB", "moi.jpg", append([]byte("\xff\xd8\xff\xe0"), bytes.Repeat([]byte{7}, 3<<20)...), 422, "dépasse 2\u00a0Mo"},
		{"30 MB", "moi.jpg", append([]byte("\xff\xd8\xff\xe0"), bytes.Repeat([]byte{7}, 30<<20)...), 422, "dépasse 2\u00a0Mo"},
		{"cut off", "moi.png", big[:1000], 422, ""},
	} {
		a := me.Upload("/moi/profil/photo", "photo", c.file, c.content, "audience_photo", "members")
		if a.Status != c.status || !strings.Contains(a.Body, c.says) {
			t.Errorf("%s: status %d, want %d and %q:\n%.400s", c.name, a.Status, c.status, c.says, a.Doc().Find("#photo").Text())
		}
		if a.Doc().Find("#photo .field-error, #photo [aria-invalid=true]").Length() == 0 {
			t.Errorf("%s: nothing is said beside the field", c.name)
		}
		if kept := a.Doc().Find("#photo [name=audience_photo] option[selected], #photo [name=audience_photo][checked]").AttrOr("value", ""); len(c.content) < 20<<20 && kept != "members" {
			t.Errorf("%s: the audience chosen is %q, want members as it was typed", c.name, kept)
		}
		if strings.Contains(a.Body, script) {
			t.Errorf("%s: the answer holds the script", c.name)
		}
	}
	if a := me.Get("/moi/profil/photo/large"); a.Status != 404 {
		t.Errorf("a refused photo is shown: status %d", a.Status)
	}
	// One that is a picture all the same is taken, and nothing of the rest with it.
	me.Upload("/moi/profil/photo", "photo", "moi.gif", traps["picture and page"], "audience_photo", "network").Want(303)
	w.Run()
	for _, at := range []string{"/moi/profil/photo/large", "/p/" + webtest.Member + "/photo/small"} {
		a := me.Get(at).Want(200)
		if a.Header.Get("Content-Type") != "image/jpeg" || a.Header.Get("X-Content-Type-Options") != "nosniff" || strings.Contains(a.Body, "script") || !strings.HasPrefix(a.Body, "\xff\xd8\xff") {
			t.Errorf("%s: %v, %d bytes; want a JPEG of our own making", at, a.Header, len(a.Body))
		}
	}
}

func TestScansThatAreTraps(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t), 5)
	before := census(t, w.DB)["cases"]
	typed := []string{"first_name", "Zoé", "surname", "Martin-Lefèvre", "school", "ly", "year", "1998", "diploma", "engineer", "department", "Chimie <fine>",
		"email", "zoe@exemple.fr", "phone", "04 65 71 00 44", "words", "Je n’ai plus que cette copie."}
	for i, c := range []struct {
		name, file string
		content    []byte
		status     int
	}{
		{"SVG named .png", "diplome.png", []byte(svg), 422},
		{"page named .pdf", "diplome.pdf", []byte("<!doctype html>" + script), 422},
		{"6 MB", "diplome.pdf", append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("a"), 6<<20)...), 413},
	} {
		g := w.Guest()
		g.IP = fmt.Sprintf("203.0.113.%d", i+1)
		a := g.Upload("/connexion/activer/ajout", "scan", c.file, c.content, typed...)
		if a.Status != c.status && a.Status != 422 || a.Doc().Find("#f-scan-error, [aria-describedby*=scan], .error-summary").Length() == 0 {
			t.Errorf("%s: status %d, want %d and a word beside the file:\n%.300s", c.name, a.Status, c.status, a.Text())
		}
		for j := 0; j < len(typed); j += 2 {
			field := a.Doc().Find("[name=" + typed[j] + "]")
			value := field.AttrOr("value", strings.TrimSpace(field.Text()))
			if field.Is("select") {
				value = field.Find("option[selected]").AttrOr("value", "")
			}
			if value != typed[j+1] {
				t.Errorf("%s: what was typed for %s is lost: %q, want %q", c.name, typed[j], value, typed[j+1])
			}
		}
	}
	if after := census(t, w.DB)["cases"]; after != before {
		t.Errorf("cases: %s; before: %s", after, before)
	}
}

func TestANameWithMarkup(t *testing.T) {
	t.Parallel()
	w := newCast(t, dbtest.New(t), 5)
	system := viewer.ForSystem("test")
	all, err := w.App.People().Associations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ly, _ := all.ByCode("ly")
	const first, last = `<b onmouseover="alert(1)">Zed`, `"><img src=x onerror=alert(1)>'{{.}}`
	d := people.Dossier{
		Person:  people.Person{ID: id.New(), FirstName: first, FirstNames: first, BirthSurname: last, Headline: "H" + last, Presentation: "P" + last, ActivatedAt: w.App.Now()},
		Degrees: []people.Degree{{AssociationID: ly.ID, ClassYear: 2010, Department: "D" + last}},
		Contacts: []people.ContactPoint{{Kind: people.Email, Purpose: people.Personal, Value: "zed@exemple.fr", Preferred: true, ConfirmedAt: w.App.Now(), Audience: viewer.Members, Origin: "import"},
			{Kind: people.Postal, Purpose: people.Personal, Street: "R" + last, City: "V" + last, Postcode: "69007", Country: "FR", Audience: viewer.Members, Origin: "import"}},
	}
	if err := w.App.People().Insert(t.Context(), system, []people.Dossier{d}); err != nil {
		t.Fatal(err)
	}
	if err := w.App.People().GenerateLoginsFor(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	full, err := w.App.People().Dossier(t.Context(), system, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	acc, err := w.App.Accounts().OpenFor(t.Context(), d.ID)
	if err == nil {
		err = w.App.Accounts().Grant(t.Context(), system, acc.ID, viewer.Editor, ly.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	login := full.CurrentLogin()
	guest := w.Guest()
	guest.Post("/connexion/activer/envoi", "surname", last, "year", "2010", "email", "quelqu.un@ailleurs.example", "phone", "04 65 71 00 77")
	guest.Post("/connexion/oubli", "who", login)
	guest.Post("/connexion/activer", "surname", last, "year", "2010").Without("<img src=x")
	w.Run()
	person := d.ID.String()
	shown := 0
	for _, who := range []string{webtest.Member, webtest.Webmaster, webtest.Federation, login} {
		c := w.As(who)
		for at, a := range crawl(t, c, "/", "/annuaire?q=zed", "/annuaire?q="+url.QueryEscape(last), "/ma-promo", "/p/"+login, "/admin/acces?q="+login, "/admin/personnes?q=zed", "/admin/personnes/"+person,
			"/admin/journal", "/admin/guichet", "/moi/consultations?tout=1", "/dev/mailbox") {
			if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				continue
			}
			if strings.Contains(a.Body, "<b onmouseover") || strings.Contains(a.Body, "<img src=x") || strings.Contains(a.Body, `"">`) && strings.Contains(a.Body, "onerror=alert(1)>") {
				t.Errorf("GET %s as %s prints markup as it is", at, who)
			}
			if a.Doc().Find("[onmouseover], [onerror], b").Length() > 0 {
				t.Errorf("GET %s as %s: a browser reads markup from the name", at, who)
			}
			if strings.Contains(a.Text(), "onerror=alert(1)") {
				shown++
			}
		}
	}
	if shown < 8 {
		t.Errorf("only %d pages print the name", shown)
	}
	for _, l := range w.Letters() {
		if strings.Contains(l.HTML, "<b onmouseover") || strings.Contains(l.HTML, "<img src=x") {
			t.Errorf("the letter %q prints markup as it is", l.Subject)
		}
	}
}

// served is a site that answers on this machine, and how to stop it.
type served struct {
	url  string
	stop context.CancelFunc
	done chan error
}

// serve lets the world's site listen. The site believes to be webtest.Origin; that is no matter to these tests.
func serve(t *testing.T, w *webtest.World) *served {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, w.App, ln)
}

func serveOn(t *testing.T, a *app.App, ln net.Listener) *served {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := &served{url: "http://" + ln.Addr().String(), stop: stop, done: make(chan error, 1)}
	ready := make(chan struct{})
	go func() { s.done <- a.Serve(ctx, ln, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-s.done:
		t.Fatalf("Serve() = %v", err)
	}
	t.Cleanup(stop)
	return s
}

func TestShutdownFinishesAnUpload(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t), 5)
	account, err := w.App.AccountByLogin(t.Context(), webtest.Member)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := w.App.Sessions().Start(t.Context(), account, true, "127.0.0.1", "test")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, w)
	var form, picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 300, 300))); err != nil {
		t.Fatal(err)
	}
	m := multipart.NewWriter(&form)
	part, err := m.CreateFormFile("photo", "moi.png")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(picture.Bytes())
	m.Close()
	host := strings.TrimPrefix(s.url, "http://")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /moi/profil/photo HTTP/1.1\r\nHost: %s\r\nCookie: amicale=%s\r\nContent-Type: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		host, token, m.FormDataContentType(), form.Len())
	answer := bufio.NewReader(conn)
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} { // the site reads the body now
		if line, err := answer.ReadString('\n'); line != want {
			t.Fatalf("the site answers %q, %v; want %q", line, err, want)
		}
	}
	half := form.Len() / 2
	if _, err := conn.Write(form.Bytes()[:half]); err != nil {
		t.Fatal(err)
	}
	s.stop()
	letsIn := true
	for range 500 { // until nobody new is let in
		other, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
		if err != nil {
			letsIn = false
			break
		}
		other.Close()
		time.Sleep(10 * time.Millisecond)
	}
	if letsIn {
		t.Error("a site that is stopping takes new requests")
	}
	if _, err := conn.Write(form.Bytes()[half:]); err != nil {
		t.Errorf("the rest of the upload: %v", err)
	}
	if line, err := answer.ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 303") {
		t.Errorf("the upload under way: %q, %v; want 303", line, err)
	}
	if err := <-s.done; err != nil {
		t.Errorf("Serve() = %v, want nil", err)
	}
	d, err := w.App.People().Dossier(t.Context(), viewer.ForSystem("test"), personOf(t, w, webtest.Member))
	if err != nil || d.Photo == "" {
		t.Fatalf("the photo is not there after the shutdown: %q, %v", d.Photo, err)
	}
	if _, info, err := w.Blob.Open(t.Context(), d.Photo+"/large.jpg"); err != nil || info.Size == 0 {
		t.Errorf("the photo's file: %v, %v", info, err)
	}
}
