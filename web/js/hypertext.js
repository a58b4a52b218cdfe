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
  document.addEventListener("htmx:configRequest", (event) => {
    const form = event.target;
    if (form.matches("form[hx-get='']")) event.detail.path = form.getAttribute("action") || location.pathname;
  });
  // On a phone the facets are an open sheet. Where the answer would replace the sheet itself it waits for its button.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.target;
    const by = event.detail.requestConfig.triggeringEvent;
    if (!form.matches(".facets:target") || !by || by.type === "submit" || !event.detail.target.contains(form)) return;
    event.preventDefault();
    const button = form.querySelector("[data-plain]");
    if (button) button.querySelector(".button-label").textContent = button.dataset.plain;
  });
  // Facets that the reader has folded stay folded when their counts change.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    for (const was of event.detail.target.querySelectorAll("details[data-facet]")) {
      const now = event.detail.fragment.querySelector(`details[data-facet="${CSS.escape(was.dataset.facet)}"]`);
      if (now) now.open = was.open;
    }
  });
  const failed = () => toast(text("failed"), "danger");
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:timeout", failed);
}
