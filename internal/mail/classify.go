package mail

// Classify says what an answer in session means.
func Classify(r Reply) Class {
	switch {
	case r.Code >= 200 && r.Code < 300:
		return Delivered
	case r.Code >= 400 && r.Code < 500:
		return Temporary
	case r.Enhanced == "5.1.1" || r.Enhanced == "5.1.2":
		return Dead
	case r.Enhanced == "5.2.1" || r.Enhanced == "5.2.2":
		return Full
	}
	return Unknown
}
