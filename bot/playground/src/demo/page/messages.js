// The conversation in front: messages with their blocks, threads below them, and the bot's Home.

import { app, channel, me, perform, person } from "./api.js";
import { blocks } from "./blocks.js";
import { composer } from "./composer.js";
import { h } from "./dom.js";
import { escaped, mrkdwn } from "./markup.js";
import { modal } from "./modal.js";
import { avatar } from "./sidebar.js";
import { clock, date } from "./time.js";

export function chat() {
  const here = app.ui.channel === "home" ? null : channel();
  const isApp = !here || here.is_direct;
  const isHome = isApp && (app.ui.tab === "home" || !here);
  const form = modal();
  const parts = [
    h("header", { class: "chat-head" },
      h("h1", {}, isApp ? "nightlatch" : here.name), isApp ? h("span", { class: "badge" }, "app") : null,
      isApp && h("div", { class: "tabs", role: "tablist", "aria-label": "nightlatch" }, tab("messages", "Messages", !isHome, !here), tab("home", "Home", isHome)),
      h("span", { class: "grow" }), h("span", { class: "hint seen-as" }, "as seen by ", h("strong", {}, me().real_name))),
    isHome ? home() : list(here),
    ...isHome ? [] : [composer(here)],
  ];
  // Behind a form nothing of the conversation can have the focus.
  if (form) for (const part of parts) part.props.inert = true;
  return h("section", { class: "chat", "aria-label": isApp ? "nightlatch" : here.name }, parts, form && h("div", { class: "veil", key: "veil" }), form);
}

function tab(name, words, isOn, isOff) {
  const go = () => {
    app.ui.tab = name;
    app.redraw();
    if (name === "home") perform("open-home", {});
  };
  return h("button", {
    type: "button", role: "tab", "aria-selected": isOn ? "true" : "false", disabled: isOff ? true : null, "data-tab": name, on: { click: go },
  }, words);
}

function home() {
  const view = app.data.slack.home;
  if (!view) {
    return h("div", { class: "messages empty" }, h("p", {}, app.data.bot.running ? "Press Home to open it." : "The bot is not running."),
      h("button", { type: "button", class: "act primary", "data-action": "open-home", on: { click: () => perform("open-home", {}, "home") } }, "Open Home"));
  }
  const place = { on: "home", id: view.id, values: view.state.values, errors: {} };
  return h("div", { class: "messages home", role: "tabpanel", "aria-label": "Home", tabindex: "0" }, h("div", { class: "card wide" }, blocks(view.blocks, place)));
}

function list(here) {
  const all = here.messages;
  const firsts = all.filter((one) => !one.thread_ts || one.thread_ts === one.ts || !all.some((other) => other.ts === one.thread_ts));
  let day = "";
  const rows = firsts.map((one) => {
    const today = date(Number(one.ts) * 1000, me().tz);
    const separator = today !== day && h("div", { class: "day", key: `day-${one.ts}` }, h("span", {}, today));
    day = today;
    return [separator, message(one, here), thread(one, here)];
  });
  return h("div", {
    class: "messages", role: "log", "aria-label": `Messages in ${here.name}`, "aria-live": "off", tabindex: "0", key: `list-${here.id}-${app.ui.as}`,
    "data-newest": firsts.at(-1)?.ts ?? "", on: { keydown: walk },
  }, all.length === 0 ? empty(here) : rows);
}

function empty(here) {
  return h("div", { class: "empty", key: "empty" }, h("p", { class: "big" }, `This is ${here.name}.`),
    h("p", { class: "hint" }, here.name === "#access" ? "Requests for access and their cards appear here. Type /access below to begin." : "Nothing was said here yet."));
}

/** The list is one stop of Tab; arrows go from message to message, and what can be done with one is behind it. */
function walk(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const isInField = event.target.matches("input, textarea, [role=combobox]");
  if (!by || isInField) return;
  const all = [...event.currentTarget.querySelectorAll("article")];
  const at = all.indexOf(document.activeElement.closest("article"));
  const next = at < 0 ? all.at(-1) : all[Math.min(all.length - 1, Math.max(0, at + by))];
  if (!next) return;
  event.preventDefault();
  app.ui.walked = next.dataset.ts;
  app.redraw();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** After everything was drawn: stays at the end while one is there, and goes there when something new came; but never so far that
 * the beginning of the newest message is out of sight. */
export function stickToTheEnd() {
  const node = document.querySelector("[data-newest]");
  if (!node) return;
  if (node.newest !== node.dataset.newest || node.wasAtEnd) {
    const newest = node.querySelector(`article[data-ts="${node.dataset.newest}"]`);
    const top = newest ? newest.offsetTop - node.offsetTop - 8 : node.scrollHeight;
    node.scrollTop = Math.min(node.scrollHeight - node.clientHeight, top);
  }
  node.newest = node.dataset.newest;
  if (node.wasAtEnd !== undefined) return;
  node.wasAtEnd = true;
  node.addEventListener("scroll", () => { node.wasAtEnd = isAtEnd(node); });
}

/** Whether the end is in sight, or the beginning of the newest message is at the top. */
function isAtEnd(node) {
  const newest = node.querySelector(`article[data-ts="${node.dataset.newest}"]`);
  const top = newest ? newest.offsetTop - node.offsetTop - 8 : 0;
  return node.scrollHeight - node.scrollTop - node.clientHeight < 40 || Math.abs(node.scrollTop - top) < 40;
}

function message(one, here, isReply = false) {
  const author = person(one.user);
  const place = { on: { message: { channel: here.id, ts: one.ts } }, id: one.ts, values: one.chosen, errors: {} };
  const hasBlocks = one.blocks?.length > 0;
  const name = author?.kind === "bot" ? "nightlatch" : author?.real_name ?? one.author;
  return h("article", {
    class: `message ${one.ephemeral ? "ephemeral" : ""} ${isReply ? "reply" : ""}`, key: `${one.ts}-${one.ephemeral}`, "data-ts": one.ts, tabindex: "-1",
    "aria-label": `${name} at ${clock(Number(one.ts) * 1000, me().tz)}`,
  },
  avatar(author ?? { id: one.user, real_name: one.author }),
  h("div", { class: "body" },
    one.ephemeral && h("p", { class: "only" }, "Only visible to you"),
    h("p", { class: "by" }, h("strong", {}, name), author?.kind === "bot" && h("span", { class: "badge" }, "app"),
      h("time", { class: "hint" }, clock(Number(one.ts) * 1000, me().tz))),
    hasBlocks ? h("div", { class: "card" }, blocks(one.blocks, place)) : h("div", { class: "words" }, mrkdwn(one.text), one.edited && h("span", { class: "hint" }, " (edited)")),
    (one.attachments ?? []).map((part) => h("div", { class: "attachment" }, blocks(part.blocks ?? [], place), part.text && mrkdwn(part.text))),
    !one.ephemeral && h("div", { class: "deeds" }, !isReply && !hasReplies(one, here) && app.ui.replying !== one.ts && replyButton(one, one), shortcuts(one, here))));
}

const hasReplies = (one, here) => here.messages.some((other) => other.thread_ts === one.ts && other.ts !== one.ts);

/** Of all messages only the one that arrows went to has its deeds in the order of Tab. */
const stop = (one) => (app.ui.walked === one?.ts ? "0" : "-1");

function replyButton(one, of) {
  return h("button", { type: "button", class: "act quiet reply-to", tabindex: of ? stop(of) : "0", on: { click: () => { app.ui.replying = one.ts; app.redraw(); } } }, "Reply");
}

/** Shortcuts for messages, as Slack offers them behind its three dots. */
function shortcuts(one, here) {
  return app.data.hints.shortcuts.filter((shortcut) => shortcut.is_for_messages).map(({ name, callback_id }) => h("button", {
    type: "button", class: "act quiet", key: callback_id, "data-action": callback_id, tabindex: stop(one),
    on: { click: () => perform("message-shortcut", { callback_id, channel: here.id, ts: one.ts }, `${callback_id}-${one.ts}`) },
  }, name));
}

function thread(first, here) {
  const replies = here.messages.filter((one) => one.thread_ts === first.ts && one.ts !== first.ts);
  const isReplying = app.ui.replying === first.ts;
  if (replies.length === 0 && !isReplying) return null;
  const isOpen = !app.ui.closedThreads[first.ts];
  const toggle = () => {
    app.ui.closedThreads[first.ts] = isOpen;
    app.redraw();
  };
  const id = `thread-${first.ts}`;
  return h("div", { class: "thread", key: id },
    replies.length > 0 && h("button", { type: "button", class: "act quiet", "aria-expanded": isOpen ? "true" : "false", "aria-controls": id, on: { click: toggle } },
      h("span", { "aria-hidden": "true" }, isOpen ? "▾ " : "▸ "), `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`),
    isOpen && h("div", { class: "replies", id }, replies.map((one) => message(one, here, true)),
      isReplying ? replyBox(first, here) : replyButton(first)));
}

function replyBox(first, here) {
  const key = `reply-${first.ts}`;
  const send = async () => {
    const text = (app.ui.drafts[key] ?? "").trim();
    if (!text) return;
    app.ui.drafts[key] = "";
    await perform("message", { channel: here.id, text: escaped(text), thread: first.ts }, key);
  };
  const keys = (event) => {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    }
    if (event.key === "Escape") {
      app.ui.replying = null;
      app.redraw();
    }
  };
  return h("input", {
    type: "text", class: "reply-box", "aria-label": "Reply in the thread", placeholder: "Reply…", autocomplete: "off", value: app.ui.drafts[key] ?? "",
    drawn: (node) => { if (!node.wasDrawn) node.focus(); node.wasDrawn = true; },
    on: { keydown: keys, input: (event) => { app.ui.drafts[key] = event.target.value; } },
  });
}

let told = null;

/** New messages of others in the conversation in front, for those who listen instead of look. */
export function announcement() {
  const here = app.ui.channel === "home" ? null : channel();
  const key = `${here?.id}-${app.ui.as}`;
  const newest = here?.messages.at(-1);
  const before = told;
  told = { key, ts: newest?.ts };
  if (!newest || !before || before.key !== key || before.ts === newest.ts || newest.user === app.ui.as) return null;
  return `${newest.shown}`;
}

/** Messages in front of somebody are read. */
export function markRead() {
  const here = app.ui.channel === "home" ? null : channel();
  const isSeen = here?.unread > 0 && document.visibilityState === "visible" && app.ui.tab === "messages";
  if (!isSeen || app.ui.busy.read) return;
  app.ui.busy.read = true;
  perform("read", { channel: here.is_direct ? "@nightlatch" : here.id }).finally(() => { delete app.ui.busy.read; });
}
