package activation

import (
	"context"

	"amicale/internal/errs"
	"amicale/internal/people"
)

// RequestAddition puts somebody who is not in the base on the desk of his school, with the diploma he sent. It
// looks nobody up.
func (s *Store) RequestAddition(ctx context.Context, claim people.Claim, lang string, u *Upload) error {
	fields := errs.Fields{}
	if err := claim.ValidateAddition(s.now()); err != nil {
		fields = errs.FieldsOf(err)
	}
	mime, err := checkScan(fields, u)
	if err != nil {
		return errs.Wrap("activation.RequestAddition", err)
	}
	schools, err := s.people.Associations(ctx)
	if err != nil {
		return err
	}
	school, ok := schools.ByCode(claim.School)
	if !ok {
		fields.Add("school", "people.claim.need_school")
	}
	if err := fields.Err(); err != nil {
		return err
	}
	_, err = s.desk.OpenCase(ctx, Case{Kind: Addition, Association: school.ID, Reason: AsksAddition, Claim: claim, Lang: lang,
		Scan: &Scan{Name: scanName(u.Name, mime), Type: mime, Size: u.Size, Content: u.Content}})
	return errs.Wrap("activation.RequestAddition", err)
}

func checkScan(f errs.Fields, u *Upload) (mime string, err error) {
	if u == nil || u.Size == 0 {
		f.Add("scan", "activation.need_scan")
		return "", nil
	}
	if u.Size > MaxScan {
		f.Add("scan", "activation.scan_too_big", map[string]any{"Max": MaxScan >> 20})
		return "", nil
	}
	if mime, err = u.sniff(); err == nil && mime == "" {
		f.Add("scan", "activation.scan_type")
	}
	return mime, err
}
