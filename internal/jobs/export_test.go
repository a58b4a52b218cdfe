package jobs

// Claim takes jobs as a worker that then dies would.
var Claim = (*Queue).claim

// Backoff is the wait after that many attempts.
var Backoff = backoff
