// Package i18n carries the visitor's language in the context and speaks it: French first, English second.
//
// Each package keeps its texts beside its code (messages.fr.toml, messages.en.toml, keys prefixed with the
// package's name); the app gathers them into one Bundle. A missing key shows as itself, and a test finds it.
package i18n

import (
	"context"
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"
	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Data fills the {{.Name}} of a message.
type Data = map[string]any

// Langs are the languages spoken, the first being the default.
func Langs() []string { return []string{"fr", "en"} }

// Bundle holds every message of the house.
type Bundle struct {
	locs map[string]*localizer
}

type localizer struct {
	lang  string
	plain map[string]string // messages without data or plural: no template to run
	loc   *goi18n.Localizer
}

// Load reads messages.*.toml from each file system. A file that does not parse is a programmer's fault.
func Load(sources ...fs.FS) (*Bundle, error) {
	b := goi18n.NewBundle(language.French)
	b.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	out := &Bundle{locs: map[string]*localizer{}}
	for _, lang := range Langs() {
		l := &localizer{lang: lang, plain: map[string]string{}}
		for _, src := range sources {
			data, err := fs.ReadFile(src, "messages."+lang+".toml")
			if err != nil {
				return nil, fmt.Errorf("i18n.Load: %w", err)
			}
			file, err := b.ParseMessageFileBytes(data, "messages."+lang+".toml")
			if err != nil {
				return nil, fmt.Errorf("i18n.Load %s: %w", lang, err)
			}
			for _, m := range file.Messages {
				if _, twice := l.plain[m.ID]; twice {
					return nil, fmt.Errorf("i18n.Load %s: %s stands twice", lang, m.ID)
				}
				l.plain[m.ID] = ""
				if m.One == "" && !strings.Contains(m.Other, "{{") {
					l.plain[m.ID] = m.Other
				}
			}
		}
		out.locs[lang] = l
	}
	for lang, l := range out.locs {
		l.loc = goi18n.NewLocalizer(b, lang)
	}
	return out, nil
}

// Keys are all message keys of a language, sorted, for tests.
func (b *Bundle) Keys(lang string) []string {
	keys := make([]string, 0, len(b.locs[lang].plain))
	for k := range b.locs[lang].plain {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

type ctxKey struct{}

// With puts a language into the context; an unknown one becomes French.
func (b *Bundle) With(ctx context.Context, lang string) context.Context {
	l, ok := b.locs[lang]
	if !ok {
		l = b.locs[Langs()[0]]
	}
	return context.WithValue(ctx, ctxKey{}, l)
}

// Match picks the language for an Accept-Language header.
func Match(header string) string {
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return Langs()[0]
	}
	matcher := language.NewMatcher([]language.Tag{language.French, language.English})
	_, i, _ := matcher.Match(tags...)
	return Langs()[i]
}

// Lang is the language in the context.
func Lang(ctx context.Context) string {
	if l, ok := ctx.Value(ctxKey{}).(*localizer); ok {
		return l.lang
	}
	return Langs()[0]
}

// T is the message in the visitor's language; the key itself when there is none.
func T(ctx context.Context, key string, data ...Data) string {
	l, ok := ctx.Value(ctxKey{}).(*localizer)
	if !ok {
		return key
	}
	if s := l.plain[key]; s != "" {
		return s
	}
	cfg := &goi18n.LocalizeConfig{MessageID: key}
	if len(data) > 0 {
		cfg.TemplateData = data[0]
	}
	return l.localize(key, cfg)
}

// N is the message for a count, which it may print as {{.Count}}.
func N(ctx context.Context, key string, count int, data ...Data) string {
	l, ok := ctx.Value(ctxKey{}).(*localizer)
	if !ok {
		return key
	}
	d := Data{"Count": Number(ctx, count)}
	if len(data) > 0 {
		for k, v := range data[0] {
			d[k] = v
		}
	}
	return l.localize(key, &goi18n.LocalizeConfig{MessageID: key, PluralCount: count, TemplateData: d})
}

func (l *localizer) localize(key string, cfg *goi18n.LocalizeConfig) string {
	s, err := l.loc.Localize(cfg)
	if err != nil && s == "" {
		return key
	}
	return s
}
