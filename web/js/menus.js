// Menus are <details>: here they learn to close on Escape, on a click elsewhere and when another one opens.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
}

export function setUpMenus() {
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details.menu[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
      return;
    }
    // The sheets that links open (:target) close as they opened, through the history.
    if (document.querySelector(".site-nav:target, .facets:target")) history.back();
  });
  // A search for what stands under the hand: "/" goes to the search box.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const search = document.querySelector(".site-search input");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  });
}
