// <button data-confirm="Sure?"> asks before its form leaves; <a href="/page" data-dialog="id"> opens a dialog that stands
// in the page, and without script leads to the page that does the same.
let asking = null;

function ask(form, submitter, question) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("[data-question]").textContent = question;
  const yes = dialog.querySelector("[value='yes']");
  const label = submitter && submitter.dataset.confirmLabel;
  yes.querySelector(".button-label").textContent = label || yes.dataset.label;
  yes.classList.toggle("button-danger", !!submitter && submitter.classList.contains("button-danger"));
  yes.classList.toggle("button-primary", !yes.classList.contains("button-danger"));
  asking = { form, submitter };
  dialog.returnValue = "";
  dialog.showModal();
}

export function setUpDialogs() {
  document.addEventListener("submit", (event) => {
    const by = event.submitter;
    const question = (by && by.dataset.confirm) || event.target.dataset.confirm;
    if (!question || event.target.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(event.target, by, question);
  }, true);
  const confirm = document.getElementById("confirm");
  if (confirm) {
    confirm.addEventListener("close", () => {
      const asked = asking;
      asking = null;
      if (!asked || confirm.returnValue !== "yes") return;
      asked.form.dataset.confirmed = "true";
      asked.form.requestSubmit(asked.submitter || undefined);
      delete asked.form.dataset.confirmed;
    });
  }
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    const dialog = opener && document.getElementById(opener.dataset.dialog);
    if (dialog && dialog.showModal) {
      event.preventDefault();
      dialog.showModal();
      return;
    }
    // A click beside an open dialog closes it.
    if (event.target.matches("dialog[open]")) event.target.close();
  });
}
