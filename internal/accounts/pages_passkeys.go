package accounts

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/web"
)

// keyHolder is an account as the passkey library knows it. Its handle is the account's identifier, which says nothing.
type keyHolder struct {
	account id.ID
	name    string
	shown   string
	keys    []webauthn.Credential
}

func (h keyHolder) WebAuthnID() []byte                         { return h.account[:] }
func (h keyHolder) WebAuthnName() string                       { return h.name }
func (h keyHolder) WebAuthnDisplayName() string                { return h.shown }
func (h keyHolder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func (p *Pages) keyHolder(r *web.Request, account id.ID) (keyHolder, error) {
	list, err := p.store.Passkeys(r.Ctx(), account)
	if err != nil {
		return keyHolder{}, err
	}
	h := keyHolder{account: account, name: r.Identity.Login, shown: r.Identity.Name}
	for _, k := range list {
		h.keys = append(h.keys, k.Credential.V)
	}
	return h, nil
}

// begun answers the browser with a challenge, and remembers it as a single-use secret.
func (p *Pages) begun(r *web.Request, account id.ID, options any, s *webauthn.SessionData) error {
	if err := p.doors.ceremony.Take(web.Subnet(r.IP)); err != nil {
		return err
	}
	const ttl = 5 * time.Minute
	token, err := p.store.issue(r.Ctx(), Link{Purpose: forPasskey, Account: account, TTL: ttl}, s)
	if err != nil {
		return err
	}
	return r.JSON(http.StatusOK, map[string]any{"ceremony": token, "options": options})
}

// answer is what the browser gives back.
type answer struct {
	Ceremony   string          `json:"ceremony"`
	Credential json.RawMessage `json:"credential"`
	Name       string          `json:"name"`
	Next       string          `json:"next"`
}

// answered reads the browser's answer and uses up the challenge it answers.
func (p *Pages) answered(r *web.Request, account id.ID) (a answer, s webauthn.SessionData, err error) {
	const most = 64 << 10
	body, err := io.ReadAll(http.MaxBytesReader(r.W, r.Body, most))
	if err != nil {
		return a, s, err
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, s, errs.E("accounts.answered", errs.Invalid, err)
	}
	l, data, err := p.store.use(r.Ctx(), a.Ceremony, forPasskey)
	if err != nil || l.Account != account {
		return a, s, refusedKey(errors.Join(err, errors.New("no such challenge")))
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return a, s, errs.E("accounts.answered", errs.Internal, err)
	}
	return a, s, nil
}

// refusedKey says that a passkey did not do, whatever the reason: the log has it.
func refusedKey(err error) error {
	return &errs.Error{Kind: errs.Invalid, Op: "accounts.passkey", Msg: errs.Message{Key: "accounts.key_refused"}, Err: err}
}

// told answers a script with the words for an error, or hands the error on.
func told(r *web.Request, err error) error {
	if msgs, ok := r.Refused(err); ok {
		text := msgs[""]
		for _, m := range msgs {
			text = m
		}
		return r.JSON(web.Status(err), map[string]any{"message": text})
	}
	return err
}

// beginKey offers a challenge to whoever comes: the passkey itself says whose it is.
func (p *Pages) beginKey(r *web.Request) error {
	options, s, err := p.passkeys.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return errs.E("accounts.beginKey", errs.Internal, err)
	}
	if err := p.begun(r, id.ID{}, options, s); err != nil {
		return told(r, err)
	}
	return nil
}

// finishKey signs in with a passkey alone: it is something one has, unlocked by something one is or knows.
func (p *Pages) finishKey(r *web.Request) error {
	to, err := p.signInByKey(r)
	if err != nil {
		return told(r, err)
	}
	return r.JSON(http.StatusOK, map[string]any{"next": to})
}

func (p *Pages) signInByKey(r *web.Request) (string, error) {
	got, s, err := p.answered(r, id.ID{})
	if err != nil {
		return "", err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(got.Credential)
	if err != nil {
		return "", refusedKey(err)
	}
	var account id.ID
	find := func(_, handle []byte) (webauthn.User, error) {
		if len(handle) != len(account) {
			return nil, errs.NotFound
		}
		copy(account[:], handle)
		return p.keyHolder(r, account)
	}
	_, c, err := p.passkeys.ValidatePasskeyLogin(find, s, parsed)
	if err != nil {
		return "", refusedKey(err)
	}
	a, err := p.usedKey(r, account, c)
	if err != nil {
		return "", err
	}
	if err := p.open(r, a, ByPasskey); err != nil {
		return "", err
	}
	return landing(a, next(got.Next)), nil
}

// usedKey keeps what changed of a passkey that was right, and checks that its holder may come in. One whose counter
// went back was copied.
func (p *Pages) usedKey(r *web.Request, account id.ID, c *webauthn.Credential) (Account, error) {
	if c.Authenticator.CloneWarning {
		return Account{}, refusedKey(errors.New("the counter went back"))
	}
	if err := p.store.usedPasskey(r.Ctx(), *c); err != nil {
		return Account{}, err
	}
	a, err := p.store.ByID(r.Ctx(), account)
	if err == nil {
		err = p.store.Welcome(r.Ctx(), a)
	}
	if errs.KindOf(err) == errs.NotFound && err != nil {
		return Account{}, refusedKey(err)
	}
	return a, err
}

// beginStepKey offers a challenge to the passkeys of the account whose password was right.
func (p *Pages) beginStepKey(r *web.Request) error {
	a, _, err := p.pending(r)
	if err != nil {
		return told(r, refusedKey(err))
	}
	h, err := p.keyHolder(r, a.ID)
	if err != nil {
		return err
	}
	options, s, err := p.passkeys.BeginLogin(h, webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return told(r, refusedKey(err))
	}
	if err := p.begun(r, a.ID, options, s); err != nil {
		return told(r, err)
	}
	return nil
}

func (p *Pages) finishStepKey(r *web.Request) error {
	to, err := p.stepByKey(r)
	if err != nil {
		return told(r, err)
	}
	return r.JSON(http.StatusOK, map[string]any{"next": to})
}

func (p *Pages) stepByKey(r *web.Request) (string, error) {
	a, token, err := p.pending(r)
	if err != nil {
		return "", refusedKey(err)
	}
	got, s, err := p.answered(r, a.ID)
	if err != nil {
		return "", err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(got.Credential)
	if err != nil {
		return "", refusedKey(err)
	}
	h, err := p.keyHolder(r, a.ID)
	if err != nil {
		return "", err
	}
	c, err := p.passkeys.ValidateLogin(h, s, parsed)
	if err != nil {
		return "", refusedKey(err)
	}
	if _, err := p.usedKey(r, a.ID, c); err != nil {
		return "", err
	}
	return p.finishStep(r, a.ID, token)
}

// beginNewKey offers to register a passkey.
func (p *Pages) beginNewKey(r *web.Request) error {
	h, err := p.keyHolder(r, r.Viewer.Account)
	if err != nil {
		return err
	}
	var known []protocol.CredentialDescriptor
	for _, k := range h.keys {
		known = append(known, k.Descriptor())
	}
	options, s, err := p.passkeys.BeginRegistration(h, webauthn.WithExclusions(known),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred}))
	if err != nil {
		return errs.E("accounts.beginNewKey", errs.Internal, err)
	}
	if err := p.begun(r, r.Viewer.Account, options, s); err != nil {
		return told(r, err)
	}
	return nil
}

// createKey registers a passkey.
func (p *Pages) createKey(r *web.Request) error {
	got, s, err := p.answered(r, r.Viewer.Account)
	if err != nil {
		return told(r, err)
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(got.Credential)
	if err != nil {
		return told(r, refusedKey(err))
	}
	h, err := p.keyHolder(r, r.Viewer.Account)
	if err != nil {
		return err
	}
	c, err := p.passkeys.CreateCredential(h, s, parsed)
	if err != nil {
		return told(r, refusedKey(err))
	}
	name := keyName(got.Name)
	if name == "" {
		name = DeviceOf(r.UserAgent()).String()
	}
	if err := p.store.AddPasskey(r.Ctx(), r.Viewer, *c, name, r.Session.ID); err != nil {
		return told(r, err)
	}
	if err := p.sessions.Strengthen(r.Ctx(), r.Session.ID); err != nil {
		return err
	}
	r.Flash(web.Flash{Kind: "success", Key: "accounts.key_added"})
	return r.JSON(http.StatusOK, map[string]any{"next": SecurePath})
}

// keyName is what the holder calls a passkey, as it can be kept.
func keyName(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return -1
		}
		return r
	}, s))
	if runes := []rune(s); len(runes) > 60 {
		s = string(runes[:60])
	}
	return s
}

func (p *Pages) renameKey(r *web.Request) error {
	key, err := r.ID("id")
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	name := keyName(f.Text("name"))
	if name == "" {
		r.Flash(web.Flash{Kind: "error", Key: "accounts.name_missing"})
		return r.Redirect(SecurePath)
	}
	if err := p.store.RenamePasskey(r.Ctx(), r.Viewer, key, name); err != nil {
		return err
	}
	return r.Done(SecurePath, "accounts.key_renamed")
}

func (p *Pages) removeKey(r *web.Request) error {
	key, err := r.ID("id")
	if err != nil {
		return err
	}
	if err := p.store.RemovePasskey(r.Ctx(), r.Viewer, key); err != nil {
		return err
	}
	return r.Done(SecurePath, "accounts.key_removed")
}
