import { text } from "./text.js";

const stay = 7000;

function leaveLater(node) {
  // What offers an undo, or says that something failed, waits for the reader.
  if (node.querySelector("form, a") || node.classList.contains("toast-danger")) return;
  let timer = setTimeout(() => node.remove(), stay);
  const hold = () => clearTimeout(timer);
  const go = () => { hold(); timer = setTimeout(() => node.remove(), stay / 2); };
  node.addEventListener("pointerenter", hold);
  node.addEventListener("focusin", hold);
  node.addEventListener("pointerleave", go);
  node.addEventListener("focusout", go);
}

export function toast(message, tone) {
  const place = document.querySelector(".toasts");
  const pattern = document.getElementById("toast-pattern");
  if (!place || !pattern || !message) return;
  const node = pattern.content.firstElementChild.cloneNode(true);
  if (tone) node.classList.add("toast-" + tone);
  node.querySelector(".toast-text").textContent = message;
  place.append(node);
  leaveLater(node);
}

export function setUpToasts() {
  for (const node of document.querySelectorAll(".toasts .toast")) leaveLater(node);
  document.addEventListener("click", (event) => {
    const close = event.target.closest(".toast-close");
    if (close) close.closest(".toast").remove();
    const copy = event.target.closest("[data-copy]");
    if (copy && navigator.clipboard) {
      navigator.clipboard.writeText(copy.dataset.copy).then(() => toast(text("copied")), () => toast(text("failed"), "danger"));
    }
  });
  // The server may send a toast along with a fragment: HX-Trigger: {"toast": {"text": "…", "tone": "danger"}}.
  document.addEventListener("toast", (event) => toast(event.detail.text || event.detail.value, event.detail.tone));
}
