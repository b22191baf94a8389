// Before the first paint, so that nothing flashes: where the person chose neither light nor dark, the system's wish.
"use strict";

const wishes = matchMedia("(prefers-color-scheme: dark)");
function followSystem() {
  const root = document.documentElement;
  if ("themeBySystem" in root.dataset) root.dataset.theme = wishes.matches ? "dark" : "light";
}
followSystem();
wishes.addEventListener("change", followSystem);
