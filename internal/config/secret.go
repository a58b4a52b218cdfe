package config

import "log/slog"

// Secret is a value that is never shown: not by fmt, not in logs, not in JSON.
type Secret string

const hidden = "(secret)"

// Reveal is the value.
func (s Secret) Reveal() string { return string(s) }

// String hides the value, and shows only whether there is one.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString is for %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// LogValue is for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is for JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the value.
func (s *Secret) UnmarshalText(b []byte) error {
	*s = Secret(b)
	return nil
}
