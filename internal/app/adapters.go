package app

import (
	"context"

	"amicale/internal/accounts"
	"amicale/internal/errs"
	"amicale/internal/federation"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// firstAccount lets the set-up page make the first account.
type firstAccount struct{ accounts *accounts.Store }

func (f firstAccount) CreateFirst(ctx context.Context, w federation.Webmaster, association id.ID) error {
	system := viewer.ForSystem("set-up")
	acc, err := f.accounts.CreateStaff(ctx, system, accounts.New{Login: w.Login, Name: w.Name, Email: w.Email})
	if err != nil {
		return errs.Prefix("webmaster_", err)
	}
	if err := f.accounts.SetPassword(ctx, acc.ID, w.Password, id.ID{}); err != nil {
		return errs.Prefix("webmaster_", err)
	}
	if err := f.accounts.Grant(ctx, system, acc.ID, viewer.Webmaster, association); err != nil {
		return err
	}
	return f.accounts.Grant(ctx, system, acc.ID, viewer.FederationAdmin, id.ID{})
}
