// Forms: show a password, drop a message once its field is mended, lead to the first fault.
function toggle(button) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  if (!input) return;
  const show = input.type === "password";
  input.type = show ? "text" : "password";
  button.setAttribute("aria-pressed", String(show));
  button.querySelector(".button-label").textContent = show ? button.dataset.hide : button.dataset.show;
  input.focus();
}

function checkSize(input) {
  const most = Number(input.dataset.maxBytes);
  const tooBig = most > 0 && [...input.files].some((file) => file.size > most);
  input.setCustomValidity(tooBig ? input.dataset.tooBig : "");
  if (tooBig) input.reportValidity();
}

export function setUpFields() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".reveal");
    if (button) toggle(button);
  });
  document.addEventListener("change", (event) => {
    if (event.target.type === "file") checkSize(event.target);
    // A list that acts by itself keeps its button for those without script.
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
  document.addEventListener("input", (event) => {
    if (event.target.getAttribute("aria-invalid") === "true") event.target.removeAttribute("aria-invalid");
  });
  // Passwords that a manager keeps must leave as passwords, even when shown.
  document.addEventListener("submit", (event) => {
    for (const button of event.target.querySelectorAll(".reveal[aria-pressed='true']")) toggle(button);
  });
  const summary = document.querySelector(".error-summary");
  if (summary) summary.focus();
}
