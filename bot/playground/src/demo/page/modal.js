// The modal in front of somebody, as Slack draws it, over the conversation and nothing else.

import { app, perform } from "./api.js";
import { blocks } from "./blocks.js";
import { shownBeside } from "./dialogs.js";
import { h } from "./dom.js";
import { typed } from "./elements.js";
import { plain } from "./markup.js";

export function modal() {
  const front = app.data.slack.modal;
  if (!front) {
    app.ui.fields = keepOnlyMessages(app.ui.fields);
    return null;
  }
  const { view, errors } = front;
  const place = { on: "modal", id: view.id, view: view.id, values: view.state.values, errors };
  const isBusy = Object.keys(app.ui.busy).some((name) => name.startsWith(view.id));
  const isSending = app.ui.busy[`${view.id}:submit`];
  const submit = (event) => {
    event.preventDefault();
    perform("modal-submit", { filled: typed(view.id) }, `${view.id}:submit`);
  };
  const close = (everything) => perform("modal-close", { everything }, `${view.id}:close`);
  return h("dialog", {
    key: `modal-${view.id}`, class: "modal", "aria-labelledby": "modal-title", "aria-busy": isBusy ? "true" : null, drawn: shownBeside,
    on: {
      keydown: (event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        close(false);
      },
    },
  },
  h("form", { on: { submit }, novalidate: true },
    h("header", {}, h("h2", { id: "modal-title" }, plain(view.title.text)),
      h("button", { type: "button", class: "act quiet", "aria-label": "Close all", on: { click: () => close(true) } }, "✕")),
    h("div", { class: "modal-body", key: view.id },
      errors?.[""] && h("p", { class: "error", role: "alert" }, errors[""]),
      blocks(view.blocks, place)),
    h("footer", { class: "foot" },
      h("button", { type: "button", class: "act", on: { click: () => close(false) } }, plain(view.close?.text ?? "Cancel")),
      view.submit && h("button", { type: "submit", class: "act primary", "aria-busy": isSending ? "true" : null, disabled: isSending ? true : null }, plain(view.submit.text)))));
}

/** Drafts of modals (`V...`) are forgotten when the modal is gone. */
function keepOnlyMessages(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !name.startsWith("V")));
}
