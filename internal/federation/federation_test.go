package federation_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

func answers(code string) []string {
	return []string{"code", code, "federation_name", "Fédération d’essai", "federation_contact", "contact@exemple.fr",
		"association_code", "LY", "association_name", "Alumni <b>Lyon</b>", "association_school", "École de Lyon",
		"association_host", "alumni-lyon.example", "association_mail_domain", "lyon.example", "association_color", "#123456",
		"webmaster_name", "Ada Martin", "webmaster_login", "ada.martin", "webmaster_email", "ada@exemple.fr", "webmaster_password", "la pluie sur le toit"}
}

func TestSetUp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := webtest.Empty(t, d)
		c := w.Guest()
		if to := c.Get("/").Want(303).Header.Get("Location"); to != "/installation" {
			t.Fatalf("an empty site leads to %q, want the set-up page", to)
		}
		code, err := w.App.SetupCode(t.Context())
		if err != nil || code == "" {
			t.Fatalf("SetupCode() = %q, %v", code, err)
		}
		bad := answers("AAAA-BBBB-CCCC-DDDD")
		c.Post("/installation", bad...).Want(422, "pas le code affiché", "Fédération d’essai").Without("la pluie sur le toit")
		short := append([]string(nil), answers(code)...)
		short[len(short)-1] = "court"
		c.Post("/installation", short...).Want(422)
		wrong := append([]string(nil), answers(code)...)
		wrong[7], wrong[13] = "l1", "pas un hôte"
		page := c.Post("/installation", wrong...).Want(422)
		if page.Doc().Find("[aria-invalid=true]").Length() < 2 {
			t.Error("the wrong fields are not marked")
		}
		c.Follow(c.Post("/installation", answers(strings.ToLower(code))...).Want(303)).Want(200, "Le site est prêt")
		c.Get("/installation").Want(404)
		c.Post("/installation", answers(code)...).Want(404)
		c.Post("/connexion", "who", "ada.martin", "password", "la pluie sur le toit").Want(303)
		c.Get("/admin/federation").Want(200, "Fédération d’essai")
		c.Get("/association").Want(200, "Alumni <b>Lyon</b>").Without("<b>Lyon</b>")
		if again, err := w.App.SetupCode(t.Context()); err != nil || again != "" {
			t.Errorf("SetupCode() on an installed site = %q, %v", again, err)
		}
	})
}

func logo(t *testing.T, side int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	img.Set(1, 1, color.NRGBA{R: 200, A: 255})
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestAssociationsAreTheirWebmastersToEdit(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	form := func(path string) []string { // each association with a host of its own
		host := path[strings.LastIndexByte(path, '/')+1:] + ".example"
		return []string{"name", "AIL", "school", "INSA Lyon", "host", host, "mail_domain", host, "color", "#b3132b", "position", "1"}
	}
	for _, c := range []struct {
		who, path string
		get, post int
	}{
		{"", "/admin/associations/ly", 303, 401},
		{webtest.Member, "/admin/associations/ly", 403, 403},
		{webtest.Webmaster, "/admin/associations/ly", 200, 303},
		{webtest.Webmaster, "/admin/associations/re", 403, 403},
		{webtest.Webmaster, "/admin/associations/nouvelle", 404, 404},
		{webtest.Federation, "/admin/associations/re", 200, 303},
		{webtest.Federation, "/admin/associations/nouvelle", 200, 422}, // no code is given
		{webtest.Federation, "/admin/associations/zz", 404, 404},
	} {
		client := w.As(c.who)
		if got := client.Get(c.path).Status; got != c.get {
			t.Errorf("%s GET %s: %d, want %d", c.who, c.path, got, c.get)
		}
		if got := client.Post(c.path, form(c.path)...).Status; got != c.post {
			t.Errorf("%s POST %s: %d, want %d", c.who, c.path, got, c.post)
		}
	}
	w.As(webtest.Webmaster).Get("/admin/federation").Want(403)
}

func TestLogo(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	c := w.As(webtest.Webmaster)
	form := []string{"name", "AIL", "school", "INSA Lyon", "host", "ail.example", "mail_domain", "ail.example", "color", "#b3132b", "position", "1"}
	w.Guest().Get("/association/ly/logo").Want(404)
	c.Upload("/admin/associations/ly", "logo", "logo.svg.png", []byte("<svg onload=alert(1)></svg>"), form...).Want(422, "Ce fichier n’est pas une image")
	c.Upload("/admin/associations/ly", "logo", "logo.png", logo(t, 2100), form...).Want(422)
	c.Upload("/admin/associations/ly", "logo", "logo.png", append(logo(t, 64), []byte("<script>alert(1)</script>")...), form...).Want(303)
	got := w.Guest().Get("/association/ly/logo").Want(200)
	if !strings.HasPrefix(got.Body, "\x89PNG") || strings.Contains(got.Body, "script") || got.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the logo is served as %s with what hung on to it: %v", got.Header.Get("Content-Type"), strings.Contains(got.Body, "script"))
	}
	w.Guest().Get("/association/ly").Want(200, "/association/ly/logo?v=")
	rows, err := w.App.Trail().Recent(t.Context(), viewer.ForSystem("test"), audit.Page{Size: 1})
	if err != nil || rows.Total == 0 || rows.Rows[0].Action != "association.changed" {
		t.Errorf("the trail says %+v, %v", rows.Rows, err)
	}
}

func TestColoursAreAStylesheet(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	a := w.Guest().Get("/couleurs.css").Want(200, ".accent-ly{", ".accent-cv{")
	if ct := a.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/css") {
		t.Errorf("Content-Type %q", ct)
	}
}

func TestAnAssociationsOwnHostShowsItsPage(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	w.Guest().Get("http://alumni-toulouse.example/").Want(200, "IAT Toulouse", webtest.Origin+"/connexion/activer")
}
