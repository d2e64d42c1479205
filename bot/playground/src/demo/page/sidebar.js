// Who one is and where: the people whose screen can be seen, channels and direct messages.

import { app, channel, now } from "./api.js";
import { actors, become, openSwitcher, visit } from "./dialogs.js";
import { h } from "./dom.js";
import { city, clock } from "./time.js";

/** The mark, as the icon and every page of the bot show it. */
export function moon() {
  return h("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, h("path", { d: "M15 2.500a10 10 0 1 0 6.600 14.600A8.500 8.500 0 0 1 15 2.500Z" }));
}

/** A face: initials on a colour of one's own. */
export function avatar(one, size = "") {
  const hue = Math.max(0, app.data.slack.people.indexOf(one)) % 6;
  if (one?.kind === "bot") {
    return h("span", { class: `face bot ${size}`, "aria-hidden": "true" }, moon());
  }
  return h("span", { class: `face hue-${hue} ${size}`, "aria-hidden": "true" }, (one?.real_name ?? "?").slice(0, 2));
}

const NOTES = { guest: "guest", outsider: "other company" };

export function sidebar() {
  return h("nav", { class: "sidebar", "aria-label": "People and channels" },
    h("div", { class: "team" }, h("strong", { class: "grow" }, app.data.slack.team.name),
      h("button", { type: "button", class: "act quiet", "aria-keyshortcuts": "Control+K", on: { click: openSwitcher } }, "Switch ", h("kbd", { class: "keys" }, "Ctrl K"))),
    h("h2", { id: "people-title" }, "You are"),
    h("div", { class: "list", role: "radiogroup", "aria-labelledby": "people-title", on: { keydown: rove } }, actors().map(face)),
    h("h2", { id: "channels-title" }, "Channels"),
    h("div", { class: "list", role: "group", "aria-labelledby": "channels-title", on: { keydown: rove } },
      app.data.slack.channels.filter((one) => !one.is_direct).map(place)),
    h("h2", { id: "direct-title" }, "Apps"),
    h("div", { class: "list", role: "group", "aria-labelledby": "direct-title", on: { keydown: rove } }, direct()));
}

function face(one) {
  const isMe = one.id === app.ui.as;
  const unread = isMe ? 0 : app.data.unread[one.id];
  return h("button", {
    type: "button", class: "row person", role: "radio", "aria-checked": isMe ? "true" : "false", tabindex: isMe ? "0" : "-1", key: one.id,
    "data-person": one.name, on: { click: () => become(one.id) },
  }, avatar(one), h("span", { class: "grow" }, h("span", { class: "name" }, one.real_name),
    h("span", { class: "hint" }, [`${clock(now(), one.tz)} ${city(one.tz)}`, NOTES[one.kind]].filter(Boolean).join(" · "))),
  unread > 0 && dot(unread));
}

function dot(count) {
  return h("span", { class: "dot" }, count, h("span", { class: "away" }, " unread"));
}

function place(one) {
  const isHere = one.id === channel()?.id;
  return h("button", {
    type: "button", class: one.unread > 0 ? "row unread" : "row", key: one.id, "aria-current": isHere ? "page" : null,
    tabindex: isHere ? "0" : "-1", "data-channel": one.name, on: { click: () => visit(one.id) },
  }, h("span", { class: "hash", "aria-hidden": "true" }, one.is_private ? "🔒" : "#"), h("span", { class: "grow" }, one.name.replace(/^#/, "")),
  one.is_shared && h("span", { class: "hint" }, "shared"), one.unread > 0 && dot(one.unread));
}

/** The direct messages with the bot; before the first one there is only its Home. */
function direct() {
  const bot = app.data.slack.people.find((one) => one.kind === "bot");
  const own = app.data.slack.channels.find((one) => one.is_direct);
  const isHere = own ? own.id === channel()?.id : app.ui.channel === "home";
  return h("button", {
    type: "button", class: own?.unread > 0 ? "row unread" : "row", "aria-current": isHere ? "page" : null, tabindex: "0",
    "data-channel": "@nightlatch", on: { click: () => visit(own?.id ?? "home") },
  }, avatar(bot, "tiny"), h("span", { class: "grow" }, "nightlatch"), own?.unread > 0 && dot(own.unread));
}

/** Arrow keys move within a list, Tab moves on to the next. */
export function rove(event) {
  const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const all = [...event.currentTarget.querySelectorAll("button")];
  const at = all.indexOf(document.activeElement);
  if (at < 0) return;
  let next = by ? all[(at + by + all.length) % all.length] : null;
  if (event.key === "Home") [next] = all;
  if (event.key === "End") next = all.at(-1);
  if (!next) return;
  event.preventDefault();
  next.focus();
}
