package web

import (
	"net/url"
	"strconv"
)

// Paging is a page of a list, from ?page=, counted from 1.
type Paging struct {
	Page int
	Size int
}

// maxPage bounds how far a list can be walked by number.
const maxPage = 100_000

// Paging reads ?page=; nonsense is the first page.
func (r *Request) Paging(size int) Paging {
	n, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || n < 1 {
		n = 1
	}
	return Paging{Page: min(n, maxPage), Size: size}
}

// Offset is how many entries stand before the page.
func (p Paging) Offset() int { return (p.Page - 1) * p.Size }

// Pages is how many pages a total makes, at least one.
func (p Paging) Pages(total int) int { return max(1, (total+p.Size-1)/p.Size) }

// URL is the present address with ?page= set.
func (p Paging) URL(at *url.URL, page int) string {
	q := at.Query()
	q.Set("page", strconv.Itoa(page))
	if page == 1 {
		q.Del("page")
	}
	if len(q) == 0 {
		return at.Path
	}
	return at.Path + "?" + q.Encode()
}
