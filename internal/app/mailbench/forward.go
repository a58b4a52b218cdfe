package mailbench

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"amicale/internal/app/demo"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Options of a measurement.
type Options struct {
	Dir         string // of the base; made once, and used again
	People      int
	Messages    int
	Connections int
	Kills       int           // how often the program is killed under way
	Faulty      uint32        // of so many recipients one fails the first time; 0: none
	Against     string        // another forwarder to be given the same load; "" for none
	Sink        string        // where that one passes its mail on to
	Log         io.Writer     // what the program says
	Signed      bool          // campaigns: signed by both keys
	Unsigned    bool          // forwarding: nobody signed the messages
	Env         []string      // for the program
	Progress    func(string)  // one line of what is under way
	Timeout     time.Duration // of everything; 0: none
}

const (
	senderDomains = 50
	targetDomains = 20
)

// Forward measures forwarding: messages of 1.5 kB, signed by their senders' domains unless Unsigned, from several connections to the
// lifetime addresses of the base, until the last has come out.
func Forward(ctx context.Context, o Options) ([]Result, error) {
	recipients, err := forwardBase(ctx, o)
	if err == nil {
		err = settle(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	zone, senders, err := writers(o.Unsigned)
	if err != nil {
		return nil, err
	}
	defer zone.Close()
	go zone.Serve() // ends with Close
	sink, err := StartSink("127.0.0.1:0", false, o.Faulty)
	if err != nil {
		return nil, err
	}
	defer sink.Close()
	smtp, err := freePort()
	if err != nil {
		return nil, err
	}
	c := &child{log: o.Log, env: o.Env, args: []string{"--data", o.Dir, "--listen", "127.0.0.1:0", "--log-level", "warn",
		"--smtp", smtp, "--smarthost", fmt.Sprintf("smtp://%s?tls=none&connections=%d", sink.Addr, min(3*o.Connections, 100)), "--resolver", zone.Addr, "--mail-host", "mx.amicale.example"}}
	l := &load{addr: smtp, connections: o.Connections, recipients: recipients, senders: senders, n: int64(o.Messages)}
	ours, err := measure(ctx, c, sink, o, func(ctx context.Context) ([]string, error) {
		err := l.run(ctx)
		return l.acked, err
	})
	ours.Name, ours.Refused, ours.Accept = "forward", l.refused, l.accept
	if err != nil || o.Against == "" {
		return []Result{ours}, err
	}
	other, err := against(ctx, senders, o)
	return []Result{ours, other}, err
}

// measure runs the program while something passes, and waits for what comes out. load gives, once it is over, the keys
// of what must.
func measure(ctx context.Context, c *child, sink *Sink, o Options, load func(context.Context) ([]string, error)) (r Result, err error) {
	if err := c.start(ctx); err != nil {
		return r, err
	}
	before, _, err := usage(c.cmd.Process.Pid)
	if err != nil {
		return r, err
	}
	begun := time.Now()
	var keys []string
	loaded := make(chan error, 1)
	go func() {
		var err error
		keys, err = load(ctx)
		loaded <- err
	}()
	if err := killing(ctx, c, sink, o); err != nil {
		return r, err
	}
	if err := <-loaded; err != nil {
		return r, err
	}
	last, err := drained(ctx, sink, keys)
	if err != nil {
		return r, err
	}
	r.N, r.Took = len(keys), last.Sub(begun)
	r.count(keys, sink)
	after, peak, err := usage(c.cmd.Process.Pid)
	if err != nil {
		return r, err
	}
	r.CPU, r.RSS = after-before, peak
	if o.Kills > 0 {
		r.CPU = 0 // it was several processes
	}
	return r, c.stop()
}

// killing kills and restarts the program while messages pass, at moments of chance.
func killing(ctx context.Context, c *child, sink *Sink, o Options) error {
	for k := range o.Kills {
		from, to := o.Messages*k/(o.Kills+1), o.Messages*(k+1)/(o.Kills+1)
		if err := reached(ctx, sink, from+mathrand.IntN(max(to-from, 1))); err != nil {
			return err
		}
		if err := c.kill(); err != nil {
			return err
		}
		if err := c.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// reached waits until the sink has so many.
func reached(ctx context.Context, sink *Sink, n int) error {
	for {
		keys, _, next := sink.got.state()
		if keys >= n {
			return nil
		}
		if err := grown(ctx, next); err != nil {
			return err
		}
	}
}

var errIdle = errors.New("mailbench: nothing came out for too long")

func grown(ctx context.Context, next <-chan struct{}) error {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return errIdle
	case <-next:
		return nil
	}
}

// drained waits until all that was acknowledged is out, or nothing comes any more, and says when the last came.
func drained(ctx context.Context, sink *Sink, acked []string) (time.Time, error) {
	missing := acked
	for {
		_, _, next := sink.got.state()
		last := time.Now()
		var still []string
		for _, key := range missing {
			if sink.got.count(key) == 0 {
				still = append(still, key)
			}
		}
		if missing = still; len(missing) == 0 {
			return last, nil
		}
		err := grown(ctx, next)
		if errors.Is(err, errIdle) {
			return last, nil
		}
		if err != nil {
			return last, err
		}
	}
}

func sum(l *load, sink *Sink) Result {
	r := Result{N: len(l.acked), Refused: l.refused, Accept: l.accept}
	r.count(l.acked, sink)
	return r
}

// count says what came out of what should have.
func (r *Result) count(keys []string, sink *Sink) {
	_, r.Delivered, _ = sink.got.state()
	for _, key := range keys {
		switch n := sink.got.count(key); {
		case n == 0:
			r.Lost++
		case n > 1:
			r.Twice += n - 1
		}
	}
}

// against gives another forwarder the same load. Its addresses are a0@alias.example, a1@…: as many as there are people.
func against(ctx context.Context, senders []sender, o Options) (Result, error) {
	sink, err := StartSink(o.Sink, false, 0)
	if err != nil {
		return Result{}, err
	}
	defer sink.Close()
	recipients := make([]string, o.People)
	for i := range recipients {
		recipients[i] = fmt.Sprintf("a%d@alias.example", i)
	}
	l := &load{addr: o.Against, connections: o.Connections, recipients: recipients, senders: senders, n: int64(o.Messages)}
	begun := time.Now()
	if err := l.run(ctx); err != nil {
		return Result{}, err
	}
	last, err := drained(ctx, sink, l.acked)
	if err != nil {
		return Result{}, err
	}
	r := sum(l, sink)
	r.Name, r.Took = "the forwarder at "+o.Against, last.Sub(begun)
	return r, nil
}

// forwardBase makes a base of people with a target each, or uses the one that is there, and gives their addresses.
func forwardBase(ctx context.Context, o Options) ([]string, error) {
	d, err := db.Open(ctx, "sqlite:"+filepath.Join(o.Dir, "amicale.db"), db.Options{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := d.Migrate(ctx); err != nil {
		return nil, err
	}
	store := people.NewStore(d, changes.NewStore(d, clock.System), clock.System)
	system := viewer.ForSystem("measurement")
	if n, err := store.Count(ctx); err != nil || n == 0 {
		if err == nil {
			err = demo.Load(ctx, d, store, demo.Options{People: o.People})
		}
		if err != nil {
			return nil, err
		}
	}
	all, err := store.Associations(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	var aimless []id.ID
	err = store.EachDossier(ctx, system, id.ID{}, func(p *people.Dossier) error {
		if p.Status == people.Deceased {
			return nil
		}
		for _, l := range p.Logins {
			if a, ok := schoolOf(all, p, l); ok {
				out = append(out, l.Login+"@"+a.MailDomain)
			}
		}
		if len(p.Redirects) == 0 {
			aimless = append(aimless, p.ID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, d.Tx(ctx, func(ctx context.Context) error {
		for i, p := range aimless {
			if err := store.AddRedirect(ctx, p, fmt.Sprintf("p%s@t%d.example", p, i%targetDomains), "measurement"); err != nil {
				return err
			}
		}
		return nil
	})
}

// schoolOf is whose mail domain a login in use stands at.
func schoolOf(all people.Associations, p *people.Dossier, l people.Login) (people.Association, bool) {
	for _, g := range p.Degrees {
		if l.Current && g.ID == l.DegreeID {
			return all.ByID(g.AssociationID)
		}
	}
	return people.Association{}, false
}

// writers are senders of several domains with their messages, and the zone that vouches for them.
func writers(unsigned bool) (*Zone, []sender, error) {
	zone, err := StartZone()
	if err != nil {
		return nil, nil, err
	}
	keys, err := senderKeys()
	if err != nil {
		return nil, nil, err
	}
	var out []sender
	for i := range senderDomains {
		domain, key := fmt.Sprintf("s%d.example", i), keys[i%len(keys)]
		zone.Text(domain, "v=spf1 ip4:127.0.0.0/8 -all")
		zone.Text("_dmarc."+domain, "v=DMARC1; p=reject")
		zone.Text("k._domainkey."+domain, "v=DKIM1; k=rsa; p="+key.public)
		plain := "From: Un ami <ami@" + domain + ">\r\nTo: Toi <toi@exemple.fr>\r\nSubject: Des nouvelles\r\nDate: " +
			time.Now().Format(time.RFC1123Z) + "\r\nMessage-ID: <m" + fmt.Sprint(i) + "@" + domain + ">\r\nMIME-Version: 1.0\r\n" +
			"Content-Type: text/plain; charset=utf-8\r\n\r\n" + strings.Repeat("Une ligne de texte comme on en lit tous les jours.\r\n", 22)
		if unsigned {
			out = append(out, sender{"ami@" + domain, plain})
			continue
		}
		var signed strings.Builder
		err = dkim.Sign(&signed, strings.NewReader(plain), &dkim.SignOptions{Domain: domain, Selector: "k", Signer: key.private,
			HeaderKeys: []string{"From", "To", "Subject", "Date", "Message-ID"}})
		if err != nil {
			return nil, nil, err
		}
		out = append(out, sender{"ami@" + domain, signed.String()})
	}
	return zone, out, nil
}

// senderKey signs for some of the senders: RSA of 2,048 bits, as most mail is signed.
type senderKey struct {
	private *rsa.PrivateKey
	public  string // as its record holds it
}

// senderKeys are fewer than the domains: making one takes longer than measuring a hundred messages.
func senderKeys() ([]senderKey, error) {
	out := make([]senderKey, 5)
	for i := range out {
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKIXPublicKey(private.Public())
		if err != nil {
			return nil, err
		}
		out[i] = senderKey{private, base64.StdEncoding.EncodeToString(der)}
	}
	return out, nil
}
