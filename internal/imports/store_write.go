package imports

import (
	"context"

	"amicale/internal/id"
	"amicale/internal/people"
)

// write puts a round into the base: new persons together, known ones each, then what lists have now said.
func (r *run) write(ctx context.Context, entries []*entry, out *result) error {
	var fresh []people.Dossier
	for _, e := range entries {
		if e.person.IsZero() {
			fresh = append(fresh, e.fresh)
		}
	}
	if len(fresh) > 0 {
		if err := r.people.Insert(ctx, system(), fresh); err != nil {
			return err
		}
	}
	for _, e := range entries {
		switch {
		case e.person.IsZero():
			e.person = e.fresh.ID
			r.countNew(e, out)
			continue
		case out.postponed[e.at]:
			if err := r.keepLogins(ctx, e); err != nil {
				return err
			}
			continue
		}
		r.countKnown(e, out)
		if err := r.apply(ctx, e.person, &e.update); err != nil {
			return err
		}
	}
	return r.remember(ctx, entries, out)
}

func (r *run) countNew(e *entry, out *result) {
	out.Inserted++
	for _, g := range e.fresh.Degrees {
		if g.ClassYear > 0 {
			return
		}
	}
	out.NoClass++
	first := e.fresh.Degrees[0]
	e.cases = append(e.cases, Case{Kind: NoClassYear, Association: first.AssociationID, Person: e.fresh.ID, Degree: first.ID,
		UniqueKey: "import:no_class:" + e.fresh.ID.String(), Source: r.source(e)})
}

func (r *run) countKnown(e *entry, out *result) {
	if e.update.empty() {
		out.Unchanged++
	} else {
		out.Updated++
	}
	out.Conflicts += len(e.update.conflicts)
}

// apply changes somebody whom the base knows.
func (r *run) apply(ctx context.Context, person id.ID, u *update) error {
	v := system()
	var steps []func() error
	add := func(step func() error) { steps = append(steps, step) }
	for _, l := range u.logins { // first: what is kept goes before what a new name or degree brings
		add(func() error { return r.people.KeepLogin(ctx, l) })
	}
	if u.names != nil {
		add(func() error { return r.people.SaveNames(ctx, v, person, *u.names) })
	}
	if u.birth != nil {
		add(func() error { return r.people.SaveBirth(ctx, v, person, u.birth.Time(), u.birth.Year) })
	}
	if u.status != nil {
		add(func() error { return r.people.SaveStatus(ctx, v, person, u.status.Status, u.status.DeceasedOn) })
	}
	for i := range u.degrees {
		add(func() error { return r.people.SaveDegree(ctx, v, &u.degrees[i]) })
	}
	for i := range u.contacts {
		add(func() error { return r.people.SaveContact(ctx, v, &u.contacts[i]) })
	}
	for i := range u.memberships {
		add(func() error { return r.people.AddMembership(ctx, v, &u.memberships[i]) })
	}
	for _, c := range u.consents {
		add(func() error { return r.people.AddConsent(ctx, v, c) })
	}
	for _, l := range u.legacy {
		add(func() error { return r.people.AddLegacyID(ctx, person, l) })
	}
	for _, target := range u.redirects {
		add(func() error { return r.people.AddRedirect(ctx, person, target, origin) })
	}
	if u.note != nil {
		add(func() error { return r.people.SaveNote(ctx, v, person, u.note) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// keepLogins keeps the logins of a row whose other changes wait.
func (r *run) keepLogins(ctx context.Context, e *entry) error {
	for _, l := range e.update.logins {
		if err := r.people.KeepLogin(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// remember writes what lists have now said in the rows' names.
func (r *run) remember(ctx context.Context, entries []*entry, out *result) error {
	now := r.now()
	rows := make([]any, 0, 8*len(entries))
	for _, e := range entries {
		if !out.postponed[e.at] {
			rows = append(rows, e.identity, e.person, r.file, e.row.Line, r.id, e.said, now, now)
		}
	}
	return r.db.InsertMany(ctx, `import_records (identity, person_id, source, line, import_id, record, created_at, updated_at)`, 8, rows, `
		ON CONFLICT (identity) DO UPDATE SET person_id = excluded.person_id, source = excluded.source, line = excluded.line,
			import_id = excluded.import_id, record = excluded.record, updated_at = excluded.updated_at`)
}
