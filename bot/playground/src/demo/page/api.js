// Talks to the demo: reads the state, does things, and hears when something changed.

/** What the page knows and how it is shown at the moment. */
export const app = {
  data: null,
  /** `performance.now()` when `data` came, to let the clock run between two readings. */
  at: 0,
  lost: false,
  ui: {
    as: load("as", "U0ALICE01"),
    channel: load("channel", "C0ACCESS01"),
    tab: "messages",
    pane: "chat",
    theme: load("theme", ""),
    guide: load("guide", "open"),
    /** Steps of the tour that the reader has gone on from, by a space. */
    toured: "",
    closedThreads: {},
    replying: null,
    drafts: {},
    fields: {},
    busy: {},
    combo: null,
    confirm: null,
    switcher: null,
    toasts: [],
    hints: null,
  },
  redraw: () => {},
};

function load(name, otherwise) {
  try {
    return localStorage.getItem(`nightlatch.${name}`) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Keeps a choice for the next visit. */
export function keep(name, value) {
  app.ui[name] = value;
  try {
    localStorage.setItem(`nightlatch.${name}`, value);
  } catch {
    // Private windows may refuse; the choice lives until the page is closed.
  }
}

/** The demo's time now, in milliseconds. */
export function now() {
  return app.data ? app.data.now_ms + (performance.now() - app.at) : Date.now();
}

let reading = false;
let again = false;

/** Reads the state and draws it; calls that come meanwhile are one more reading. */
export async function refresh() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  do {
    again = false;
    try {
      const answer = await fetch(`/api/state?as=${encodeURIComponent(app.ui.as)}`);
      const data = await answer.json();
      if (data.slack.user === app.ui.as || !data.slack.people.some((one) => one.id === app.ui.as)) {
        app.data = data;
        app.at = performance.now();
        app.ui.as = data.slack.user;
        app.lost = false;
      } else {
        again = true;
      }
    } catch {
      app.lost = true;
    }
    app.redraw();
  } while (again);
  reading = false;
}

/** Listens for changes for as long as the page is open. */
export function listen() {
  const changes = new EventSource("/api/changes");
  changes.addEventListener("changed", refresh);
  changes.addEventListener("error", () => {
    app.lost = true;
    app.redraw();
  });
}

/** Does something; says what went wrong in a toast. Returns the answer, or null. */
export async function act(name, details = {}) {
  try {
    const answer = await fetch(`/api/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(details),
    });
    const body = await answer.json();
    if (answer.ok) return body;
    toast(body.error);
  } catch {
    toast("The demo does not answer. Is it still running in the terminal?");
  }
  return null;
}

/** The same, as the person whose screen this is; `place` is shown as busy meanwhile. */
export async function perform(name, details, place) {
  if (place && app.ui.busy[place]) return null;
  if (place) app.ui.busy[place] = true;
  app.redraw();
  const answer = await act(name, { as: app.ui.as, ...details });
  if (place) delete app.ui.busy[place];
  // Slack itself answers a command that failed, in the channel.
  if (answer?.acked === false && name !== "command") toast("The bot did not answer in time. Slack would say so too.");
  await refresh();
  return answer;
}

/** The bot's own pages, in this browser, take one for the person whose screen this is. */
export function sit() {
  return act("sit", { as: app.ui.as });
}

/** Does something to the world that nobody in it does: moves the clock, breaks, mends, kills, starts. */
export async function change(name, details) {
  await act(name, details);
  await refresh();
}

let toasts = 0;

/** Says something that is no part of the story. */
export function toast(words) {
  toasts += 1;
  const one = { id: toasts, words };
  app.ui.toasts = [...app.ui.toasts.slice(-2), one];
  app.redraw();
  setTimeout(() => {
    app.ui.toasts = app.ui.toasts.filter((other) => other !== one);
    app.redraw();
  }, 7000);
}

/** The person whose screen this is. */
export function me() {
  return app.data.slack.people.find((one) => one.id === app.ui.as);
}

/** Anybody. */
export function person(id) {
  return app.data.slack.people.find((one) => one.id === id);
}

/** The channel in front. */
export function channel() {
  const all = app.data.slack.channels;
  return all.find((one) => one.id === app.ui.channel) ?? all.find((one) => !one.is_direct) ?? all[0];
}
