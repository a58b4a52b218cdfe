package domains

import (
	"encoding/base64"
	"strings"

	"amicale/internal/i18n"
)

// signing wants each key's record where it is looked for.
func (x *examination) signing() {
	for _, k := range x.keys {
		x.key(k)
	}
}

func (x *examination) key(k Key) {
	r := record{k.Host(), "TXT", k.Record()}
	data := i18n.Data{"Stream": string(k.Stream), "Until": k.RetiredAt.Add(Published).Format("2006-01-02")}
	list, err := x.zone.texts(x.ctx, k.Host())
	switch {
	case err != nil:
		x.lost(Signing, r)
		return
	case !k.RetiredAt.IsZero():
		x.retired(r, data, list)
		return
	case len(list) == 0 && k.Waits():
		x.tell(Signing, Advice, r, "key_waits", data)
		return
	}
	key := keyFault(list, k.Record())
	switch {
	case key == "key_missing":
		x.tell(Signing, Missing, r, key, data)
	case key != "key_ok":
		x.tell(Signing, Wrong, r, key, data, list...)
	default:
		x.seen = append(x.seen, k)
		x.tell(Signing, OK, r, key, data, list...)
	}
}

// retired keys sign no more; their records are still looked for.
func (x *examination) retired(r record, data i18n.Data, list []string) {
	if keyFault(list, r.wanted) == "key_ok" {
		x.tell(Signing, OK, r, "key_retired", data, list...)
		return
	}
	x.tell(Signing, Advice, r, "key_gone", data, list...)
}

// keyFault compares what is published under a selector with our key (RFC 6376 §3.6.1).
func keyFault(list []string, ours string) string {
	switch len(list) {
	case 0:
		return "key_missing"
	case 1:
	default:
		return "key_twice"
	}
	want, have := tags(ours), tags(list[0])
	version, named := have["v"]
	algorithm := have["k"]
	if algorithm == "" {
		algorithm = "rsa"
	}
	_, there := have["p"]
	switch {
	case named && version != "DKIM1" || !there:
		return "key_syntax"
	case have["p"] == "":
		return "key_revoked"
	case algorithm != want["k"]:
		return "key_other"
	case have["p"] == want["p"]:
		return "key_ok"
	case strings.HasPrefix(want["p"], have["p"]):
		return "key_cut"
	}
	if _, err := base64.StdEncoding.DecodeString(have["p"]); err != nil {
		return "key_syntax"
	}
	return "key_other"
}

// tags reads "name=value; …", without white space.
func tags(text string) map[string]string {
	out := map[string]string{}
	for _, one := range strings.Split(text, ";") {
		if name, value, ok := strings.Cut(one, "="); ok {
			out[strings.TrimSpace(name)] = strings.Join(strings.Fields(value), "")
		}
	}
	return out
}
