"use strict";
(function () {
  const bar = document.getElementById("bar");
  const rows = Array.from(document.querySelectorAll(".steps > li"));
  const sections = Array.from(document.querySelectorAll("section.class"));
  const count = document.getElementById("count");
  const none = document.getElementById("none");
  const fields = {};
  for (const el of bar.querySelectorAll("[name]")) fields[el.name] = el;
  const texts = new Map(); // what a row is searched for, made when it is first asked

  function text(row) {
    let t = texts.get(row);
    if (t === undefined) {
      t = row.textContent.toLowerCase();
      texts.set(row, t);
    }
    return t;
  }

  function matches(row, want) {
    const d = row.dataset;
    return (!want.system || d.system === want.system) &&
      (!want.person || d.person.toLowerCase() === want.person.toLowerCase()) &&
      (!want.class || d.class === want.class) &&
      (!want.action || d.action === want.action) &&
      (!want.risk || d.risk.split(" ").includes(want.risk)) &&
      want.words.every(function (w) { return text(row).includes(w); });
  }

  function wanted() {
    const want = {};
    for (const name in fields) want[name] = fields[name].value.trim();
    want.words = want.q.toLowerCase().split(/\s+/).filter(Boolean);
    return want;
  }

  function show() {
    const want = wanted();
    let n = 0;
    for (const row of rows) {
      const yes = matches(row, want);
      if (row.hidden === yes) row.hidden = !yes;
      if (yes) n++;
    }
    for (const s of sections) {
      const shown = s.querySelectorAll(".steps > li:not([hidden])").length;
      s.hidden = shown === 0;
      const all = Number(s.dataset.count);
      s.querySelector(".n").textContent = shown === all ? String(all) : shown + " of " + all;
    }
    for (const name in fields) fields[name].classList.toggle("on", fields[name].value.trim() !== "");
    count.textContent = n === rows.length ? rows.length + " in all" : n + " of " + rows.length + " shown";
    none.hidden = n > 0 || rows.length === 0;
  }

  function save() {
    const p = new URLSearchParams();
    for (const name in fields) if (fields[name].value.trim()) p.set(name, fields[name].value.trim());
    const s = p.toString();
    history.replaceState(null, "", s ? "#" + s : location.pathname + location.search);
  }

  function load() {
    const p = new URLSearchParams(location.hash.slice(1));
    for (const name in fields) fields[name].value = p.get(name) || "";
    show();
  }

  let timer = 0;
  bar.addEventListener("input", function () {
    clearTimeout(timer);
    timer = setTimeout(function () { show(); save(); }, rows.length > 2000 ? 150 : 0);
  });
  bar.addEventListener("submit", function (e) { e.preventDefault(); });
  document.getElementById("clear").addEventListener("click", clear);
  addEventListener("hashchange", load);

  function clear() {
    for (const name in fields) fields[name].value = "";
    show();
    save();
  }

  // The theme follows the system until somebody chooses.
  const theme = document.getElementById("theme");
  theme.hidden = false;
  theme.addEventListener("click", function () {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  function move(by) {
    const open = rows.filter(function (r) { return !r.hidden; });
    if (!open.length) return;
    const at = open.findIndex(function (r) { return r.contains(document.activeElement); });
    const next = at < 0 ? (by > 0 ? 0 : open.length - 1) : Math.min(Math.max(at + by, 0), open.length - 1);
    open[next].querySelector("summary").focus();
  }

  addEventListener("keydown", function (e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (e.key === "Escape") {
      clear();
      document.activeElement.blur();
    } else if (!typing && e.key === "/") {
      e.preventDefault();
      fields.q.focus();
    } else if (!typing && (e.key === "j" || e.key === "k")) {
      move(e.key === "j" ? 1 : -1);
    }
  });

  // On paper everything that is shown is open, unless that would be a book.
  let opened = [];
  addEventListener("beforeprint", function () {
    const shown = rows.filter(function (r) { return !r.hidden; });
    if (shown.length > 500) return;
    opened = shown.map(function (r) { return r.firstElementChild; }).filter(function (d) { return !d.open; });
    for (const d of opened) d.open = true;
  });
  addEventListener("afterprint", function () {
    for (const d of opened) d.open = false;
    opened = [];
  });

  bar.hidden = false;
  load();
})();
