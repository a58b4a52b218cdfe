package activation_test

import (
	"fmt"
	"testing"

	"amicale/internal/dbtest"
	"amicale/internal/desktest"
)

// One host has a whole /64 of IPv6.
func TestActivationCountsNetworks(t *testing.T) {
	t.Parallel()
	s := desktest.NewSite(t, dbtest.New(t))
	b := s.Guest()
	var last *desktest.Reply
	for i := range 16 {
		b.IP = fmt.Sprintf("[2001:db8:1:2::%x]", i+1)
		last = b.Post("/connexion/activer/envoi", "surname", "L’Hame", "year", fmt.Sprint(1980+i), "email", fmt.Sprintf("a%d@b.fr", i), "phone", "0612345678")
	}
	last.Want(429)
	b.IP = "[2001:db8:1:3::1]"
	b.Post("/connexion/activer/envoi", "surname", "L’Hame", "year", "2010", "email", "z@b.fr", "phone", "0612345678").Want(303)
}
