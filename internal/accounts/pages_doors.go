package accounts

import (
	"net/http"
	"time"

	"amicale/internal/clock"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/web"
)

// doors slow guessing down without shutting the owner out. Whoever comes from a browser or an address the account
// was opened from before has tries of his own there; all strangers together share the few of a login or an address, so
// that ten thousand of them learn no more than one, and use up nobody else's.
type doors struct {
	known    *web.Limits // by account and browser, or account and address
	account  *web.Limits // by what was typed, for strangers
	address  *web.Limits // failures by address, over all accounts
	target   *web.Limits // letters by whom they are for
	sender   *web.Limits // letters by address
	step     *web.Limits // second factors by account
	ceremony *web.Limits // passkey challenges by address
}

func newDoors(now clock.Clock) doors {
	return doors{
		known:    web.NewLimits(now, time.Minute, 10),
		account:  web.NewLimits(now, 5*time.Minute, 10),
		address:  web.NewLimits(now, 5*time.Second, 60),
		target:   web.NewLimits(now, 5*time.Minute, 4),
		sender:   web.NewLimits(now, 20*time.Second, 20),
		step:     web.NewLimits(now, 2*time.Minute, 8),
		ceremony: web.NewLimits(now, 2*time.Second, 60),
	}
}

// place is where a request comes from.
type place struct {
	device  string // hash of the browser's secret; "" when it has none
	address string
	browser bool // the account was opened from this browser before
	nearby  bool // … from this address
}

func (p place) known() bool { return p.browser || p.nearby }

// keys are where the tries of this place are counted for an account.
func (p place) key(account string) string {
	if p.browser {
		return "browser " + p.device + " " + account
	}
	return "address " + p.address + " " + account
}

// try uses up one try at an account's password; Limited when none is left.
func (d doors) try(p place, who Found) error {
	if p.known() && d.known.Take(p.key(who.Key)) == nil {
		return nil
	}
	if p.browser {
		return limited() // its own tries are gone, and strangers' are not for it
	}
	if d.address.Spent(p.address) || d.account.Take(who.Typed) != nil {
		return limited()
	}
	return nil
}

func limited() error { return errs.New(errs.Limited, "accounts.limited") }

// failed and passed tell how a try ended.
func (d doors) failed(p place) { _ = d.address.Take(p.address) } // it only counts: the next try is judged by Spent

func (d doors) passed(p place, who Found) {
	d.known.Forget(p.key(who.Key))
	if !p.known() {
		d.account.Forget(who.Typed)
	}
}

// letter uses up one letter to whoever is meant; the same for those who exist and those who do not.
func (d doors) letter(address, typed string) error {
	if d.sender.Take(address) != nil || d.target.Take(fold.TypedLogin(typed)) != nil {
		return errs.New(errs.Limited, "accounts.letters_limited")
	}
	return nil
}

const (
	deviceTTL = 400 * 24 * time.Hour // as long as browsers keep a cookie
	stepName  = "amicale-step"
)

func deviceName(r *web.Request) string {
	if r.Site.Secure() {
		return "__Host-amicale-device"
	}
	return "amicale-device"
}

// device is the hash of the browser's secret; "" when it has none.
func device(r *web.Request) string {
	c, err := r.Cookie(deviceName(r))
	if err != nil || len(c.Value) < 40 || len(c.Value) > 60 {
		return ""
	}
	return tokenHash(c.Value)
}

// keepDevice gives the browser a secret when it has none, prolongs the one it has, and gives its hash.
func keepDevice(r *web.Request) string {
	secret := ""
	if device(r) != "" {
		if c, err := r.Cookie(deviceName(r)); err == nil {
			secret = c.Value
		}
	}
	if secret == "" {
		secret = newToken()
	}
	setCookie(r, deviceName(r), secret, deviceTTL)
	return tokenHash(secret)
}

// setCookie sets a cookie of the whole site; a zero age removes it.
func setCookie(r *web.Request, name, value string, age time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(age / time.Second), HttpOnly: true, Secure: r.Site.Secure(), SameSite: http.SameSiteLaxMode}
	if age == 0 {
		c.MaxAge = -1
	}
	http.SetCookie(r.W, c)
}
