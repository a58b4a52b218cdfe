package domains

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"blitiri.com.ar/go/spf"
)

// Resolver asks the DNS; *net.Resolver is one. A name that does not exist, or has no such record, is a *net.DNSError
// with IsNotFound.
type Resolver interface {
	spf.DNSResolver
	LookupCNAME(ctx context.Context, host string) (string, error)
}

const (
	askWithin = 8 * time.Second // one question
	atOnce    = 8               // questions
)

// zone asks each question once. It is itself a resolver, for SPF.
type zone struct {
	inner Resolver
	mu    sync.Mutex
	kept  map[string]*answer
}

type answer struct {
	once  sync.Once
	value any
	err   error
}

func newZone(r Resolver) *zone { return &zone{inner: r, kept: map[string]*answer{}} }

func ask[T any](ctx context.Context, z *zone, kind, name string, question func(context.Context, string) (T, error)) (T, error) {
	name = lower(name)
	z.mu.Lock()
	a := z.kept[kind+" "+name]
	if a == nil {
		a = &answer{}
		z.kept[kind+" "+name] = a
	}
	z.mu.Unlock()
	a.once.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, askWithin)
		defer cancel()
		if kind != "PTR" {
			name += "." // the machine's search list says nothing about other people's names
		}
		var v T
		v, a.err = question(ctx, name)
		a.value = v
		if d := (*net.DNSError)(nil); a.err != nil && !errors.As(a.err, &d) {
			a.err = &net.DNSError{Err: a.err.Error(), Name: name, IsTemporary: true} // a question that was not answered is no fault of the record
		}
	})
	v, _ := a.value.(T)
	return v, a.err
}

func (z *zone) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return ask(ctx, z, "TXT", name, z.inner.LookupTXT)
}

func (z *zone) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return ask(ctx, z, "MX", name, z.inner.LookupMX)
}

func (z *zone) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	return ask(ctx, z, "A", host, z.inner.LookupIPAddr)
}

func (z *zone) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	return ask(ctx, z, "PTR", addr, z.inner.LookupAddr)
}

// prefetch asks all at once what will be wanted one after another.
func (z *zone) prefetch(ctx context.Context, txt, mx, hosts []string) {
	var all sync.WaitGroup
	free := make(chan struct{}, atOnce)
	start := func(names []string, question func(context.Context, string)) {
		for _, name := range names {
			all.Go(func() {
				free <- struct{}{}
				defer func() { <-free }()
				question(ctx, name)
			})
		}
	}
	start(txt, func(ctx context.Context, n string) { _, _ = z.LookupTXT(ctx, n) }) // what went wrong is kept with the answer
	start(mx, func(ctx context.Context, n string) { _, _ = z.LookupMX(ctx, n) })
	start(mx, func(ctx context.Context, n string) { _, _ = z.alias(ctx, n) })
	start(hosts, func(ctx context.Context, n string) { _, _ = z.LookupIPAddr(ctx, n) })
	all.Wait()
}

// nothing makes "there is none" no error.
func nothing[T any](v T, err error) (T, error) {
	var d *net.DNSError
	if errors.As(err, &d) && d.IsNotFound {
		var none T
		return none, nil
	}
	return v, err
}

// texts are the TXT records of a name; none is no error.
func (z *zone) texts(ctx context.Context, name string) ([]string, error) {
	return nothing(z.LookupTXT(ctx, name))
}

// addresses of a host; none is no error.
func (z *zone) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	list, err := nothing(z.LookupIPAddr(ctx, host))
	var out []netip.Addr
	for _, a := range list {
		if one, ok := netip.AddrFromSlice(a.IP); ok {
			out = append(out, one.Unmap())
		}
	}
	return out, err
}

// alias is where a CNAME at the name leads; "" without one.
func (z *zone) alias(ctx context.Context, name string) (string, error) {
	to, err := nothing(ask(ctx, z, "CNAME", name, z.inner.LookupCNAME))
	if to = lower(to); err != nil || to == lower(name) {
		return "", err
	}
	return to, nil
}

// with are the texts that begin with a version tag, in any case.
func with(texts []string, version string) (out []string) {
	for _, t := range texts {
		if len(t) >= len(version) && strings.EqualFold(t[:len(version)], version) {
			out = append(out, t)
		}
	}
	return out
}
