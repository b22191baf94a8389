// @ts-check
// The switch between light and dark. The server sets the theme from the cookie; without scripts the form posts to it.
import { around, root } from "./dom.js";

const YEAR_SECONDS = 365 * 24 * 60 * 60;

document.addEventListener("submit", (event) => {
  if (!around(event, "[data-theme-switch]")) return;
  event.preventDefault();
  const theme = root.dataset.theme === "dark" ? "light" : "dark";
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `backflush_theme=${theme}; path=/; max-age=${YEAR_SECONDS}; samesite=lax${secure}`;
  delete root.dataset.themeBySystem;
  root.dataset.theme = theme;
  document.dispatchEvent(new CustomEvent("theme-changed"));
});
