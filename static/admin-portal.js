// The theme of the admin is that of the portal: the cookie "theme", empty for what the system says.
"use strict";
(() => {
  const THEMES = ["", "light", "dark"];
  const root = document.documentElement;
  const chosen = () => (document.cookie.match(/(?:^|; )theme=(light|dark)/) || ["", ""])[1];
  const show = () => { root.dataset.theme = chosen() || "auto"; };
  const next = () => {
    const theme = THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length];
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
    show();
  };
  show();
  addEventListener("DOMContentLoaded", () => {
    for (const button of document.getElementsByClassName("theme-toggle")) button.addEventListener("click", next);
  });
})();
