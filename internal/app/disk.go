package app

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Space is the room on the disk that a folder stands on, in bytes.
type Space struct {
	Free  int64 // for this process; what is kept back for root is not in it
	Total int64
}

// Scarce reports whether the disk will be full before long: under 1 GiB, or under a twentieth of it.
func (s Space) Scarce() bool { return s.Free < 1<<30 && s.Free < s.Total/4 || s.Free < s.Total/20 }

// SpaceOf asks the operating system about the folder's disk.
func SpaceOf(folder string) (Space, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(folder, &st); err != nil {
		return Space{}, fmt.Errorf("app.SpaceOf %s: %w", folder, err)
	}
	return Space{Free: int64(st.Bavail) * int64(st.Bsize), Total: int64(st.Blocks) * int64(st.Bsize)}, nil
}

// dataFolder is where this process keeps what is not in the database; "" when it keeps nothing.
func (a *App) dataFolder() string {
	for _, file := range []string{a.o.Snapshot, a.o.DB.Path()} {
		if file != "" {
			return filepath.Dir(file)
		}
	}
	return ""
}

// databaseSize is the length of the SQLite file and its journal; 0 on PostgreSQL, whose size is its own affair.
func (a *App) databaseSize() int64 {
	var n int64
	for _, end := range []string{"", "-wal"} {
		if st, err := os.Stat(a.o.DB.Path() + end); err == nil {
			n += st.Size()
		}
	}
	return n
}
