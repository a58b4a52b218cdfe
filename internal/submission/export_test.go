package submission

// Watch hears what became of deliveries, for tests that play the outbox.
var Watch = (*Store).watch
