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

  // --- how close rows stand: a cookie, too -------------------------------------------------------------------
  const density = document.getElementById("density");
  if (density) {
    const showDensity = () => { density.textContent = `Rows: ${root.dataset.density || "roomy"}`; };
    density.addEventListener("click", () => {
      const compact = !root.dataset.density;
      if (compact) root.dataset.density = "compact"; else delete root.dataset.density;
      document.cookie = `density=${compact ? "compact" : ""}; path=/; max-age=${compact ? 31536000 : 0}; samesite=lax`;
      showDensity();
    });
    showDensity();
  }

  // --- times: those of the organisation or of the browser, a cookie for the same reason ---------------------
  const zone = document.getElementById("zone");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const isOwn = /(?:^|; )zone=./.test(document.cookie);
  if (zone) {
    const ofOrganization = zone.dataset.ofOrganization;
    zone.textContent = isOwn ? `Times: yours (${own})` : `Times: ${ofOrganization}`;
    zone.title = isOwn ? `Show those of the organisation (${ofOrganization})` : `Show yours (${own})`;
    zone.addEventListener("click", () => {
      document.cookie = `zone=${isOwn ? "" : encodeURIComponent(own)}; path=/; max-age=${isOwn ? 0 : 31536000}; samesite=lax`;
      location.reload();
    });
  }

  // --- the menu closes when one leaves it -------------------------------------------------------------------
  const menu = document.getElementById("menu");
  if (menu) {
    document.addEventListener("click", ({ target }) => { if (!menu.contains(target)) menu.open = false; });
    menu.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape") return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
    menu.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !menu.contains(relatedTarget)) menu.open = false;
    });
  }

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

  let about = ""; // what the notice speaks of: polls do not take away what is said of an act
  const say = (text, action, of = "") => {
    about = of;
    notice.textContent = text;
    if (action) notice.append(action);
  };
  const press = (label, then) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", then);
    return made;
  };
  const retry = () => press("Retry now", () => {
    document.getElementById("main").focus({ preventScroll: true });
    say("Trying again.");
    tick();
  });
  const failed = (why) => {
    wait = Math.min(wait * 2, LONGEST);
    due = Date.now() + wait;
    schedule();
    if (about !== ACT) say(`Not updated: ${why} Trying again in ${wait / 1000} s.`, retry());
  };
  const signedOut = (what) => {
    stopped = true;
    clearTimeout(timer);
    say(`${what}: your session has ended.`, leaving("Sign in again", `/login/?ended=1&next=${encodeURIComponent(here())}`), ACT);
  };

  // --- what was typed outlasts signing in again, for the same reader ---------------------------------------------
  const here = () => location.pathname + location.search; // a range may have changed it
  const DRAFTS = `typed by ${document.querySelector("#menu summary")?.textContent} at ${location.pathname}`;
  const fields = () => [...document.querySelectorAll("main form[method=post] .text[id]")];
  const stored = (act) => { try { return act(sessionStorage); } catch { return null; } }; // or this browser stores nothing
  const leaving = (label, address) => {
    const link = document.createElement("a");
    link.href = address;
    link.textContent = label;
    link.addEventListener("click", () => stored((store) => store.setItem(
      DRAFTS, JSON.stringify(fields().filter(({ value }) => value).map(({ id, value }) => [id, value])),
    )));
    return link;
  };
  const typed = stored((store) => store.getItem(DRAFTS));
  for (const [id, value] of JSON.parse(typed || "[]")) {
    const field = document.getElementById(id);
    if (field && !field.value) field.value = value;
  }
  stored((store) => store.removeItem(DRAFTS));

  // --- acts: what was not saved is said, and what was typed stays where it is ------------------------------------
  const ACT = "act", SLOW = 4_000;
  const isAct = (ctx) => ctx?.sourceElement instanceof HTMLFormElement;
  const isLink = (ctx) => ctx?.sourceElement instanceof HTMLAnchorElement;
  const notDone = (ctx, why) => {
    const { sourceElement: source, sourceEvent } = ctx;
    const again = isLink(ctx) ? source : sourceEvent?.submitter;
    say(`${isLink(ctx) ? "Not loaded" : "Not saved"}: ${why}`, press("Retry", () => {
      say("Trying again.", null, ACT);
      again?.focus();
      if (isLink(ctx)) source.click(); else source.requestSubmit(again);
    }), ACT);
  };
  const refused = (ctx, status) => {
    if (status === 401) return signedOut(isLink(ctx) ? "Not loaded" : "Not saved");
    if (status === 403) return say("Not saved: you may not do this, or the page is too old.", leaving("Load it again", here()), ACT);
    if (status === 404) return say("Not saved: it does not exist any more.", null, ACT);
    return notDone(ctx, `the server answered with error ${status}.`);
  };
  const acted = (ctx) => {
    const { sourceElement, response: { status } } = ctx;
    if (status >= 400 && status !== 409 && status !== 422) return refused(ctx, status);
    if (status < 400) sourceElement.reset();
    if (status < 400 && "thenPoll" in sourceElement.dataset) document.body.dispatchEvent(new CustomEvent("tick"));
    say("");
  };
  let slow = 0;
  document.body.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (isAct(ctx) || isLink(ctx)) slow = setTimeout(() => say("Still waiting: the server has not answered yet.", null, ACT), SLOW);
  });
  // What had the focus may be gone, or switched off while the answer was on its way: then it stays where it was.
  document.body.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (!isAct(ctx) && !isLink(ctx)) return;
    clearTimeout(slow);
    if (document.activeElement && document.activeElement !== document.body) return;
    const target = ctx.target?.id && document.getElementById(ctx.target.id);
    if (target) target.focus({ preventScroll: target.id !== "outcomes" });
  });
  document.addEventListener("change", ({ target }) => {
    const name = target.dataset.ticks;
    if (name) for (const box of document.querySelectorAll(`input[name="${name}"]`)) box.checked = target.checked;
  });

  document.body.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (isAct(ctx) || isLink(ctx)) notDone(ctx, "the server did not answer.");
    else failed("the server did not answer.");
  });
  document.body.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (isAct(ctx)) return acted(ctx);
    const { response } = ctx;
    if (isLink(ctx) && response.status >= 400) return refused(ctx, response.status);
    if (response.status === 401) return signedOut("Not updated");
    if (response.status >= 400) return failed(`the server answered with error ${response.status}.`);
    wait = PERIOD;
    due = Date.now() + wait;
    schedule();
    if (about !== ACT || isLink(ctx)) say("");
    reached(response.headers);
  });

  // --- freshness: told by the server's clock, and known even when it no longer answers ---------------------
  const freshness = document.getElementById("freshness");
  const STALE_AFTER = 120_000;
  let ahead = 0; // how far the server's clock is ahead of ours, ms
  const reached = (headers) => {
    showOpen(headers.get("Open-Alerts"));
    const through = headers.get("Data-Through");
    if (!freshness || !through) return;
    if (!freshness.dataset.through) return location.reload(); // the first calculation: the line is a different one
    freshness.dataset.through = through;
    if (headers.get("Date")) ahead = Date.parse(headers.get("Date")) - Date.now();
    showAge();
  };
  const showOpen = (count) => {
    const place = document.getElementById("open-alerts");
    if (count === null || !place || place.textContent === count) return;
    const more = count - place.textContent;
    place.textContent = count;
    place.classList.toggle("some", count !== "0");
    showIcon(count !== "0");
    if (more > 0 && about !== ACT && !document.getElementById("news")) say(more === 1 ? "1 more open alert." : `${more} more open alerts.`);
    document.title = (count === "0" ? "" : `(${count}) `) + document.title.replace(/^\(\d+\) /, "");
  };
  const icon = document.getElementById("icon");
  let alarmed = Number(document.getElementById("open-alerts")?.textContent) > 0;
  const showIcon = (open) => {
    if (open === alarmed) return;
    alarmed = open;
    [icon.href, icon.dataset.other] = [icon.dataset.other, icon.getAttribute("href")];
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

  // --- how long ago: counted on here, so that a part which only ages is not sent again ----
  const showAgo = () => {
    for (const place of document.querySelectorAll("[data-ago]")) {
      place.textContent = ` (${ago(Date.now() + ahead - Date.parse(place.dataset.ago))} ago)`;
    }
  };
  setInterval(() => { if (!document.hidden) showAgo(); }, 30_000);
})();
