package db

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"amicale/internal/errs"
)

// Lock keeps a second server off the same SQLite file: two of them would each believe to be the only writer. The
// lock is the operating system's and goes with the process, however that ends. On PostgreSQL several may serve.
func (d *DB) Lock() (unlock func(), err error) {
	if d.postgres {
		return func() {}, nil
	}
	f, err := os.OpenFile(d.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("db.Lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errs.E("db.Lock", errs.Conflict, fmt.Errorf("another amicale already serves %s; stop it first, or use PostgreSQL to run several", d.path))
		}
		return nil, fmt.Errorf("db.Lock: %w", err)
	}
	return func() { f.Close() }, nil
}
