import { text } from "./text.js";

// After a click or a submit the page answers at once: the button turns busy, and past 300 ms a line runs at the top.
const patience = 300;
const stopped = 10000;
let timer = 0;
let running = 0;

function start() {
  clearTimeout(timer);
  timer = setTimeout(() => document.documentElement.classList.add("is-waiting"), patience);
}

function stop() {
  clearTimeout(timer);
  document.documentElement.classList.remove("is-waiting");
}

function markBusy(form, button) {
  form.dataset.sent = "true";
  setTimeout(() => delete form.dataset.sent, stopped); // the visitor pressed Stop, or the network did
  if (!button) return;
  button.setAttribute("aria-busy", "true");
  const label = button.querySelector(".button-label");
  setTimeout(() => {
    if (button.getAttribute("aria-busy") !== "true" || !label) return;
    label.dataset.rest = label.textContent;
    label.textContent = button.dataset.busy || text("busy");
  }, patience);
}

function release() {
  stop();
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy='true'].button")) {
    button.removeAttribute("aria-busy");
    const label = button.querySelector(".button-label");
    if (label && label.dataset.rest) label.textContent = label.dataset.rest;
  }
}

function leavesPage(event, link) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return false;
  if (link.target && link.target !== "_self") return false;
  if (link.hasAttribute("download") || link.origin !== location.origin) return false;
  return !(link.pathname === location.pathname && link.search === location.search && link.hash);
}

export function setUpProgress() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (link && leavesPage(event, link)) start();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method") === "dialog") return;
    if (form.dataset.sent) return event.preventDefault(); // a second press while the first is under way
    if (form.target && form.target !== "_self") return;
    // A download keeps this page: it must not look busy for ever.
    if (form.hasAttribute("data-download")) return;
    start();
    markBusy(form, event.submitter || form.querySelector("button:not([type='button'])"));
  });
  document.addEventListener("htmx:beforeSend", () => { running++; start(); });
  document.addEventListener("htmx:afterRequest", () => { running = Math.max(0, running - 1); if (!running) release(); });
  // Coming back through the browser's page cache must not show the old wait.
  window.addEventListener("pageshow", (event) => { if (event.persisted) release(); });
}
