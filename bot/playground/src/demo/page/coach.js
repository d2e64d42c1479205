// The guided first minute: one step at a time, moved on by what has happened and not by what was pressed.

import { act, app, change, channel, keep, me, refresh } from "./api.js";
import { typeForThem } from "./composer.js";
import { become, visit } from "./dialogs.js";
import { h } from "./dom.js";

const LINE = "/access prod-db 2h invoice 1204 is stuck";
const LINK = "/go wiki https://example.com/wiki/";
const ALICE = "U0ALICE01";
const BOB = "U0BOB0001";

const access = () => app.data.slack.channels.find((one) => one.name === "#access");

/** What each step says, and what it can do for those in a hurry. */
const STEPS = {
  ask: {
    title: "Ask for access",
    words: () => ["You are ", h("strong", {}, me().real_name), ". Borrow the production database for two hours: type ", h("code", {}, LINE), " and press Enter."],
    actions: () => [["Type it for me", async () => {
      if (app.ui.as !== ALICE) await become(ALICE);
      visit(access().id);
      await typeForThem(channel(), LINE);
    }]],
  },
  approve: {
    title: "Let somebody else decide",
    words: () => (app.ui.as === BOB ? ["Read the card as Bob does, then press ", h("strong", {}, "Approve"), "."] : ["Alice may not approve her own request. Be Bob, of the database team, and press ", h("strong", {}, "Approve"), "."]),
    actions: () => (app.ui.as === BOB ? [] : [["Be Bob", async () => { await become(BOB); visit(access().id); }]]),
  },
  open: { title: "See the door open", words: () => ["The bot now tells Tailscale, reads it back, and only then says that it is active."], actions: () => [] },
  wait: {
    title: "It locks itself",
    words: () => ["Two hours are long. Move the clock to the moment the access ends, on the right."],
    actions: () => [["To the deadline", () => change("clock", { to_deadline: true })]],
  },
  gone: { title: "Verified gone", words: () => ["The time is up. The bot takes it back, looks again, and writes what it found on the same card."], actions: () => [] },
  links: {
    title: "Go links and pastes",
    words: () => ["The bot also keeps short names and pastes. Type ", h("code", {}, LINK), ", then open what it answers: the tailnet takes your browser for ", h("strong", {}, me().real_name), "'s."],
    actions: () => [["Type it for me", async () => { visit(access().id); await typeForThem(channel(), LINK); }]],
  },
  break: {
    title: "Now break it",
    words: () => (app.data.coach.at(-1).begun
      ? ["Something is broken. Ask, approve or let the time run out as before, then mend it and see what becomes of it."]
      : ["Make Tailscale fail, or kill the bot, while something is lent. Then mend it and look."]),
    actions: () => (app.data.coach.at(-1).begun ? [["Mend everything", mend]] : [
      ["Make Tailscale fail", () => change("fault", { tailscale: "fails" })],
      ["Kill the bot", () => change("bot/kill")],
    ]),
  },
};

async function mend() {
  await act("fault", { tailscale: "works", slack: "works" });
  if (!app.data.bot.running) await act("bot/start");
  await refresh();
}

const isBroken = () => !app.data.bot.running || Object.values(app.data.switches).some((mood) => mood !== "works");

export function coach() {
  if (app.ui.guide !== "open") return null;
  const steps = app.data.coach;
  const current = steps.findIndex((one) => !one.done);
  const id = steps[current]?.id;
  const shown = STEPS[id];
  // Whatever step one is at, there is a way out of what one broke.
  const actions = shown ? shown.actions() : [];
  if (isBroken() && id !== "break") actions.push(["Mend everything", mend]);
  return h("section", { class: "coach", "aria-label": "Guided tour" },
    h("ol", { class: "steps", "aria-label": "Steps" }, steps.map((one, index) => h("li", {
      key: one.id, class: one.done ? "done" : index === current ? "now" : "", "aria-current": index === current ? "step" : null, "data-step": one.id,
      title: STEPS[one.id].title,
    }, h("span", { class: "away" }, `${STEPS[one.id].title}: ${one.done ? "done" : "to do"}`), h("span", { "aria-hidden": "true" }, one.done ? "✓" : index + 1)))),
    h("div", { class: "grow", "aria-live": "polite" }, shown
      ? [h("strong", {}, shown.title), " ", h("span", {}, shown.words())]
      : [h("strong", {}, "That is all of it."), " ", h("span", {}, "Everything here was the real bot; only Slack and the tailnet were made up. Play on.")]),
    actions.map(([name, run]) => h("button", { type: "button", class: "act primary", key: name, "data-coach": name, on: { click: run } }, name)),
    h("button", { type: "button", class: "act quiet", "aria-label": "Close the tour", on: { click: () => { keep("guide", "shut"); app.redraw(); } } }, "✕"));
}
