package desk

import (
	"context"
	"slices"
	"time"

	"amicale/internal/db"
	"amicale/internal/id"
)

// alarm is how many cases of a school have waited that long since the last alarm.
type alarm struct {
	association id.ID
	stage       int
	cases       []id.ID
}

// dueAlarms groups the cases that have reached a new stage by school and stage.
func (s *Store) dueAlarms(ctx context.Context) ([]alarm, error) {
	type row struct {
		ID            id.ID
		AssociationID id.ID
		Alarm         int
		WaitingSince  time.Time
	}
	now := s.now()
	rows, err := db.All[row](ctx, s.db, `
		SELECT id, association_id, alarm, waiting_since FROM cases
		WHERE state = 'open' AND (alarm < 1 AND waiting_since <= ? OR alarm < 3 AND waiting_since <= ? OR alarm < 7 AND waiting_since <= ?)
		ORDER BY waiting_since, id LIMIT 20000`, now.Add(-firstAlarm*day), now.Add(-secondAlarm*day), now.Add(-lastAlarm*day))
	if err != nil {
		return nil, err
	}
	type key struct {
		association id.ID
		stage       int
	}
	at := map[key]int{}
	var out []alarm
	for _, r := range rows {
		k := key{r.AssociationID, AlarmAt(now.Sub(r.WaitingSince))}
		i, known := at[k]
		if !known {
			i = len(out)
			at[k] = i
			out = append(out, alarm{association: k.association, stage: k.stage})
		}
		out[i].cases = append(out[i].cases, r.ID)
	}
	return out, nil
}

// noteAlarm remembers that the alarm of these cases left. It changes no version: nobody at work is disturbed.
func (s *Store) noteAlarm(ctx context.Context, a alarm) error {
	for part := range slices.Chunk(a.cases, 400) {
		if _, err := s.db.Exec(ctx, `UPDATE cases SET alarm = ? WHERE id IN (`+db.In(len(part))+`)`, append([]any{a.stage}, db.Args(part)...)...); err != nil {
			return err
		}
	}
	return nil
}
