// The frame of every page: theme, the one clock of all polls, how old the figures are, what went wrong.
(() => {
  "use strict";
  const root = document.documentElement;
  const notice = document.getElementById("notice");
  root.classList.add("js");

  // --- theme: a cookie, so that the server paints the first frame right ------------------------------------
  const THEMES = ["", "light", "dark"];
  const button = document.getElementById("theme");
  const showTheme = () => { button.textContent = `Theme: ${root.dataset.theme || "system"}`; };
  button.addEventListener("click", () => {
    const theme = THEMES[(THEMES.indexOf(root.dataset.theme || "") + 1) % THEMES.length];
    if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
    showTheme();
    document.dispatchEvent(new Event("theme"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("theme")));
  showTheme();

  // --- password fields -------------------------------------------------------------------------------------
  for (const shows of document.querySelectorAll("[data-shows]")) {
    const field = document.getElementById(shows.dataset.shows);
    shows.addEventListener("click", () => {
      const visible = field.type === "password";
      field.type = visible ? "text" : "password";
      shows.textContent = visible ? "Hide password" : "Show password";
      shows.setAttribute("aria-pressed", visible);
    });
  }

  // --- the clock: a tick every 30 s, none while hidden, rarer while the server does not answer -----------------
  const PERIOD = 30_000, LONGEST = 300_000;
  let wait = PERIOD, due = Date.now() + PERIOD, timer = 0, stopped = false;
  const tick = () => {
    due = Date.now() + wait;
    document.body.dispatchEvent(new CustomEvent("tick"));
    schedule();
  };
  const schedule = () => {
    clearTimeout(timer);
    if (!document.hidden && !stopped) timer = setTimeout(tick, Math.max(0, due - Date.now()));
  };
  document.addEventListener("visibilitychange", schedule);
  schedule();

  const say = (text, action) => {
    notice.textContent = text;
    if (action) notice.append(action);
  };
  const retry = () => {
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = "Retry now";
    again.addEventListener("click", () => {
      document.getElementById("main").focus({ preventScroll: true });
      say("Trying again.");
      tick();
    });
    return again;
  };
  const failed = (why) => {
    wait = Math.min(wait * 2, LONGEST);
    due = Date.now() + wait;
    schedule();
    say(`Not updated: ${why} Trying again in ${wait / 1000} s.`, retry());
  };
  const signedOut = () => {
    stopped = true;
    clearTimeout(timer);
    const link = document.createElement("a");
    link.href = `/login/?ended=1&next=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = "Sign in again";
    say("Not updated: your session has ended.", link);
  };
  document.body.addEventListener("htmx:error", () => failed("the server did not answer."));
  document.body.addEventListener("htmx:after:request", ({ detail: { ctx: { response } } }) => {
    if (response.status === 401) return signedOut();
    if (response.status >= 400) return failed(`the server answered with error ${response.status}.`);
    wait = PERIOD;
    due = Date.now() + wait;
    schedule();
    say("");
    reached(response.headers);
  });

  // --- freshness: told by the server's clock, and known even when it no longer answers ---------------------
  const freshness = document.getElementById("freshness");
  const STALE_AFTER = 120_000;
  let ahead = 0; // how far the server's clock is ahead of ours, ms
  const reached = (headers) => {
    const through = headers.get("Data-Through");
    if (!freshness || !through) return;
    if (!freshness.dataset.through) return location.reload(); // the first calculation: the line is a different one
    freshness.dataset.through = through;
    if (headers.get("Date")) ahead = Date.parse(headers.get("Date")) - Date.now();
    showAge();
  };
  const ago = (ms) => {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
      if (seconds >= length) return `${Math.floor(seconds / length)}\u00a0${unit}`;
    }
    return `${seconds}\u00a0s`;
  };
  const showAge = () => {
    const through = Date.parse(freshness.dataset.through);
    const age = Date.now() + ahead - through;
    const format = { timeZone: freshness.dataset.zone, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    freshness.querySelector("[data-time]").textContent = new Intl.DateTimeFormat("en-GB", format).format(through);
    freshness.querySelector("[data-age]").textContent = ago(age);
    freshness.classList.toggle("is-stale", age > STALE_AFTER);
  };
  if (freshness && freshness.dataset.through) {
    ahead = Date.parse(freshness.dataset.now) - Date.now();
    setInterval(() => { if (!document.hidden) showAge(); }, 10_000);
  }
})();
