package inbox

// Waiting is how many messages wait for a commit.
func Waiting(s *Server) int { return len(s.take.queue) }
