// Package id makes and carries identifiers: UUID version 7 (RFC 9562), which sort by the time they were made.
package id

import (
	"database/sql/driver"
	"fmt"

	"github.com/google/uuid"
)

// ID identifies a row. The zero ID stands for none and is NULL in the database.
type ID [16]byte

// New makes an identifier. It panics only if the machine has no randomness.
func New() ID { return ID(uuid.Must(uuid.NewV7())) }

// Parse reads the canonical form; anything else is an error.
func Parse(s string) (ID, error) {
	if len(s) != 36 {
		return ID{}, fmt.Errorf("id: %q is not an identifier", s)
	}
	u, err := uuid.Parse(s)
	return ID(u), err
}

func (i ID) String() string { return uuid.UUID(i).String() }

// IsZero reports whether there is none.
func (i ID) IsZero() bool { return i == ID{} }

// Value writes the canonical text, or NULL for none.
func (i ID) Value() (driver.Value, error) {
	if i.IsZero() {
		return nil, nil
	}
	return i.String(), nil
}

// Scan reads the canonical text, sixteen bytes, or NULL.
func (i *ID) Scan(src any) error {
	if src == nil {
		*i = ID{}
		return nil
	}
	var u uuid.UUID
	if err := u.Scan(src); err != nil {
		return fmt.Errorf("id: %w", err)
	}
	*i = ID(u)
	return nil
}

// MarshalText and UnmarshalText make an ID a JSON string and a map key.
func (i ID) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads the canonical form; the empty text is none.
func (i *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*i = ID{}
		return nil
	}
	v, err := Parse(string(b))
	if err == nil {
		*i = v
	}
	return err
}
