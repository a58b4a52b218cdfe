package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"amicale/internal/accounts"
	"amicale/internal/app"
	"amicale/internal/config"
	"amicale/internal/viewer"
)

// adminCmd is for staff accounts, at the machine itself; it works while the site serves.
type adminCmd struct {
	config.Settings

	Create      adminCreateCmd `cmd:"" help:"Make an account for somebody who is no graduate, and print a single-use link to choose a password. Example: amicale admin create marie.dupont --name 'Marie Dupont' --email marie@exemple.fr --role webmaster --association ly"`
	Invite      adminInviteCmd `cmd:"" help:"Print another single-use link to choose a password, or send it. Example: amicale admin invite marie.dupont"`
	Grant       adminGrantCmd  `cmd:"" help:"Give a role. Example: amicale admin grant laure.lavaut.ly2010 webmaster --association ly"`
	Revoke      adminRevokeCmd `cmd:"" help:"Take a role away. Example: amicale admin revoke laure.lavaut.ly2010 webmaster --association ly"`
	ResetFactor adminResetCmd  `cmd:"" help:"Take away the passkeys and codes of somebody who lost them, and end all sessions. Example: amicale admin reset-factor marie.dupont"`
	List        adminListCmd   `cmd:"" help:"List everybody who holds a role. Example: amicale admin list"`
}

// with opens the installation for what is done at the console.
func (c *adminCmd) with(ctx context.Context, fn func(app.Console) error) error {
	if err := c.Complete(); err != nil {
		return err
	}
	s, err := openBuilt(ctx, c.Settings)
	if err != nil {
		return err
	}
	defer s.close()
	return fn(s.app.Console())
}

type adminCreateCmd struct {
	Login       string `arg:"" help:"What to sign in with: lower case, dots and hyphens, e.g. marie.dupont."`
	Name        string `help:"As it is shown." required:"" placeholder:"NAME"`
	Email       string `help:"Where letters go." required:"" placeholder:"ADDRESS"`
	Role        string `help:"federation_admin, webmaster, secretary or editor." enum:",federation_admin,webmaster,secretary,editor" default:"" placeholder:"ROLE"`
	Association string `help:"Code of the association where the role counts, e.g. ly." placeholder:"CODE"`
}

func (c *adminCreateCmd) Run(ctx context.Context, out console, admin *adminCmd) error {
	return admin.with(ctx, func(site app.Console) error {
		if c.Role == "" && c.Association != "" {
			return fmt.Errorf("--association without --role says nothing")
		}
		link, err := site.CreateStaff(ctx, accounts.New{Login: c.Login, Name: c.Name, Email: c.Email}, viewer.RoleName(c.Role), c.Association)
		if err != nil {
			return err
		}
		out.say("The account %s is there. This link lets its holder choose a password, once, within %s:", c.Login, hours(accounts.ActivationTTL))
		out.say("%s", link)
		return nil
	})
}

type adminInviteCmd struct {
	Login string `arg:"" help:"Login or confirmed e-mail address."`
	Send  bool   `help:"Send the link to the account's address instead of printing it."`
}

func (c *adminInviteCmd) Run(ctx context.Context, out console, admin *adminCmd) error {
	return admin.with(ctx, func(site app.Console) error {
		if c.Send {
			if err := site.Send(ctx, c.Login); err != nil {
				return err
			}
			out.say("A link to choose a password is on its way to %s; the server sends it.", c.Login)
			return nil
		}
		link, err := site.Invite(ctx, c.Login)
		if err != nil {
			return err
		}
		out.say("This link lets %s choose a password, once, within %s:", c.Login, hours(accounts.ActivationTTL))
		out.say("%s", link)
		return nil
	})
}

type adminGrantCmd struct {
	Login       string `arg:"" help:"Login or confirmed e-mail address."`
	Role        string `arg:"" help:"federation_admin, webmaster, secretary or editor." enum:"federation_admin,webmaster,secretary,editor"`
	Association string `help:"Code of the association where the role counts, e.g. ly." placeholder:"CODE"`
}

func (c *adminGrantCmd) Run(ctx context.Context, out console, admin *adminCmd) error {
	return admin.with(ctx, func(site app.Console) error {
		if err := site.Grant(ctx, c.Login, viewer.RoleName(c.Role), c.Association); err != nil {
			return err
		}
		out.say("%s is now %s. It counts from the next click.", c.Login, strings.TrimSpace(c.Role+" "+c.Association))
		return nil
	})
}

type adminRevokeCmd struct {
	Login       string `arg:"" help:"Login or confirmed e-mail address."`
	Role        string `arg:"" help:"federation_admin, webmaster, secretary or editor." enum:"federation_admin,webmaster,secretary,editor"`
	Association string `help:"Code of the association where the role counted, e.g. ly." placeholder:"CODE"`
}

func (c *adminRevokeCmd) Run(ctx context.Context, out console, admin *adminCmd) error {
	return admin.with(ctx, func(site app.Console) error {
		if err := site.Revoke(ctx, c.Login, viewer.RoleName(c.Role), c.Association); err != nil {
			return err
		}
		out.say("%s is no longer %s.", c.Login, strings.TrimSpace(c.Role+" "+c.Association))
		return nil
	})
}

type adminResetCmd struct {
	Login string `arg:"" help:"Login or confirmed e-mail address."`
}

func (c *adminResetCmd) Run(ctx context.Context, out console, admin *adminCmd) error {
	return admin.with(ctx, func(site app.Console) error {
		if err := site.ResetFactors(ctx, c.Login); err != nil {
			return err
		}
		out.say("%s signs in with the password alone, and is asked for a new second factor where the role needs one.", c.Login)
		return nil
	})
}

type adminListCmd struct{}

func (adminListCmd) Run(ctx context.Context, out console, admin *adminCmd) error {
	return admin.with(ctx, func(site app.Console) error {
		list, err := site.List(ctx)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			out.say("Nobody holds a role yet. Make the first: amicale admin create LOGIN --name NAME --email ADDRESS --role federation_admin")
			return nil
		}
		w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "LOGIN\tNAME\tROLES\tPASSWORD\tSECOND FACTOR\tLAST SIGN-IN")
		for _, s := range list {
			last := "never"
			switch {
			case s.Closed:
				last = "closed"
			case !s.SignedInAt.IsZero():
				last = s.SignedInAt.Format(time.DateOnly)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Login, s.Name, strings.Join(s.Roles, ", "), yes(s.Password), yes(s.Secured), last)
		}
		return w.Flush()
	})
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func hours(d time.Duration) string { return fmt.Sprintf("%d hours", int(d.Hours())) }
