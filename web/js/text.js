// Words come from the server, in the visitor's language, as data-text-… on the body.
export function text(name) {
  return document.body.dataset["text" + name[0].toUpperCase() + name.slice(1)] || "";
}
