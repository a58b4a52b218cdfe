package accounts

import "strings"

// Device is a browser in plain words.
type Device struct {
	Browser string // "Firefox"; "" when unknown
	System  string // "Windows"; "" when unknown
	Mobile  bool
}

// DeviceOf reads a User-Agent as far as people need it to know their own devices again.
func DeviceOf(userAgent string) Device {
	var d Device
	for _, b := range []struct{ mark, name string }{ // the order matters: Edge and Opera say Chrome, Chrome says Safari
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"Vivaldi", "Vivaldi"}, {"FxiOS", "Firefox"}, {"Firefox", "Firefox"},
		{"CriOS", "Chrome"}, {"Chromium", "Chromium"}, {"Chrome", "Chrome"}, {"Safari", "Safari"},
	} {
		if strings.Contains(userAgent, b.mark) {
			d.Browser = b.name
			break
		}
	}
	for _, s := range []struct {
		mark, name string
		mobile     bool
	}{
		{"iPhone", "iPhone", true}, {"iPad", "iPad", true}, {"Android", "Android", true}, {"CrOS", "ChromeOS", false},
		{"Windows", "Windows", false}, {"Macintosh", "Mac", false}, {"Linux", "Linux", false},
	} {
		if strings.Contains(userAgent, s.mark) {
			d.System, d.Mobile = s.name, s.mobile
			break
		}
	}
	return d
}

// String is "Firefox, Windows", or what is known of it.
func (d Device) String() string {
	switch {
	case d.Browser != "" && d.System != "":
		return d.Browser + ", " + d.System
	case d.Browser != "" || d.System != "":
		return d.Browser + d.System
	}
	return "?"
}
