// Package mailbench measures the mail: a resolver, senders and a mail server to send to, all on loopback, around a
// real process of the program.
//
// What it says of a run is what left the program and what came out: acknowledged, delivered, lost, delivered twice,
// the processor's time of the process alone, and its memory.
package mailbench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Result is one run.
type Result struct {
	Name      string
	N         int           // acknowledged
	Took      time.Duration // from the first message to the last delivery
	CPU       time.Duration // of the measured process; zero when it is not ours to ask
	RSS       float64       // its peak, MB (10^6 octets); zero likewise
	Delivered int
	Lost      int // acknowledged and never delivered
	Twice     int // deliveries beyond the first
	Refused   int
	Accept    []time.Duration // from MAIL to the 250, one a message
}

// PerSecond is messages a second, end to end.
func (r Result) PerSecond() float64 { return float64(r.N) / r.Took.Seconds() }

// CPUPerMessage is the measured process' time for one message.
func (r Result) CPUPerMessage() time.Duration {
	if r.N == 0 {
		return 0
	}
	return r.CPU / time.Duration(r.N)
}

// usage is what a process has used so far: its time on a processor and the most memory it held.
func usage(pid int) (cpu time.Duration, peak float64, err error) {
	folder := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return 0, 0, err
	}
	const tick = time.Second / 100 // USER_HZ of Linux
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, 0, fmt.Errorf("mailbench: /proc stat has %d fields", len(fields))
	}
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, 0, err
		}
		cpu += time.Duration(n) * tick
	}
	status, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return cpu, n * 1024 / 1e6, err
		}
	}
	return cpu, 0, nil
}

// tally counts what a sink took, by key.
type tally struct {
	mu    sync.Mutex
	seen  map[string]int
	n     int
	grown chan struct{} // closed, and replaced, as it grows
}

func newTally() *tally { return &tally{seen: map[string]int{}, grown: make(chan struct{})} }

func (t *tally) add(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[key]++
	t.n++
	close(t.grown)
	t.grown = make(chan struct{})
}

// state is how many different keys, how many in all, and what tells of the next.
func (t *tally) state() (keys, all int, next <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.seen), t.n, t.grown
}

func (t *tally) count(key string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[key]
}
