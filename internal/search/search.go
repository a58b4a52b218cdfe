// Package search is an in-memory faceted index over documents: people, companies or postings.
//
// It owns the read model and nothing else: the database is the truth, the index is built from it and follows
// its change feed. It promises that readers never wait, that totals and facet counts are exact, and that a
// value hidden from the viewer neither matches nor counts nor sorts. What a match is stands in one readable
// function, ask.match in match.go; everything else is that function made fast, and is tested against it.
//
// A view is one immutable segment (documents numbered in name order), a set of tombstones and a small delta of
// whole documents that is matched by scanning. A writer makes a new view and swaps one pointer.
package search

import (
	"errors"
	"fmt"
	"hash/fnv"

	"amicale/internal/id"
)

// Tier is one kind of viewer, for example guest, network, member or staff, counted from 0. Tiers are not ordered.
type Tier uint8

// MaxTiers is how many kinds of viewer a schema may declare.
const MaxTiers = 8

// Mask is a set of tiers, one bit each. The zero mask is nobody.
type Mask uint8

// Everyone is the mask of all tiers.
const Everyone Mask = 0xff

// Only makes the mask of the tiers given.
func Only(tiers ...Tier) Mask {
	var m Mask
	for _, t := range tiers {
		m |= 1 << t
	}
	return m
}

// Kind says how the words of a text field are matched.
type Kind uint8

const (
	// Name words match exactly, by prefix, or with one typing error. A compound (Jean-Pierre, L’Hame) is also
	// found written in one word.
	Name Kind = iota
	// Code words (logins, numbers) match exactly or by prefix only.
	Code
)

// TextField declares a searchable text. Its position in Schema.Texts is its number.
type TextField struct {
	Name string
	Kind Kind
}

// FacetField declares a facet: a dictionary of values of which a document has none, one or several.
// Its position in Schema.Facets is its number.
type FacetField struct {
	Name string
}

// Limits of a schema and of an index. A document's visible fields are the bits of one machine word.
const (
	MaxTexts     = 8
	MaxFacets    = 64 - 2 - MaxTexts
	MaxDocuments = 1<<24 - 1
)

// Schema declares what the documents of an index have. It must not change while an index uses it.
type Schema struct {
	// Version names everything else that shapes a document (the folding rule, how texts are composed). A
	// snapshot made under another version is refused, which costs a rebuild.
	Version string
	Texts   []TextField
	Facets  []FacetField
	Tiers   int // how many tiers are in use, 1 to MaxTiers

	// Fold brings a text to the form in which words are compared: lower case, no accents, one space between words.
	Fold func(string) string

	// Understand, when set, may read the folded words at the head of the list as filters (promo 2010, ly2010).
	// It returns how many words it took, 0 for none. What it took is reported in Result.Chips and no longer
	// searched as text; it acts as if its values had been ticked. It must be pure.
	Understand func(words []string) (taken int, filters []Filter)

	wide bool // tests: rows take their wide form even where the narrow one would do
}

// Field numbers inside a document's masks: the document, its sort key, then texts, then facets.
const (
	docField  = 0
	sortField = 1
	textField = 2
)

func (s *Schema) facetField(facet int) int { return textField + len(s.Texts) + facet }
func (s *Schema) fields() int              { return textField + len(s.Texts) + len(s.Facets) }

// names is the set of text fields, one bit each, in which a typing error is forgiven.
func (s *Schema) names() uint8 {
	var m uint8
	for i, t := range s.Texts {
		if t.Kind == Name {
			m |= 1 << i
		}
	}
	return m
}

func (s *Schema) check() error {
	switch {
	case s.Fold == nil:
		return errors.New("search: schema without Fold")
	case s.Tiers < 1 || s.Tiers > MaxTiers:
		return fmt.Errorf("search: schema with %d tiers, want 1 to %d", s.Tiers, MaxTiers)
	case len(s.Texts) > MaxTexts:
		return fmt.Errorf("search: schema with %d texts, at most %d", len(s.Texts), MaxTexts)
	case len(s.Facets) > MaxFacets:
		return fmt.Errorf("search: schema with %d facets, at most %d", len(s.Facets), MaxFacets)
	}
	return nil
}

// fingerprint tells schemas apart in a snapshot.
func (s *Schema) fingerprint() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %d %+v %+v", s.Version, s.Tiers, s.Texts, s.Facets)
	return h.Sum64()
}

// Text is the value of a text field and who may search it.
type Text struct {
	Value string
	Mask  Mask
}

// Values are the values of a facet and who may filter by them and see them counted. Empty and repeated values
// are ignored.
type Values struct {
	Values []string
	Mask   Mask
}

// Doc is one document as its owner knows it.
type Doc struct {
	ID   id.ID
	Mask Mask // who may know that the document exists; whom it is hidden from sees none of its fields

	// SortKey orders documents, byte by byte, then by ID. Who may not see it (SortMask) finds the document
	// behind the sorted ones, by ID.
	SortKey  string
	SortMask Mask

	Texts  []Text   // one for each of Schema.Texts
	Facets []Values // one for each of Schema.Facets
}

// Change is one change of the feed: the document as it now is, or nil when it is gone.
type Change struct {
	ID  id.ID
	Doc *Doc
}

// Filter demands one of the values of a facet. Without values it demands nothing.
type Filter struct {
	Facet  int
	Values []string
}

// Contact is a document to which the viewer stands in a relation of its own (a contact, oneself): there the
// tiers As apply besides the viewer's own.
type Contact struct {
	ID id.ID
	As Mask
}

// Query is one question by one viewer.
type Query struct {
	Tier     Tier
	Contacts []Contact
	Text     string // every word must match; only the first 200 bytes and 16 words are read
	Filters  []Filter
	Strict   bool  // no typing error is forgiven
	Facets   []int // the facets to count
	Limit    int
	Offset   int
}

// Match is how well a document answers the text of a query: the worst of its words counts.
type Match uint8

const (
	Exact     Match = iota // every word is a word of the document; also a query without text
	Prefix                 // some word is only the beginning of one
	Corrected              // some word is one typing error away from one
	none
)

func (m Match) String() string {
	return [...]string{"exact", "prefix", "corrected", "none"}[min(m, none)]
}

// Correction is a typed word and the document's word that was taken for it.
type Correction struct {
	Typed, Found string
}

// Hit is one document found.
type Hit struct {
	ID          id.ID
	Match       Match
	Corrections []Correction // only for Corrected
}

// Count is a value of a facet and how many documents have it.
type Count struct {
	Value    string
	N        int
	Selected bool // the query filters by it
}

// FacetCounts are the values of a facet in the order of their bytes: those that occur, and the selected ones. They are
// counted among the documents that answer the query without its filter on this very facet.
type FacetCounts struct {
	Facet  int
	Values []Count
}

// Chip is a part of the text that was understood as filters.
type Chip struct {
	Words   []string
	Filters []Filter
}

// Result answers a query. Hits are ordered by match, then by sort key.
type Result struct {
	Hits   []Hit
	Total  int
	Totals [3]int // the total by Match
	Facets []FacetCounts
	Chips  []Chip
	Seq    uint64 // the change of the feed up to which the answer is true
}
