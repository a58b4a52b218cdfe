package forwarding

// Watchers of what becomes of deliveries, for tests that play the outbox.
var (
	WatchForwarded = (*Store).watchForwarded
	ReleaseAll     = (*Store).releaseAll
)
