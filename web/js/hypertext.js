import { text } from "./text.js";
import { toast } from "./toasts.js";

// htmx under a strict content security policy: nothing evaluated, no style element, same origin only.
export function setUpHtmx(htmx) {
  Object.assign(htmx.config, {
    allowEval: false,
    allowScriptTags: false,
    includeIndicatorStyles: false,
    selfRequestsOnly: true,
    historyCacheSize: 0, // pages hold personal data: they do not stay in storage after signing out
    refreshOnHistoryMiss: true,
    timeout: 20000,
    // A refused form (422) comes back as a page with the messages in it.
    responseHandling: [
      { code: "204", swap: false },
      { code: "[23]..", swap: true },
      { code: "422", swap: true },
      { code: "[45]..", swap: false, error: true },
    ],
  });
  const failed = () => toast(text("failed"), "danger");
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:timeout", failed);
}
