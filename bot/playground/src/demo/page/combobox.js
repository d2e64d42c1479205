// A menu one can search: of fixed options, of groups, or of what the bot answers while one types.

import { app } from "./api.js";
import { h } from "./dom.js";

/** Between the last key and the question to the bot. */
const QUIET_MS = 150;
let pending = 0;

/**
 * `options` or `groups` are `{ value, text, more }`; `ask(query)` answers with Slack's options; `chosen` is what is picked
 * now; `choose(value)` picks. With `asMenu` it is a button with a list.
 */
export function combobox(menu) {
  const state = app.ui.combo?.id === menu.id ? app.ui.combo : null;
  const shown = state ? offered(menu, state) : [];
  const list = `${menu.id}-list`;
  const at = state ? Math.min(state.at, shown.length - 1) : -1;
  const common = {
    id: menu.id, role: "combobox", "aria-expanded": state ? "true" : "false", "aria-controls": list, "aria-haspopup": "listbox",
    "aria-activedescendant": at >= 0 ? `${list}-${at}` : null, "aria-label": menu.label ?? null,
    "aria-describedby": menu.labels?.["aria-describedby"] ?? null, "aria-invalid": menu.labels?.["aria-invalid"] ?? null,
    "aria-busy": menu.busy ? "true" : null,
  };
  const on = {
    click: () => open(menu), keydown: (event) => keys(event, menu, shown),
    blur: () => close(menu),
  };
  const chosen = menu.isMany ? "" : menu.chosen[0]?.text ?? "";
  const box = menu.asMenu
    ? h("button", { ...common, type: "button", class: "act more", on }, "⋯")
    : h("input", {
      ...common, type: "text", autocomplete: "off", spellcheck: "false", "aria-autocomplete": "list",
      placeholder: chosen || menu.placeholder, value: state ? state.query : chosen,
      on: { ...on, input: (event) => search(menu, event.target.value) },
    });
  return h("div", { class: state ? "combo open" : "combo", key: menu.id },
    menu.isMany && tokens(menu), box, state && options(menu, state, shown, list, at));
}

function tokens(menu) {
  return menu.chosen.map((one) => h("button", {
    type: "button", class: "token", key: one.value, "aria-label": `Remove ${one.text}`, on: { click: () => menu.choose(one.value) },
  }, one.text, " ✕"));
}

function options(menu, state, shown, list, at) {
  if (state.isAsking && shown.length === 0) return h("p", { class: "menu empty", id: list }, "Looking…");
  if (shown.length === 0) return h("p", { class: "menu empty", id: list }, tooShort(menu, state) ? "Keep typing" : "Nothing found");
  let title;
  const rows = shown.map((one, index) => {
    const heading = one.title && one.title !== title && h("li", { class: "title", role: "presentation" }, one.title);
    title = one.title;
    const isChosen = menu.chosen.some((other) => other.value === one.value);
    return [heading, h("li", {
      role: "option", id: `${list}-${index}`, class: index === at ? "at" : "", "aria-selected": isChosen ? "true" : "false", "data-value": one.value,
      // The field keeps the focus.
      on: { mousedown: (event) => event.preventDefault(), click: () => pick(menu, one) },
      drawn: (node) => { if (index === at && state.byKeys) node.scrollIntoView({ block: "nearest" }); },
    }, h("span", {}, one.text), one.more && h("span", { class: "hint" }, one.more))];
  });
  return h("ul", { class: "menu", role: "listbox", id: list, "aria-label": menu.label ?? menu.placeholder ?? "Options" }, rows);
}

const tooShort = (menu, state) => menu.ask && state.query.length < menu.atLeast;

function offered(menu, state) {
  if (menu.ask) return state.found ?? [];
  const all = menu.groups ? menu.groups.flatMap((group) => group.options.map((one) => ({ ...one, title: group.title }))) : menu.options;
  const words = state.query.toLowerCase();
  return all.filter((one) => `${one.text} ${one.more ?? ""}`.toLowerCase().includes(words));
}

function open(menu) {
  if (app.ui.combo?.id === menu.id) {
    if (menu.asMenu) close(menu);
    return;
  }
  const all = menu.groups?.flatMap((group) => group.options) ?? menu.options ?? [];
  const at = Math.max(0, all.findIndex((one) => one.value === menu.chosen[0]?.value));
  app.ui.combo = { id: menu.id, query: "", at, byKeys: true, found: null, isAsking: false };
  if (menu.ask) ask(menu);
  app.redraw();
}

function close(menu) {
  if (app.ui.combo?.id !== menu.id) return;
  app.ui.combo = null;
  app.redraw();
}

function search(menu, query) {
  open(menu);
  Object.assign(app.ui.combo, { query, at: 0 });
  if (menu.ask) ask(menu);
  app.redraw();
}

/** Asks the bot when it was quiet for a moment; an answer that comes too late for its question is dropped. */
function ask(menu) {
  const state = app.ui.combo;
  clearTimeout(pending);
  if (tooShort(menu, state)) {
    state.found = null;
    return;
  }
  state.isAsking = true;
  const { query } = state;
  pending = setTimeout(async () => {
    const answer = await menu.ask(query);
    if (app.ui.combo !== state || state.query !== query) return;
    Object.assign(state, { isAsking: false, found: (answer?.options ?? []).map(menu.option) });
    app.redraw();
  }, query ? QUIET_MS : 0);
}

function pick(menu, one) {
  close(menu);
  menu.choose(one.value);
}

function keys(event, menu, shown) {
  const state = app.ui.combo?.id === menu.id ? app.ui.combo : null;
  const move = (by) => {
    event.preventDefault();
    if (!state) return open(menu);
    const count = Math.max(1, shown.length);
    Object.assign(state, { at: (state.at + by + count) % count, byKeys: true });
    return app.redraw();
  };
  if (event.key === "ArrowDown") return move(1);
  if (event.key === "ArrowUp") return move(-1);
  if (event.key === "Escape" && state) {
    // Only the list closes, not the modal around it.
    event.preventDefault();
    event.stopPropagation();
    return close(menu);
  }
  if (event.key === "Enter" && (state || !menu.asMenu)) {
    event.preventDefault();
    if (state && shown[state.at]) pick(menu, shown[state.at]);
    else if (!state) open(menu);
  }
  return undefined;
}
