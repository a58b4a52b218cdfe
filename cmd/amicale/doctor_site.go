package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"amicale/internal/app"
	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Bounds of what is worth a word.
const (
	largeJournal = 1 << 30 // of SQLite, in bytes: checkpoints do not come through
	staleBackup  = 7 * 24 * time.Hour
	clockError   = 5 * time.Second
	reachTimeout = 5 * time.Second
)

// recovery is what to do with a SQLite file that is not sound.
const recovery = "stop the server, keep a copy of the folder, and restore the last backup into a new one"

// database opens the database without changing it and compares its tables with this program's.
func (x *examination) database(ctx context.Context) {
	const about = "database"
	if path, ok := strings.CutPrefix(x.settings.Database, "sqlite:"); ok {
		if _, err := os.Stat(path); os.IsNotExist(err) {
			x.note(about, "amicale serve makes it; if there should be one, check --data and --database", "there is no database at %s yet", path)
			return
		}
	}
	d, err := db.Open(ctx, x.settings.Database, db.Options{Readers: 1})
	if err == nil {
		err = d.Ping(ctx)
	}
	if err != nil {
		if d != nil {
			d.Close()
		}
		todo := "is the server running, and are host, name, user and password right?"
		if strings.HasPrefix(x.settings.Database, "sqlite:") {
			todo = "may the user that runs amicale read and write it? If it is damaged, " + recovery
		}
		x.wrong(about, todo, "the database does not answer: %v", err)
		return
	}
	x.site = &site{settings: x.settings, db: d, unlock: func() {}}
	have, err := d.SchemaVersion(ctx)
	want, e := d.LatestSchema()
	switch err = errors.Join(err, e); {
	case err != nil:
		x.wrong(about, "check the rights of the database's user", "its tables cannot be read: %v", err)
	case have == 0:
		x.note(about, "amicale serve makes its tables", "the database answers and is empty")
	case have < want:
		x.note(about, "make a backup with the old version, then start this one: it brings the tables up to date", "the database has version %d, this program wants %d", have, want)
	case have > want:
		x.wrong(about, "use the newer version of amicale", "the database has version %d, newer than this program's %d", have, want)
	default:
		x.good(about, "%s answers, version %d", engine(d), have)
	}
}

func engine(d *db.DB) string {
	if d.Postgres() {
		return "PostgreSQL"
	}
	return "SQLite at " + d.Path()
}

// health asks SQLite whether its file is sound and who has it; PostgreSQL looks after itself.
func (x *examination) health(ctx context.Context) {
	const about = "sqlite"
	d := x.site.db
	if d.Postgres() {
		return
	}
	unlock, err := d.Lock()
	switch {
	case err == nil:
		unlock()
		x.good(about, "no server has the file open")
	case errors.Is(err, errs.Conflict):
		x.served = true
		x.good(about, "a server has the file open")
	default:
		x.wrong(about, "give the folder to the user that runs amicale", "the lock beside the file cannot be taken: %v", err)
	}
	said, err := db.All[string](ctx, d, `PRAGMA quick_check(3)`)
	switch {
	case err != nil:
		x.wrong(about, recovery, "the file cannot be checked: %v", err)
	case len(said) != 1 || said[0] != "ok":
		x.wrong(about, recovery, "the file is damaged: %s", strings.Join(said, "; "))
	default:
		x.good(about, "the file is sound")
	}
	if st, err := os.Stat(d.Path() + "-wal"); err == nil && st.Size() > largeJournal {
		x.note(about, "restart the server; if it grows again, look for a command that never ends", "the journal has grown to %s", size(st.Size()))
	}
}

// backups says when the last one was finished.
func (x *examination) backups(ctx context.Context) {
	const about, todo = "backup", "run amicale backup FILE every night, and keep the files on another machine"
	if version, err := x.site.db.SchemaVersion(ctx); err != nil || version == 0 {
		return
	}
	at, err := app.LastBackup(ctx, x.site.db)
	switch {
	case err != nil:
		x.note(about, "", "the last backup is not known: %v", err)
	case at.IsZero():
		x.note(about, todo, "no backup is known")
	case clock.System().Sub(at) > staleBackup:
		x.note(about, todo, "the last backup is of %s", at.Format(time.DateOnly))
	default:
		x.good(about, "the last backup is of %s", at.Format(time.DateTime))
	}
}

// clock compares this machine's with the database's, and with what was written last.
func (x *examination) clock(ctx context.Context) {
	const about, todo = "clock", "set the machine's clock, best by NTP: links, codes and sessions depend on it"
	now := clock.System()
	if x.site.db.Postgres() {
		type row struct{ Now time.Time }
		r, err := db.One[row](ctx, x.site.db, `SELECT CURRENT_TIMESTAMP AS now`)
		if err == nil && r.Now.Sub(now).Abs() > clockError {
			x.wrong(about, todo, "this machine's clock and the database's differ by %s", r.Now.Sub(now).Round(time.Second))
			return
		}
	}
	version, err := x.site.db.SchemaVersion(ctx)
	if err != nil || version == 0 {
		return
	}
	last, err := audit.NewTrail(x.site.db, clock.System).Recent(ctx, viewer.ForSystem("doctor"), audit.Page{Size: 1})
	if err == nil && len(last.Rows) > 0 && last.Rows[0].At.Sub(now) > clockError {
		x.wrong(about, todo, "the latest entry of the trail is of %s, in the future", last.Rows[0].At.Format(time.DateTime))
		return
	}
	x.good(about, "it is %s UTC", now.Format(time.DateTime))
}

// files writes, reads and removes a file where uploads live.
func (x *examination) files(ctx context.Context) {
	const about = "files"
	todo := "give the folder to the user that runs amicale"
	if strings.HasPrefix(x.settings.Blobs, "s3:") {
		todo = "check key, secret, bucket and region, and that the key may list, read, write and delete"
	}
	if dir, ok := strings.CutPrefix(x.settings.Blobs, "file:"); ok {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			x.note(about, "amicale serve makes it", "there is no folder %s yet", dir)
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	files, err := blob.Open(ctx, x.settings.Blobs)
	if err == nil {
		err = tryFiles(ctx, files)
	}
	switch {
	case errors.Is(err, blob.ErrFull):
		x.wrong(about, "make room", "there is no room left for files")
	case err != nil:
		x.wrong(about, todo, "files cannot be kept: %v", err)
	default:
		x.good(about, "files can be written, read and removed")
	}
}

func tryFiles(ctx context.Context, files blob.Store) error {
	key, content := "doctor/"+id.New().String(), []byte("amicale doctor was here")
	if err := files.Put(ctx, key, bytes.NewReader(content), int64(len(content)), "text/plain"); err != nil {
		return err
	}
	r, _, err := files.Open(ctx, key)
	var back []byte
	if err == nil {
		back, err = io.ReadAll(r)
		err = errors.Join(err, r.Close())
	}
	if err == nil && !bytes.Equal(back, content) {
		err = errors.New("what was read is not what was written")
	}
	return errors.Join(err, files.Delete(ctx, key))
}

// space looks at the disks of the data folder and of the files.
func (x *examination) space() {
	const about = "disk"
	folders := []string{x.settings.Data}
	if path, ok := strings.CutPrefix(x.settings.Database, "sqlite:"); ok {
		folders = append(folders, filepath.Dir(path))
	}
	if dir, ok := strings.CutPrefix(x.settings.Blobs, "file:"); ok {
		folders = append(folders, dir)
	}
	seen := map[any]bool{}
	for _, folder := range folders {
		room, err := app.SpaceOf(folder)
		device := deviceOf(folder)
		if err != nil || seen[device] {
			continue // a folder that is not there yet; a disk that was told of
		}
		seen[device] = true
		if room.Scarce() {
			x.wrong(about, "make room or enlarge the disk: once it is full, nothing can be saved", "%s: only %s of %s are free", folder, size(room.Free), size(room.Total))
		} else {
			x.good(about, "%s: %s of %s are free", folder, size(room.Free), size(room.Total))
		}
	}
}

// deviceOf tells the disks apart.
func deviceOf(folder string) any {
	if info, err := os.Stat(folder); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			return st.Dev
		}
	}
	return folder
}

// address judges the canonical address: accounts, cookies and passkeys stand on it.
func (x *examination) address() {
	const about = "address"
	u, err := url.Parse(x.settings.URL)
	if err != nil {
		return // Complete has said it
	}
	host, here := u.Hostname(), loopback(u.Hostname())
	switch {
	case u.Scheme == "http" && here:
		x.note(about, "for real use, set AMICALE_URL to the https address that people type", "%s is for trying out on this machine", x.settings.URL)
	case u.Scheme == "http":
		x.wrong(about, "put a reverse proxy with a certificate in front, and set AMICALE_URL to its https address", "%s is not encrypted: passwords travel in clear and passkeys do not work", x.settings.URL)
	case net.ParseIP(host) != nil || !strings.Contains(host, ".") && !here:
		x.wrong(about, "set AMICALE_URL to a name of the public DNS", "%s is no public name: passkeys and links in letters need one", host)
	default:
		x.good(about, "%s", x.settings.URL)
	}
}

// proxies judges whom the site believes about a visitor's address.
func (x *examination) proxies() {
	const about = "proxies"
	list, err := x.settings.Proxies()
	if err != nil {
		return // Complete has said it
	}
	for _, p := range list {
		if p.Bits() == 0 {
			x.wrong(about, "name only the reverse proxy's own address", "every address on earth is trusted as a proxy (%s): anybody can pretend to come from anywhere", p)
			return
		}
	}
	host, _, _ := net.SplitHostPort(x.settings.Listen)
	https := strings.HasPrefix(x.settings.URL, "https://")
	switch {
	case https && len(list) == 0:
		x.wrong(about, "set AMICALE_TRUSTED_PROXIES to the reverse proxy's address, e.g. 127.0.0.1", "no proxy is trusted, yet one must stand in front for https: all visitors would share one address and its limits")
	case https && !loopback(host):
		x.note(about, "listen on 127.0.0.1, or let the firewall pass only the proxy", "the site listens on %s, where it can be reached past the proxy, unencrypted", x.settings.Listen)
	case len(list) > 0:
		x.good(about, "trusted: %s", strings.Join(x.settings.TrustedProxies, ", "))
	}
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// reach asks the site whether it answers, at its own port and, when it does, at its address.
func (x *examination) reach(ctx context.Context) {
	const about = "answer"
	ln, err := net.Listen("tcp", x.settings.Listen)
	if err == nil {
		ln.Close()
		if x.served {
			x.note(about, "check that --listen is what the server was started with", "a server runs, but not on %s", x.settings.Listen)
		}
		return // nobody serves here: nothing to ask
	}
	if errors.Is(err, os.ErrPermission) {
		x.wrong(about, "use a port above 1024 behind a reverse proxy", "%s may not be listened on: %v", x.settings.Listen, err)
		return
	}
	local := x.settings.Listen
	if host, port, err := net.SplitHostPort(local); err == nil && (host == "" || net.ParseIP(host).IsUnspecified()) {
		local = net.JoinHostPort("127.0.0.1", port)
	}
	if err := healthy(ctx, "http://"+local); err != nil {
		x.wrong(about, "stop the other program, or choose another port with --listen", "%s is taken, and not by amicale: %v", x.settings.Listen, err)
		return
	}
	if err := healthy(ctx, x.settings.URL); err != nil {
		x.wrong(about, "check the DNS, the certificate and the reverse proxy", "the site runs on %s, but %s does not lead to it: %v", x.settings.Listen, x.settings.URL, err)
		return
	}
	x.good(about, "the site answers at %s", x.settings.URL)
}

// healthy asks /healthz and makes sure that it is this program which answers.
func healthy(ctx context.Context, base string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err == nil && (resp.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`"status":"ok"`))) {
		err = errors.New("something else answers (" + resp.Status + ")")
	}
	return err
}

// secret is where the key to second factors lives.
func (x *examination) secret() {
	if x.settings.Secret == "" {
		x.note("secret", "set AMICALE_SECRET to a long random text, once, and keep it apart from the backups", "second factors are sealed with a key that lies in the database itself")
	}
}
