// On a phone a row of tabs is wider than the window: the one shown is brought into sight.
export function setUpTabs() {
  for (const row of document.querySelectorAll(".tabs")) {
    const here = row.querySelector("[aria-current]");
    if (here) row.scrollLeft = here.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
  }
}
