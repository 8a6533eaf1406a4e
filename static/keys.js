// Keys for the lists and the page of an alert. They can be switched off, and act only where the focus is.
(() => {
  "use strict";
  const dialog = document.getElementById("keys");
  const box = document.getElementById("keys-on");
  const OFF = "keys-off";
  const stored = (value) => { // a browser that stores nothing keeps the keys on
    try {
      if (value === undefined) return localStorage.getItem(OFF);
      if (value) localStorage.setItem(OFF, "1"); else localStorage.removeItem(OFF);
    } catch { /* nothing to be done */ }
    return null;
  };
  box.checked = !stored();
  box.addEventListener("change", () => stored(!box.checked));
  const show = () => { if (!dialog.open) dialog.showModal(); };
  document.getElementById("show-keys").addEventListener("click", show);

  const rows = () => [...document.querySelectorAll(".alerts > .alert")];
  const here = () => document.activeElement.closest?.(".alert") || document.getElementById("alert");
  const step = (by) => {
    const all = rows();
    const at = all.indexOf(document.activeElement.closest?.(".alert"));
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  const press = (what) => here()?.querySelector(what)?.click();
  const into = (what, where = here()) => where?.querySelector(what)?.focus();
  const KEYS = {
    "?": show,
    "/": () => into("[type=search], [data-search]", document),
    j: () => step(1),
    k: () => step(-1),
    x: () => press(".pick"),
    a: () => press("[value=acknowledge]"),
    r: () => press("[value=resolve]"),
    u: () => press("[value=unacknowledge]"),
    n: () => into("[name=note]"),
    Enter: () => { if (document.activeElement.matches(".alerts > .alert")) press(".title a"); },
  };
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    const types = target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (key === "Escape" && types && target.closest(".alert, #alert")) here().focus();
    if (!box.checked || types || dialog.open || event.ctrlKey || event.metaKey || event.altKey || !KEYS[key]) return;
    if (key === "Enter" && !target.matches(".alerts > .alert")) return;
    event.preventDefault(); // or the letter would be typed into what gets the focus
    KEYS[key]();
  });
})();
