// The guided first minute: one step at a time, moved on by what has happened and not by what was pressed.

import { act, app, change, channel, keep, me, refresh } from "./api.js";
import { typed, typeForThem } from "./composer.js";
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
    words: () => (typed(channel()) === LINE ? ["That is the line. Now press ", h("kbd", {}, "Enter"), "."] : ["You are ", h("strong", {}, me().real_name), ". Borrow the production database for two hours: type ", h("code", {}, LINE), " and press Enter."]),
    actions: () => (typed(channel()) === LINE ? [] : [["Type it for me", async () => {
      if (app.ui.as !== ALICE) await become(ALICE);
      visit(access().id);
      await typeForThem(channel(), LINE);
    }]]),
  },
  approve: {
    title: "Let somebody else decide",
    words: () => (app.ui.as === BOB ? ["Read the card as Bob does, then press ", h("strong", {}, "Approve"), "."] : ["Alice may not approve her own request. Be Bob, of the database team, and press ", h("strong", {}, "Approve"), "."]),
    actions: () => (app.ui.as === BOB ? [] : [["Be Bob", async () => { await become(BOB); visit(access().id); }]]),
  },
  open: {
    title: "See the door open",
    waits: true,
    words: (isDone) => (isDone
      ? ["The bot told Tailscale, read it back, and only then said that it is active. The door to the database is open, on the right, and so is the time it has left."]
      : ["The bot now tells Tailscale, reads it back, and only then says that it is active."]),
    actions: () => [],
  },
  wait: {
    title: "It locks itself",
    words: () => ["Two hours are long. Move the clock to the moment the access ends, on the right."],
    actions: () => [["To the deadline", () => change("clock", { to_deadline: true })]],
  },
  gone: {
    title: "Verified gone",
    waits: true,
    words: (isDone) => (isDone
      ? ["The time was up. The bot took it back, looked again, and wrote what it found on the same card: ", h("strong", {}, "verified gone"), ". The door is closed."]
      : ["The time is up. The bot takes it back, looks again, and writes what it found on the same card."]),
    actions: () => [],
  },
  links: {
    title: "Go links and pastes",
    waits: true,
    words: (isDone) => (isDone
      ? ["Open what it answered: the tailnet takes your browser for ", h("strong", {}, me().real_name), "'s. ", h("code", {}, "/paste"), " keeps texts the same way."]
      : ["The bot also keeps short names and pastes. Type ", h("code", {}, LINK), ", then open what it answers."]),
    actions: (isDone) => (isDone ? [] : [["Type it for me", async () => { visit(access().id); await typeForThem(channel(), LINK); }]]),
  },
  break: { title: "Now break it", waits: true, words: (isDone) => breaking(isDone).words, actions: (isDone) => breaking(isDone).actions },
};

/** The last step: lend, break, let the time run out, see that it is said, mend. What comes next is told by how things are. */
function breaking(isDone) {
  const isLent = app.data.deadline_ms !== null;
  const mend_it = ["Mend everything", mend];
  if (isDone) return { words: ["Mended. It was tried again until it worked, and the card says how late: ", h("strong", {}, "verified gone"), ", with the time."], actions: [] };
  if (isBroken() && isLent) return { words: ["It is broken, and something is lent. Let its time run out and see what is said."], actions: [["To the deadline", () => change("clock", { to_deadline: true })], mend_it] };
  if (isBroken()) {
    const words = app.data.bot.running
      ? ["Its time is up, and it cannot be taken back: the card says so, in a moment ", h("strong", {}, "STUCK"), " with an alarm. Mend it and look at the card."]
      : ["The bot is dead. Tailscale knew the end too, and kept it. Start the bot again and look at the card."];
    return { words, actions: [mend_it] };
  }
  if (isLent) {
    return {
      words: ["Something is lent again. Now make Tailscale fail, or kill the bot."],
      actions: [["Make Tailscale fail", () => change("fault", { tailscale: "fails" })], ["Kill the bot", () => change("bot/kill")]],
    };
  }
  return { words: ["What if Tailscale fails, or the bot is killed, while something is lent? First lend something again: Alice asks, and Bob approves."], actions: [["Lend it again", lendAgain]] };
}

/** Alice asks and Bob approves, for those who have done it once by hand. */
async function lendAgain() {
  const here = access().id;
  await become(ALICE);
  visit(here);
  await act("command", { as: ALICE, channel: here, line: LINE });
  await become(BOB);
  for (let tries = 0; tries < 40; tries += 1) {
    const card = newestCard();
    if (card) {
      await act("press", { as: BOB, on: { message: { channel: here, ts: card.ts } }, what: "approve" });
      break;
    }
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    await refresh();
  }
  await refresh();
}

const newestCard = () => access().messages.filter((one) => !one.ephemeral && JSON.stringify(one.blocks ?? []).includes("\"action_id\":\"approve\"")).at(-1);

async function mend() {
  await act("fault", { tailscale: "works", slack: "works" });
  if (!app.data.bot.running) await act("bot/start");
  await refresh();
}

const isBroken = () => !app.data.bot.running || Object.values(app.data.switches).some((mood) => mood !== "works");

/** Steps that show something wait until the reader goes on: what they show is there within a blink. */
const isToured = (id) => app.ui.toured.split(" ").includes(id);

function goOn(id) {
  app.ui.toured = `${app.ui.toured} ${id}`.trim();
  app.redraw();
}

export function coach() {
  app.ui.lit = null;
  if (app.ui.guide !== "open") return null;
  const steps = app.data.coach;
  const isBehind = (one) => one.done && (!STEPS[one.id].waits || isToured(one.id));
  const current = steps.findIndex((one) => !isBehind(one));
  const step = steps[current];
  const shown = step && STEPS[step.id];
  // The row on the right that changed.
  if (["open", "gone", "break"].includes(step?.id)) app.ui.lit = "alice-laptop";
  // Whatever step one is at, there is a way out of what one broke.
  const actions = shown ? shown.actions(step.done) : [];
  if (isBroken() && step?.id !== "break") actions.push(["Mend everything", mend]);
  if (step?.done) actions.push([current === steps.length - 1 ? "Done" : "Go on", () => goOn(step.id)]);
  const close = () => { keep("guide", "shut"); app.redraw(); };
  return h("section", { class: "coach", "aria-label": "Guided tour" },
    h("ol", { class: "steps", "aria-label": "Steps" }, steps.map((one, index) => h("li", {
      key: one.id, class: isBehind(one) ? "done" : index === current ? "now" : "", "aria-current": index === current ? "step" : null, "data-step": one.id,
      title: STEPS[one.id].title,
    }, h("span", { class: "away" }, `${STEPS[one.id].title}: ${isBehind(one) ? "done" : "to do"}`), h("span", { "aria-hidden": "true" }, isBehind(one) ? "✓" : index + 1)))),
    h("div", { class: "grow", "aria-live": "polite" }, shown
      ? [h("strong", {}, shown.title), " ", h("span", {}, shown.words(step.done))]
      : [h("strong", {}, "That is all of it."), " ", h("span", {}, "Everything here was the real bot; only Slack and the tailnet were made up, and threads, which Slack opens beside a channel, are drawn below their message. For your own: ",
        h("a", { href: "/go-live", target: "_blank", "data-coach": "Go live" }, "Go live"), ", in about ten minutes.")]),
    actions.map(([name, run], index) => h("button", { type: "button", class: index === 0 ? "act primary" : "act", key: name, "data-coach": name, on: { click: run } }, name)),
    shown
      ? h("button", { type: "button", class: "act quiet", "aria-label": "Close the tour", on: { click: close } }, "✕")
      : h("button", { type: "button", class: "act primary", "data-coach": "Close", on: { click: close } }, "Close"));
}
