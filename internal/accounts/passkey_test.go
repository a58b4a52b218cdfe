package accounts_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"amicale/internal/accounts"
)

// authenticator is a device that holds one passkey (ES256, no attestation).
type authenticator struct {
	key     *ecdsa.PrivateKey
	id      []byte
	handle  []byte
	counter uint32
	origin  string
}

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return &authenticator{key: key, id: id, origin: "http://localhost"}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Flags of authenticator data (WebAuthn §6.1): user present, user verified, attested credential data included.
const (
	userPresent  = 0x01
	userVerified = 0x04
	withKey      = 0x40
)

func (a *authenticator) data(flags byte) []byte {
	rp := sha256.Sum256([]byte("localhost"))
	out := append(rp[:], flags)
	return binary.BigEndian.AppendUint32(out, a.counter)
}

func (a *authenticator) clientData(kind, challenge string) []byte {
	b, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	return b
}

// create answers a challenge to register.
func (a *authenticator) create(t *testing.T, options map[string]any) map[string]any {
	t.Helper()
	key := options["publicKey"].(map[string]any)
	a.handle, _ = base64.RawURLEncoding.DecodeString(key["user"].(map[string]any)["id"].(string))
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	cose, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:65]}) // RFC 9053 §7.1.1
	if err != nil {
		t.Fatal(err)
	}
	data := a.data(userPresent | userVerified | withKey)
	data = append(data, make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), cose...)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": map[string]any{
		"clientDataJSON": b64(a.clientData("webauthn.create", key["challenge"].(string))), "attestationObject": b64(object)}}
}

// get answers a challenge to sign in.
func (a *authenticator) get(t *testing.T, options map[string]any, flags byte) map[string]any {
	t.Helper()
	a.counter++
	data, client := a.data(flags), a.clientData("webauthn.get", options["publicKey"].(map[string]any)["challenge"].(string))
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": map[string]any{
		"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(a.handle)}}
}

// json posts a value and reads the answer.
func (b *browser) json(t *testing.T, path string, body any) (int, map[string]any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, "http://localhost"+path, strings.NewReader(string(raw)))
	req.RemoteAddr = b.ip + ":1234"
	req.Header.Set("Content-Type", "application/json")
	for k, v := range b.cookies {
		req.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	w := httptest.NewRecorder()
	b.site.handler.ServeHTTP(w, req)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c.Value
	}
	text, _ := io.ReadAll(w.Body)
	out := map[string]any{}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("POST %s answers %d %q", path, w.Code, text)
	}
	return w.Code, out
}

// begin asks for a challenge.
func (b *browser) begin(t *testing.T, path string) (ceremony string, options map[string]any) {
	t.Helper()
	status, got := b.json(t, path, map[string]any{})
	if status != http.StatusOK {
		t.Fatalf("POST %s = %d %v", path, status, got)
	}
	return got["ceremony"].(string), got["options"].(map[string]any)
}

func TestPasskeys(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.account(t, s.person(t, "Laure", "Lavaut", s.ly, 2010, "laure@x.example"), good)
	b := s.browser("192.0.2.1")
	b.signIn("laure.lavaut.ly2010", good)
	device := newAuthenticator(t)
	ceremony, options := b.begin(t, accounts.SecurePath+"/cles/debut")
	if status, got := b.json(t, accounts.SecurePath+"/cles", map[string]any{"ceremony": ceremony, "credential": device.create(t, options), "name": "mon téléphone"}); status != 200 {
		t.Fatalf("registering a passkey = %d %v", status, got)
	}
	if page := b.get(accounts.SecurePath); page.status != 200 || !strings.Contains(page.body, "mon téléphone") || !strings.Contains(page.body, "aucun code de secours") {
		t.Errorf("the security page after a passkey = %d", page.status)
	}
	if list := s.letters(t); list[0].Subject != "Une clé d’accès a été ajoutée à ton compte" || !strings.Contains(list[0].Text, "mon téléphone") {
		t.Errorf("the letter is %q", list[0].Subject)
	}
	signIn := func(b *browser, answer map[string]any, ceremony string) (int, map[string]any) {
		return b.json(t, "/connexion/cle", map[string]any{"ceremony": ceremony, "credential": answer, "next": "/annuaire"})
	}
	guest := s.browser("192.0.2.2")
	ceremony, options = guest.begin(t, "/connexion/cle/debut")
	answer := device.get(t, options, userPresent|userVerified)
	if status, got := signIn(guest, answer, ceremony); status != 200 || got["next"] != "/annuaire" || guest.get("/moi/parametres").status != 200 {
		t.Errorf("signing in by passkey = %d %v", status, got)
	}
	for name, try := range map[string]func(b *browser) (int, map[string]any){
		"the same answer again": func(b *browser) (int, map[string]any) { return signIn(b, answer, ceremony) },
		"an answer to another challenge": func(b *browser) (int, map[string]any) {
			other, _ := b.begin(t, "/connexion/cle/debut")
			return signIn(b, answer, other)
		},
		"a user who was not verified": func(b *browser) (int, map[string]any) {
			c, o := b.begin(t, "/connexion/cle/debut")
			return signIn(b, device.get(t, o, userPresent), c)
		},
		"another site": func(b *browser) (int, map[string]any) {
			c, o := b.begin(t, "/connexion/cle/debut")
			device.origin = "http://evil.example"
			defer func() { device.origin = "http://localhost" }()
			return signIn(b, device.get(t, o, userPresent|userVerified), c)
		},
		"an unknown key": func(b *browser) (int, map[string]any) {
			c, o := b.begin(t, "/connexion/cle/debut")
			stranger := newAuthenticator(t)
			stranger.handle = device.handle
			return signIn(b, stranger.get(t, o, userPresent|userVerified), c)
		},
		"a counter that went back": func(b *browser) (int, map[string]any) {
			c, o := b.begin(t, "/connexion/cle/debut")
			was := device.counter
			device.counter = 0
			defer func() { device.counter = was }()
			return signIn(b, device.get(t, o, userPresent|userVerified), c)
		},
		"nonsense": func(b *browser) (int, map[string]any) {
			c, _ := b.begin(t, "/connexion/cle/debut")
			return signIn(b, map[string]any{"id": 7}, c)
		},
	} {
		other := s.browser("192.0.2.3")
		if status, got := try(other); status != 422 || got["message"] == "" || other.get("/moi/parametres").status != 303 {
			t.Errorf("%s = %d %v, want refused with words", name, status, got)
		}
	}
}

func TestPasskeyAsSecondFactor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.account(t, s.person(t, "Laure", "Lavaut", s.ly, 2010, "laure@x.example"), good)
	b := s.browser("192.0.2.1")
	b.signIn("laure.lavaut.ly2010", good)
	device := newAuthenticator(t)
	ceremony, options := b.begin(t, accounts.SecurePath+"/cles/debut")
	b.json(t, accounts.SecurePath+"/cles", map[string]any{"ceremony": ceremony, "credential": device.create(t, options)})
	other := s.browser("192.0.2.2")
	if got := other.signIn("laure.lavaut.ly2010", good); got.location != "/connexion/verification" {
		t.Fatalf("the password alone leads to %q", got.location)
	}
	if page := other.get("/connexion/verification"); !strings.Contains(page.body, "data-passkey") {
		t.Error("the page of the second factor offers no passkey")
	}
	ceremony, options = other.begin(t, "/connexion/verification/cle/debut")
	answer := device.get(t, options, userPresent)
	if status, got := s.browser("192.0.2.3").json(t, "/connexion/verification/cle", map[string]any{"ceremony": ceremony, "credential": answer}); status != 422 {
		t.Errorf("the second factor without the first = %d %v", status, got)
	}
	ceremony, options = other.begin(t, "/connexion/verification/cle/debut")
	if status, got := other.json(t, "/connexion/verification/cle", map[string]any{"ceremony": ceremony, "credential": device.get(t, options, userPresent)}); status != 200 ||
		got["next"] != "/moi" || other.get("/moi/parametres").status != 200 {
		t.Errorf("the passkey after the password = %d %v", status, got)
	}
	key, err := s.Find(t.Context(), "laure.lavaut.ly2010", "")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := s.Passkeys(t.Context(), key.Account.ID)
	if err != nil || len(keys) != 1 || keys[0].UsedAt.IsZero() {
		t.Fatalf("the passkeys are %+v, %v", keys, err)
	}
	path := accounts.SecurePath + "/cles/" + keys[0].ID.String()
	stranger := s.browser("192.0.2.4")
	s.account(t, s.person(t, "Une", "Autre", s.ly, 2011), good)
	stranger.signIn("une.autre.ly2011", good)
	if got := stranger.post(path + "/retirer"); got.status != 404 {
		t.Errorf("somebody else removes the passkey: %d", got.status)
	}
	if got := other.post(path, "name", "Ma clé <b>"); got.status != 303 || !strings.Contains(other.get(accounts.SecurePath).body, "Ma clé &lt;b&gt;") {
		t.Errorf("renaming the passkey = %d", got.status)
	}
	if got := other.post(path + "/retirer"); got.status != 303 {
		t.Errorf("removing the passkey = %d", got.status)
	}
	if got := s.browser("192.0.2.5").signIn("laure.lavaut.ly2010", good); got.location != "/moi" {
		t.Errorf("without a second factor the password leads to %q", got.location)
	}
}

func TestPasskeysBelongToOneHost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for host, offered := range map[string]bool{"localhost": true, "localhost:8080": true, "127.0.0.1:8080": false, "alumni-lyon.example": false} {
		page := httptest.NewRecorder()
		s.handler.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "http://"+host+"/connexion", nil))
		begin := httptest.NewRecorder()
		s.handler.ServeHTTP(begin, httptest.NewRequest(http.MethodPost, "http://"+host+"/connexion/cle/debut", nil))
		if strings.Contains(page.Body.String(), "data-passkey=") != offered || (begin.Code == http.StatusOK) != offered {
			t.Errorf("on %s the page offers passkeys: %v, a challenge = %d; want %v", host, !offered, begin.Code, offered)
		}
	}
}
