package mailbench

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Campaign measures a letter that has been started in the base of CampaignBase: from the moment that the program is
// ready until the last recipient's server has it. Making the recipients is part of it.
func Campaign(ctx context.Context, o Options) (Result, error) {
	sink, err := StartSink("127.0.0.1:0", true, o.Faulty)
	if err != nil {
		return Result{}, err
	}
	defer sink.Close()
	c := &child{log: o.Log, env: o.Env, args: []string{"--data", o.Dir, "--listen", "127.0.0.1:0", "--log-level", "warn",
		"--smarthost", fmt.Sprintf("smtp://%s?tls=none&connections=%d", sink.Addr, o.Connections)}}
	if !o.Signed {
		c.args = append(c.args, "--no-sign")
	}
	r, err := measure(ctx, c, sink, o, func(context.Context) ([]string, error) {
		all := make([]string, o.Messages)
		for i := range all {
			all[i] = recipient(i)
		}
		return all, nil
	})
	r.Name = "campaign"
	return r, err
}

func recipient(i int) string { return fmt.Sprintf("n%d@t%d.example", i, i%targetDomains) }

// CampaignBase makes a base of that many people with an address each, or uses the one that is there.
func CampaignBase(ctx context.Context, o Options) error {
	if err := fillCampaignBase(ctx, o.Dir, o.People); err != nil {
		return err
	}
	return settle(ctx, o)
}

func fillCampaignBase(ctx context.Context, dir string, n int) error {
	d, err := db.Open(ctx, "sqlite:"+filepath.Join(dir, "amicale.db"), db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Migrate(ctx); err != nil {
		return err
	}
	store := people.NewStore(d, changes.NewStore(d, clock.System), clock.System)
	if have, err := store.Count(ctx); err != nil || have > 0 {
		return err
	}
	system := viewer.ForSystem("measurement")
	a := people.Association{Code: "ly", Name: "AIL Alumni INSA Lyon", School: "INSA Lyon", Host: "lyon.example", MailDomain: "lyon.example", Color: "#8a1538"}
	if err := store.SaveAssociation(ctx, system, &a); err != nil {
		return err
	}
	list := make([]people.Dossier, n)
	for i := range list {
		list[i] = people.Dossier{
			Person:   people.Person{FirstName: "Ada", BirthSurname: fmt.Sprintf("Nombre %d", i), Status: people.Graduate},
			Degrees:  []people.Degree{{AssociationID: a.ID, ClassYear: 1970 + i%50, Diploma: people.Engineer}},
			Contacts: []people.ContactPoint{{Kind: people.Email, Purpose: people.Personal, Value: recipient(i), Preferred: true, Origin: "import"}},
		}
	}
	for part := range slices.Chunk(list, 1000) {
		if err := store.Insert(ctx, system, part); err != nil {
			return err
		}
	}
	return d.Analyze(ctx)
}
