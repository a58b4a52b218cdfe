package web

// MaxKeys is how many keys are kept.
const MaxKeys = maxKeys

// Held is how many keys are kept, and of how many octets.
func (l *Limits) Held() (keys, octets int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.keys {
		octets += len(k)
	}
	return len(l.keys), octets
}
