package webtest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// Submit sends the page's form with that action as a browser would: with everything it holds, besides what is set
// here (name, value, name, value…).
func (c *Client) Submit(page *Answer, action string, set ...string) *Answer {
	c.w.T.Helper()
	form := page.Doc().Find("form").FilterFunction(func(_ int, f *goquery.Selection) bool { return f.AttrOr("action", "") == action })
	if form.Length() == 0 {
		c.w.T.Fatalf("the page has no form that goes to %s:\n%.600s", action, page.Text())
	}
	values := held(form.First())
	for i := 0; i+1 < len(set); i += 2 {
		values.Set(set[i], set[i+1])
	}
	body := strings.NewReader(values.Encode())
	if strings.EqualFold(form.AttrOr("method", "get"), "get") {
		return c.Get(action + "?" + values.Encode())
	}
	return c.Do(c.request(http.MethodPost, action, "application/x-www-form-urlencoded", body))
}

// held are a form's values as it stands on the page.
func held(form *goquery.Selection) url.Values {
	values := url.Values{}
	form.Find("input[name], textarea[name]").Each(func(_ int, in *goquery.Selection) {
		kind := in.AttrOr("type", "text")
		_, checked := in.Attr("checked")
		switch {
		case goquery.NodeName(in) == "textarea":
			values.Add(in.AttrOr("name", ""), in.Text())
		case kind == "file" || kind == "submit" || (kind == "checkbox" || kind == "radio") && !checked:
		default:
			values.Add(in.AttrOr("name", ""), in.AttrOr("value", ""))
		}
	})
	form.Find("select[name]").Each(func(_ int, s *goquery.Selection) {
		chosen := s.Find("option[selected]")
		if chosen.Length() == 0 {
			chosen = s.Find("option").First()
		}
		values.Add(s.AttrOr("name", ""), chosen.AttrOr("value", strings.TrimSpace(chosen.Text())))
	})
	return values
}
