package ui

// IconNames lists every drawing, for the living page.
func IconNames() []string {
	return []string{"search", "menu", "close", "chevron", "next", "previous", "check", "info", "warning", "error", "help", "user", "users", "mail", "phone",
		"place", "work", "calendar", "copy", "edit", "trash", "plus", "lock", "eye", "filter", "download", "upload", "exit", "settings", "home", "inbox", "shield", "key"}
}

func iconClass(name string) string {
	if name == "chevron" {
		return "icon chevron"
	}
	return "icon"
}

// iconPaths are strokes on a grid of 24.
func iconPaths(name string) []string {
	switch name {
	case "search":
		return []string{"M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Z", "m15.4 15.4 4.6 4.6"}
	case "menu":
		return []string{"M4 7h16M4 12h16M4 17h16"}
	case "close":
		return []string{"m6 6 12 12M18 6 6 18"}
	case "chevron":
		return []string{"m5 9 7 7 7-7"}
	case "next":
		return []string{"m9 5 7 7-7 7"}
	case "previous":
		return []string{"m15 5-7 7 7 7"}
	case "check":
		return []string{"m5 12.5 4.5 4.5L19 7.5"}
	case "info":
		return []string{"M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17Z", "M12 11v5M12 7.8v.2"}
	case "warning":
		return []string{"M12 4 21 19.5H3L12 4Z", "M12 10v4.5M12 17v.2"}
	case "error":
		return []string{"M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17Z", "M12 7.5v5.5M12 16v.2"}
	case "help":
		return []string{"M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17Z", "M9.7 9.6a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.3 1-1.3 2M12 16.4v.2"}
	case "user", "person":
		return []string{"M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z", "M4.5 20c.8-3.6 3.7-5.5 7.5-5.5s6.7 1.9 7.5 5.5"}
	case "users":
		return []string{"M9 5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7Z", "M2.5 19.5c.6-3.2 3-4.8 6.5-4.8s5.9 1.6 6.5 4.8", "M15.5 5.3a3.3 3.3 0 0 1 0 6.4M17.5 15.2c2.2.6 3.6 2 4 4.3"}
	case "mail":
		return []string{"M4 6h16v12.5H4Z", "m4.5 6.5 7.5 6.5 7.5-6.5"}
	case "phone":
		return []string{"M7 3.5h3l1.3 4.2-2 1.5a11 11 0 0 0 5.5 5.5l1.5-2 4.2 1.3v3c0 1.6-1.3 2.9-2.9 2.7C10.4 18.9 5.1 13.6 4.3 6.4 4.1 4.8 5.4 3.5 7 3.5Z"}
	case "place":
		return []string{"M12 21s-6.5-5.8-6.5-11a6.5 6.5 0 0 1 13 0c0 5.2-6.5 11-6.5 11Z", "M12 7.7a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6Z"}
	case "work":
		return []string{"M3.5 8h17v11.5h-17Z", "M8.5 8V5h7v3M3.5 13h17"}
	}
	return moreIconPaths(name)
}

func moreIconPaths(name string) []string {
	switch name {
	case "calendar":
		return []string{"M4 6h16v14H4Z", "M4 10.5h16M8.5 3.5V8M15.5 3.5V8"}
	case "copy":
		return []string{"M9 9h11v11H9Z", "M5 15H4V4h11v1"}
	case "edit":
		return []string{"M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19 4 20Z", "m13.5 7 3.5 3.5"}
	case "trash":
		return []string{"M4.5 7h15M9.5 7V4h5v3M6.5 7l1 13h9l1-13", "M10.5 11v5.5M13.5 11v5.5"}
	case "plus":
		return []string{"M12 5v14M5 12h14"}
	case "lock":
		return []string{"M5.5 10.5h13v10h-13Z", "M8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5"}
	case "eye":
		return []string{"M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z", "M12 9.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6Z"}
	case "filter":
		return []string{"M4 7h16M7 12h10M10 17h4"}
	case "download":
		return []string{"M12 4v11m-4.5-4.5L12 15l4.5-4.5M4.5 19.5h15"}
	case "upload":
		return []string{"M12 15V4M7.5 8.5 12 4l4.5 4.5M4.5 19.5h15"}
	case "exit", "sign-out":
		return []string{"M13.5 4.5h-8v15h8", "M10 12h10.5m-3.5-3.5 3.5 3.5-3.5 3.5"}
	case "settings":
		return []string{"M4 8h9m5 0h2M4 16h2m5 0h9", "M15.5 5.7a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6Z", "M8.5 13.7a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6Z"}
	case "home":
		return []string{"M4 11.5 12 4l8 7.5", "M6 10v10h12V10M10 20v-5.5h4V20"}
	case "inbox":
		return []string{"M4 13.5 7 5h10l3 8.5V19H4Z", "M4 13.5h4.5l1.2 2.5h4.6l1.2-2.5H20"}
	case "shield":
		return []string{"M12 3.5 19 6v5.5c0 4.5-2.9 7.6-7 9-4.1-1.4-7-4.5-7-9V6l7-2.5Z", "m8.7 12 2.3 2.3 4.3-4.6"}
	case "key":
		return []string{"M8 11a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z", "m11 12.2 8.5-8.2M16 7.3l2.5 2.5"}
	}
	return nil
}
