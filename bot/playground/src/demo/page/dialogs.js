// Small windows of the page's own: "are you sure?", and the switcher for people and channels.

import { app, keep, now, refresh, sit } from "./api.js";
import { h } from "./dom.js";
import { plain, text } from "./markup.js";
import { clock, city } from "./time.js";
import { avatar } from "./sidebar.js";

/** Does `then`, after asking if the element says so. */
export function confirmed(question, then) {
  if (!question) return then();
  app.ui.confirm = { question, then };
  return app.redraw();
}

/** Opens a native dialog when it is first drawn: it keeps the focus inside and gives it back when it goes. */
export function shown(node) {
  if (node.open || !node.isConnected) return;
  node.showModal();
  (node.querySelector("[autofocus]") ?? node.querySelector("input, textarea, select, .foot button"))?.focus();
}

/** Opens one that leaves everything around it usable: a form lies over the conversation, and people, clock and switches stay. */
export function shownBeside(node) {
  if (node.open || !node.isConnected) return;
  node.show();
  (node.querySelector("[autofocus]") ?? node.querySelector("input, textarea, select, .foot button"))?.focus();
}

export function confirmDialog() {
  const asked = app.ui.confirm;
  if (!asked) return null;
  const { question, then } = asked;
  const end = (yes) => {
    app.ui.confirm = null;
    app.redraw();
    if (yes) then();
  };
  return h("dialog", {
    key: "confirm", class: "small-dialog", "aria-labelledby": "confirm-title", drawn: shown,
    on: { cancel: (event) => { event.preventDefault(); end(false); } },
  },
  h("h2", { id: "confirm-title" }, plain(question.title?.text ?? "Are you sure?")),
  h("div", { class: "words" }, text(question.text)),
  h("div", { class: "foot" },
    h("button", { type: "button", class: "act", on: { click: () => end(false) } }, plain(question.deny?.text ?? "Cancel")),
    h("button", { type: "button", class: `act ${question.style === "danger" ? "danger full" : "primary"}`, autofocus: true, on: { click: () => end(true) } },
      plain(question.confirm?.text ?? "Yes"))));
}

/** People one can be: not the bot, not those who left. */
export function actors() {
  return app.data.slack.people.filter((one) => !["bot", "deactivated"].includes(one.kind));
}

/** From now on the screen is somebody else's. */
export function become(id) {
  keep("as", id);
  app.ui.combo = null;
  app.ui.replying = null;
  sit();
  return refresh();
}

/** Goes to a channel. */
export function visit(id) {
  keep("channel", id);
  app.ui.tab = "messages";
  app.ui.pane = "chat";
  app.redraw();
}

export function openSwitcher() {
  app.ui.switcher = { query: "", at: 0 };
  app.redraw();
}

export function switcherDialog() {
  const state = app.ui.switcher;
  if (!state) return null;
  const words = state.query.toLowerCase();
  const people = actors().map((one) => ({
    key: one.id, text: `Be ${one.real_name}`, more: `${clock(now(), one.tz)} in ${city(one.tz)}`, face: one, go: () => become(one.id),
  }));
  const places = app.data.slack.channels.map((one) => ({ key: one.id, text: one.name, more: "Go there", go: () => visit(one.id) }));
  const all = [...people, ...places].filter((one) => one.text.toLowerCase().includes(words));
  const at = Math.min(state.at, all.length - 1);
  const end = (one) => {
    app.ui.switcher = null;
    app.redraw();
    one?.go();
  };
  const keys = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) state.at = (at + by + all.length) % Math.max(1, all.length);
    else if (event.key !== "Enter") return undefined;
    // The dialog closes and the focus goes back: without this the key would press what it went back to.
    event.preventDefault();
    return by ? app.redraw() : end(all[at]);
  };
  return h("dialog", {
    key: "switcher", class: "switcher", "aria-label": "Switch person or channel", drawn: shown,
    on: {
      cancel: (event) => { event.preventDefault(); end(); },
      click: (event) => { if (event.target === event.currentTarget) end(); },
    },
  },
  h("input", {
    type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "switcher-list", "aria-label": "Who or where",
    "aria-activedescendant": at >= 0 ? `switch-${at}` : null, placeholder: "Be somebody, or go somewhere", value: state.query, autofocus: true,
    autocomplete: "off", on: { keydown: keys, input: (event) => { Object.assign(state, { query: event.target.value, at: 0 }); app.redraw(); } },
  }),
  h("ul", { role: "listbox", id: "switcher-list", "aria-label": "People and channels" }, all.map((one, index) => h("li", {
    role: "option", id: `switch-${index}`, key: one.key, "aria-selected": index === at ? "true" : "false", on: { click: () => end(one) },
  }, one.face ? avatar(one.face) : h("span", { class: "hash" }, one.text.slice(0, 1)), h("span", {}, one.face ? one.text : one.text.slice(1)), h("span", { class: "hint" }, one.more)))));
}
