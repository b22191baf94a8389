// @ts-check
// Sets the theme of the system before the first paint, where the person chose none. A classic script in the head: a module
// would run after the first paint, and the page would flash.
{
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const { dataset } = document.documentElement;
  const followSystem = () => {
    if ("themeBySystem" in dataset) dataset.theme = prefersDark.matches ? "dark" : "light";
  };
  followSystem();
  prefersDark.addEventListener("change", followSystem);
}
