package inbox

// Resolver asks the DNS.
type Resolver interface{}
