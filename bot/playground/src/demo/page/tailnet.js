// The other side: the clock, the bot, what can be broken, and the tailnet as its admins see it.

import { app, change, me, now } from "./api.js";
import { h } from "./dom.js";
import { rove } from "./sidebar.js";
import { city, clock, date, left } from "./time.js";

export function tailnet() {
  return h("aside", { class: "tailnet", "aria-label": "The tailnet, the clock and the bot" }, clockCard(), botCard(), devices(), calls());
}

function clockCard() {
  const zone = me().tz;
  const move = (seconds) => change("clock", { seconds });
  const deadline = app.data.deadline_ms;
  const whose = app.data.deadline_of;
  const mayBeOn = !deadline && app.data.tailnet.devices.some((one) => lent(one).length > 0);
  const words = deadline ? `${whose}, in ${left(deadline - now())}` : mayBeOn ? "something may still be on" : "nothing is lent";
  return h("section", { class: "panel clock", "aria-labelledby": "clock-title" },
    h("h2", { id: "clock-title" }, "Time"),
    h("p", { class: "now" }, h("span", { class: "big" }, clock(now(), zone, true)), h("span", { class: "hint" }, `${date(now(), zone)}, ${city(zone)}`)),
    h("div", { class: "buttons" }, [["+1 min", 60], ["+10 min", 600], ["+1 h", 3600]].map(([name, seconds]) => h("button", {
      type: "button", class: "act", key: name, "data-clock": seconds, on: { click: () => move(seconds) },
    }, name)),
    h("button", {
      type: "button", class: "act latch", disabled: deadline ? null : true, "data-clock": "deadline", on: { click: () => change("clock", { to_deadline: true }) },
    }, "To the deadline", h("span", { class: "hint" }, ` ${words}`))));
}

function botCard() {
  const { bot } = app.data;
  const [state, words] = bot.running ? ["on", "running"] : bot.starting ? ["wait", "starting"] : ["off", "killed"];
  const press = async (what) => {
    app.ui.busy.bot = true;
    app.redraw();
    await change(`bot/${what}`);
    delete app.ui.busy.bot;
    app.redraw();
  };
  return h("section", { class: "panel bot", "aria-labelledby": "bot-title" },
    h("div", { class: "head" }, h("h2", { id: "bot-title" }, "The bot"), h("span", { class: `status ${state}`, role: "status", "data-bot": words }, words), h("span", { class: "grow" }),
      bot.running
        ? h("button", { type: "button", class: "act danger", key: "kill", "data-action": "kill", on: { click: () => press("kill") } }, "Kill it")
        : h("button", { type: "button", class: "act primary", key: "start", "data-action": "start", "aria-busy": app.ui.busy.bot ? "true" : null, on: { click: () => press("start") } }, "Start it again")),
    !bot.running && h("p", { class: "hint" }, bot.trouble ?? "Nothing was flushed and nobody was told. Its file and Tailscale's own expiry are all that is left."),
    choice("tailscale", "Tailscale", [["works", "works"], ["fails", "fails"], ["hangs", "hangs"], ["limited", "is busy"]]),
    choice("slack", "Slack", [["works", "works"], ["slow", "is slow"], ["down", "is down"]]));
}

function choice(name, title, all) {
  const now_is = app.data.switches[name];
  return h("div", { class: "choice" }, h("span", { class: "label", id: `choice-${name}` }, title),
    h("div", { class: "segments", role: "radiogroup", "aria-labelledby": `choice-${name}`, on: { keydown: rove } }, all.map(([mood, words]) => h("button", {
      type: "button", role: "radio", "aria-checked": mood === now_is ? "true" : "false", tabindex: mood === now_is ? "0" : "-1", key: mood,
      class: mood === "works" ? "" : "bad", "data-mood": `${name}-${mood}`,
      on: { click: () => change("fault", { [name]: mood }) },
    }, words))));
}

function devices() {
  const all = app.data.tailnet.devices;
  const people = all.filter((one) => !one.tags.length && !one.is_external);
  const others = all.filter((one) => one.tags.length || one.is_external);
  // What changes is on top.
  people.sort((one, other) => lent(other).length - lent(one).length);
  return h("section", { class: "panel devices", "aria-labelledby": "devices-title" },
    h("h2", { id: "devices-title" }, "Devices"), h("p", { class: "hint" }, app.data.tailnet.tailnet),
    h("ul", { class: "plain" }, people.map(device), others.map(device)));
}

const lent = (one) => one.attributes.filter((attribute) => !attribute.was_found);

/** As their makers write them; Tailscale says them in lower case but for one. */
const OS = { linux: "Linux", windows: "Windows", android: "Android", ios: "iOS" };

function device(one) {
  const isLent = lent(one).length > 0;
  const owner = one.tags.length ? one.tags.join(" ") : one.is_external ? `shared in by ${one.owner}` : one.owner;
  const isShown = app.ui.lit && (isLent || app.ui.lit === one.name);
  return h("li", { class: `device${isLent ? " lent" : ""}${isShown ? " lit" : ""}`, key: one.node_id, "data-device": one.name },
    h("div", { class: "title" }, h("strong", {}, one.name), h("span", { class: "hint" }, `${OS[one.os] ?? one.os} · ${owner}`)),
    one.attributes.map(attribute), rules(one));
}

function attribute(one) {
  const leftMs = one.expires_at === null ? null : Math.max(0, one.expires_at - now());
  const full = one.set_at === null || leftMs === null ? leftMs : one.expires_at - one.set_at;
  return h("div", { class: one.was_found ? "attribute" : "attribute ours", key: one.key, "data-attribute": one.key },
    h("code", {}, `${one.key} = ${JSON.stringify(one.value)}`),
    leftMs === null ? h("span", { class: "hint" }, "for good") : h("span", { class: "left" }, `${left(leftMs)} left`),
    leftMs !== null && h("progress", { max: String(Math.max(1, full)), value: String(leftMs), "aria-label": "Time left" }));
}

/** Only rules that ask for a posture: the others are open always, or never were. */
function rules(one) {
  const open = one.rules.filter((rule) => rule.includes(" by posture:"));
  const shut = (one.rules_shut ?? []).filter((rule) => rule.includes(" by posture:"));
  const words = (rule) => rule.replace(/ by posture:.*$/, "");
  const row = (rule, isOpen, shown = words(rule)) => h("li", { class: isOpen ? "rule open" : "rule", key: rule, "data-rule": isOpen ? "open" : "closed", title: rule },
    h("span", { class: "target" }, h("span", { "aria-hidden": "true" }, "→ "), shown), h("span", { class: "answer" }, isOpen ? "open" : "closed"));
  if (open.length + shut.length === 0) return null;
  if (open.length === 0) return h("ul", { class: "plain rules" }, row(shut.join(" by posture:"), false, shut.map(words).join(", ")));
  return h("ul", { class: "plain rules" }, open.map((rule) => row(rule, true)), shut.map((rule) => row(rule, false)));
}

function calls() {
  const all = app.data.calls;
  return h("section", { class: "panel calls", "aria-labelledby": "calls-title" },
    h("h2", { id: "calls-title" }, "What the bot said to Tailscale"),
    all.length === 0 ? h("p", { class: "hint" }, "Nothing yet.") : h("ol", { class: "plain log", tabindex: "0", "aria-labelledby": "calls-title" }, all.map((one, index) => h("li", { key: all.length - index },
      h("time", { class: "hint" }, clock(one.at_ms, me().tz, true)), h("span", { class: `method ${one.method.toLowerCase()}` }, one.method), h("span", { class: "path", title: one.path }, short(one.path)),
      h("span", { class: one.status === null ? "code wait" : one.status < 400 ? "code" : "code bad" }, one.status ?? "…")))));
}

/** The path without what is the same everywhere, and devices by name. */
function short(path) {
  const words = decodeURIComponent(path.replace(/^\/api\/v2\//, "").split("?")[0]);
  const named = words.replace(/^device\/([^/]+)/, (whole, id) => app.data.tailnet.devices.find((one) => one.node_id === id)?.name ?? whole);
  return named.replace(/^tailnet\/-\//, "").replace(/\/attributes\//, " ").replace("/", " ");
}
