// Runs before the first paint: says that scripts work, and puts the stored choice of light or dark in place.
(function () {
  var root = document.documentElement;
  root.classList.add("js");
  try {
    var theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch (_) {
    // Storage may be closed to us; the system's choice then stands.
  }
})();
