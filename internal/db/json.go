package db

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// ToJSON wraps a value for a JSON column.
func ToJSON[T any](v T) JSON[T] { return JSON[T]{v} }

// Value writes the column as text, which both engines take.
func (j JSON[T]) Value() (driver.Value, error) {
	b, err := json.Marshal(j.V)
	if err != nil {
		return nil, fmt.Errorf("db.JSON: %w", err)
	}
	if len(b) > 0 && b[0] != '{' && b[0] != '[' {
		if string(b) == "null" {
			return nil, nil
		}
		return nil, fmt.Errorf("db.JSON: only objects and arrays, not %.20s", b)
	}
	return string(b), nil
}
