// Where one types: messages and slash commands, which are completed word by word.

import { app, perform } from "./api.js";
import { h } from "./dom.js";
import { escaped } from "./markup.js";

/** What the list offers for what stands before the caret: `{ text, more }`, and where the word to be replaced begins. */
function completions(line) {
  if (!line.startsWith("/")) return [];
  const words = line.split(/ +/);
  const last = words.at(-1).toLowerCase();
  const known = app.data.hints;
  let offers = [];
  if (words.length === 1) offers = known.commands.map((one) => ({ text: one.command, more: one.title }));
  else if (VERBS[words[0]]) offers = words.length === 2 ? VERBS[words[0]] : [];
  else if (words[0] === "/access") offers = afterAccess(words, known);
  else offers = afterOwn(words, known);
  return offers.filter((one) => one.text.toLowerCase().startsWith(last) && one.text.toLowerCase() !== last);
}

/** What can stand after the commands that take free text. */
const VERBS = {
  "/go": [{ text: "search", more: "links by their words" }, { text: "mine", more: "links I own" }, { text: "top", more: "the most used" }, { text: "help", more: "how this works" }],
  "/paste": [{ text: "list", more: "my pastes" }, { text: "delete", more: "one of mine" }, { text: "help", more: "how this works" }],
};

function afterAccess(words, known) {
  const names = known.names.map((one) => ({ text: one.name, more: one.title }));
  if (words.length === 2) {
    return [...names, { text: "list", more: "what I hold, asked for and may decide" }, { text: "return", more: "give something back" }, { text: "help", more: "how this works" }];
  }
  if (words[1] === "return") return words.length === 3 ? names : [];
  const chosen = known.names.find((one) => one.name === words[1]);
  return words.length === 3 && chosen ? holds(chosen) : [];
}

function afterOwn(words, known) {
  const own = known.names.find((one) => one.command === words[0]);
  return own && words.length === 2 ? holds(own) : [];
}

const holds = (one) => one.holds.map((text) => ({ text, more: text === one.hold ? "the usual" : text === one.holds.at(-1) ? "the most" : "" }));

/** What is typed after a command, in grey, as its manifest says it. */
function hint(line) {
  const command = line.split(" ")[0];
  return line.startsWith("/") ? app.data.hints.commands.find((one) => one.command === command)?.usage ?? "" : "";
}

export function composer(here) {
  const key = `${app.ui.as}-${here.id}`;
  const line = app.ui.drafts[key] ?? "";
  const state = (app.ui.completing ??= { at: -1, isShut: false });
  const offers = state.isShut ? [] : completions(line);
  const at = Math.min(state.at, offers.length - 1);
  const put = (text) => {
    app.ui.drafts[key] = text;
    Object.assign(state, { at: -1, isShut: false });
    app.redraw();
  };
  const take = (offer) => {
    const words = line.split(/ +/);
    words[words.length - 1] = `${offer.text} `;
    put(words.join(" "));
    document.getElementById("composer")?.focus();
  };
  const keys = (event) => keyed(event, { here, key, line, state, offers, at, take });
  return h("form", { class: "composer", on: { submit: (event) => { event.preventDefault(); send(here, key); } } },
    offers.length > 0 && h("ul", { class: "menu up", role: "listbox", id: "completions", "aria-label": "Completions" }, offers.map((one, index) => h("li", {
      role: "option", id: `completion-${index}`, "aria-selected": index === at ? "true" : "false", class: index === at ? "at" : "", key: one.text,
      on: { mousedown: (event) => event.preventDefault(), click: () => take(one) },
    }, h("span", {}, one.text), h("span", { class: "hint" }, one.more), index === Math.max(0, at) && h("kbd", {}, "Tab")))),
    h("div", { class: "line" },
      h("input", {
        id: "composer", type: "text", role: "combobox", "aria-label": `Message ${here.name}`, "aria-keyshortcuts": "/", "aria-autocomplete": "list", "aria-expanded": offers.length > 0 ? "true" : "false",
        "aria-controls": "completions", "aria-activedescendant": at >= 0 ? `completion-${at}` : null, autocomplete: "off", spellcheck: "false", maxlength: "3000",
        placeholder: here.name === "#access" ? "Type /access to borrow something" : `Message ${here.name}`, value: line,
        on: { keydown: keys, input: (event) => put(event.target.value), blur: () => { state.isShut = true; app.redraw(); }, focus: () => { state.isShut = false; app.redraw(); } },
      }),
      h("button", { type: "submit", class: "act primary", disabled: line.trim() === "" ? true : null, "aria-busy": app.ui.busy[key] ? "true" : null }, "Send")),
    h("p", { class: "hint under" }, hint(line) || shortcuts()));
}

/** Global shortcuts of the app, as Slack offers them behind its plus. */
function shortcuts() {
  return app.data.hints.shortcuts.filter((one) => !one.is_for_messages).map((one) => h("button", {
    type: "button", class: "act quiet", "data-action": one.callback_id, on: { click: () => perform("shortcut", { callback_id: one.callback_id }, one.callback_id) },
  }, "+ ", one.name));
}

function keyed(event, { here, key, line, state, offers, at, take }) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by && offers.length > 0) {
    event.preventDefault();
    state.at = (at + by + offers.length) % offers.length;
    return app.redraw();
  }
  if (event.key === "Tab" && !event.shiftKey && offers.length > 0) {
    event.preventDefault();
    return take(offers[Math.max(0, at)]);
  }
  if (event.key === "Escape" && offers.length > 0) {
    event.preventDefault();
    state.isShut = true;
    return app.redraw();
  }
  if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    // Somebody who went into the list means it; a half-typed command means its completion.
    const isHalf = line.startsWith("/") && !line.includes(" ") && offers.length > 0;
    return at >= 0 || isHalf ? take(offers[Math.max(0, at)]) : send(here, key);
  }
  return undefined;
}

async function send(here, key) {
  const line = (app.ui.drafts[key] ?? "").trim();
  if (!line || app.ui.busy[key]) return;
  app.ui.drafts[key] = "";
  const channel = here.is_direct ? "@nightlatch" : here.id;
  const done = line.startsWith("/") ? await perform("command", { channel, line }, key) : await perform("message", { channel, text: escaped(line) }, key);
  if (done === null && !app.ui.drafts[key]) app.ui.drafts[key] = line;
  app.redraw();
}

/** What stands in the line one types in. */
export function typed(here) {
  return app.ui.drafts[`${app.ui.as}-${here?.id}`] ?? "";
}

/** Types a line for somebody who looks on, letter by letter, and leaves it to them to send it. */
export async function typeForThem(here, line) {
  const key = `${app.ui.as}-${here.id}`;
  // Before the first letter: an Enter that comes early belongs to the line and not to the button that was pressed.
  document.getElementById("composer")?.focus();
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (let length = isCalm ? line.length : 1; length <= line.length; length += 1) {
    app.ui.drafts[key] = line.slice(0, length);
    Object.assign((app.ui.completing ??= {}), { isShut: true, at: -1 });
    app.redraw();
    if (!isCalm) await new Promise((resolve) => { setTimeout(resolve, 18); });
  }
  document.getElementById("composer")?.focus();
  app.ui.completing.isShut = true;
  app.redraw();
}
