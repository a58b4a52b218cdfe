// The little JavaScript of the screens. Every page works without it; each module improves what is already there.
import htmx from "htmx.org";
import { setUpHtmx } from "./hypertext.js";
import { setUpProgress } from "./progress.js";
import { setUpToasts } from "./toasts.js";
import { setUpDialogs } from "./dialogs.js";
import { setUpMenus } from "./menus.js";
import { setUpFields } from "./fields.js";
import { setUpTheme } from "./themeswitch.js";
import { setUpTabs } from "./tabs.js";
import { setUpPasskeys } from "./passkeys.js";

setUpHtmx(htmx);
setUpProgress();
setUpToasts();
setUpDialogs();
setUpMenus();
setUpFields();
setUpTheme();
setUpTabs();
setUpPasskeys();
