// Puts the page together, draws it whenever something changed, and listens to the keyboard.

import { app, keep, listen, perform, refresh, sit } from "./api.js";
import { coach } from "./coach.js";
import { confirmDialog, openSwitcher, switcherDialog } from "./dialogs.js";
import { draw, h } from "./dom.js";
import { announcement, chat, markRead, stickToTheEnd } from "./messages.js";
import { moon, sidebar } from "./sidebar.js";
import { tailnet } from "./tailnet.js";

const root = document.getElementById("app");
const spoken = document.getElementById("spoken");

function page() {
  const pane = app.ui.pane;
  return [
    header(),
    coach(),
    app.lost && h("p", { class: "lost", role: "alert" }, "The demo does not answer. Is it still running in the terminal? This page tries again by itself."),
    h("main", { class: `panes show-${pane}` }, sidebar(), chat(), tailnet()),
    h("nav", { class: "pane-tabs", "aria-label": "Panes" }, [["people", "People"], ["chat", "Chat"], ["tailnet", "Tailnet"]].map(([name, words]) => h("button", {
      type: "button", key: name, "aria-current": pane === name ? "page" : null, "data-pane": name, on: { click: () => { app.ui.pane = name; app.redraw(); } },
    }, words, name === "tailnet" && app.data.deadline_ms && h("span", { class: "dot small" }, h("span", { class: "away" }, "something is lent"))))),
    confirmDialog(), switcherDialog(),
    h("div", { class: "toasts", role: "status" }, app.ui.toasts.map((one) => h("p", { key: one.id }, one.words))),
  ];
}

function header() {
  return h("header", { class: "top" },
    h("span", { class: "brand" }, moon(), "Nightlatch"),
    h("span", { class: "hint tag" }, "the lock that locks itself"), h("span", { class: "grow" }),
    app.ui.guide !== "open" && h("button", { type: "button", class: "act quiet", on: { click: () => { keep("guide", "open"); app.redraw(); } } }, "Tour"),
    h("button", { type: "button", class: "act quiet", "aria-label": isDark() ? "Light colours" : "Dark colours", on: { click: turn } }, isDark() ? "☀" : "☾"));
}

const night = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return app.ui.theme ? app.ui.theme === "dark" : night.matches;
}

function turn() {
  keep("theme", isDark() ? "light" : "dark");
  app.redraw();
}

let isDrawing = false;
let again = false;

app.redraw = () => {
  // What disappears may lose the focus, and that is told while we draw.
  again = true;
  if (isDrawing) return;
  isDrawing = true;
  for (let times = 0; again && times < 5; times += 1) {
    again = false;
    drawAll();
  }
  isDrawing = false;
};

function drawAll() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  if (!app.data) return;
  draw(root, page());
  stickToTheEnd();
  const words = announcement();
  if (words) spoken.textContent = words;
  markRead();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && !document.querySelector("dialog:modal")) {
    event.preventDefault();
    openSwitcher();
  }
  // As in Slack's own search: one key to where one types, from wherever nothing is typed.
  const isTyping = event.target.matches?.("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey;
  const field = document.getElementById("composer");
  if (event.key === "/" && !isTyping && field && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    field.focus();
  }
});
night.addEventListener("change", app.redraw);
document.addEventListener("visibilitychange", app.redraw);

app.redraw();
listen();
await refresh();
sit();
// As in Slack: what was open before the page was loaded again is not.
if (app.data?.slack.modal) perform("modal-close", { everything: true });
// Clocks and time left run by themselves.
setInterval(app.redraw, 1000);
