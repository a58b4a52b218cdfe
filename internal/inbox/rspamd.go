package inbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"amicale/internal/errs"
)

// rspamdWithin is how long rspamd may take; a filter that does not answer holds up no mail.
const rspamdWithin = 5 * time.Second

// rspamd asks an rspamd over its own protocol (https://rspamd.com/doc/developers/protocol.html).
type rspamd struct {
	url    string
	client *http.Client
}

func newRspamd(url string) *rspamd {
	if url == "" {
		return nil
	}
	return &rspamd{strings.TrimSuffix(url, "/") + "/checkv2",
		&http.Client{Timeout: rspamdWithin, Transport: &http.Transport{MaxIdleConnsPerHost: 20}}}
}

// actions are rspamd's words, in points.
var actions = map[string]int{
	"no action": 0, "greylist": 20, "soft reject": 40, "rewrite subject": 60, "add header": 60, "reject": 150,
}

// ask gives the points of a message, and rspamd's word for it.
func (r *rspamd) ask(ctx context.Context, m *Message, to []Rcpt) (points int, action string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(m.Raw))
	if err != nil {
		return 0, "", errs.Wrap("inbox.rspamd", err)
	}
	req.Header.Set("Queue-Id", m.ID.String())
	req.Header.Set("From", "<"+m.Envelope.From+">")
	for _, t := range to {
		req.Header.Add("Rcpt", "<"+t.Address+">")
	}
	if m.Account.IsZero() {
		req.Header.Set("Helo", cleaned(m.Hello, mostAddress))
		if m.Remote.IsValid() {
			req.Header.Set("IP", m.Remote.String())
		}
	} else {
		req.Header.Set("User", m.Account.String())
	}
	res, err := r.client.Do(req)
	if err != nil {
		return 0, "", errs.E("inbox.rspamd", errs.Unavailable, err)
	}
	defer res.Body.Close()
	var out struct {
		Action string `json:"action"`
	}
	if res.StatusCode != http.StatusOK {
		return 0, "", errs.E("inbox.rspamd", errs.Unavailable, fmt.Errorf("it answered %s", res.Status))
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&out); err != nil {
		return 0, "", errs.E("inbox.rspamd", errs.Unavailable, err)
	}
	points, known := actions[out.Action]
	if !known {
		return 0, "", errs.E("inbox.rspamd", errs.Unavailable, fmt.Errorf("unknown action %.40q", out.Action))
	}
	return points, out.Action, nil
}
