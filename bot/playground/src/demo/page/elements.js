// What can be pressed, chosen and filled in.

import { app, perform } from "./api.js";
import { combobox } from "./combobox.js";
import { confirmed } from "./dialogs.js";
import { h } from "./dom.js";
import { anchor, plain, text } from "./markup.js";

/** An interactive element of `block`. */
export function element(part, block, place, labels = {}) {
  const spot = { part, place, name: `${block.block_id}/${part.action_id}`, value: valueOf(part, block, place), labels };
  switch (part.type) {
    case "button": case "workflow_button": return button(spot);
    case "overflow": return overflow(spot);
    case "checkboxes": case "radio_buttons": return boxes(spot);
    case "plain_text_input": case "email_text_input": case "url_text_input": case "number_input": return input(spot);
    case "datepicker": return picker(spot, "date", "selected_date");
    case "timepicker": return picker(spot, "time", "selected_time");
    case "datetimepicker": return picker(spot, "datetime-local", "selected_date_time");
    default: return part.type.includes("select") ? select(spot) : h("span", { class: "small" }, `(${part.type})`);
  }
}

/** An input block: label, element, hint and what is wrong with it. */
export function field(block, place) {
  const id = `field-${place.id}-${block.block_id}`;
  const error = place.errors?.[block.block_id];
  const described = [block.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const isGroup = ["checkboxes", "radio_buttons"].includes(block.element.type);
  const labels = { id, "aria-describedby": described || null, "aria-invalid": error ? "true" : null };
  const label = [plain(block.label.text), block.optional && h("span", { class: "optional" }, " (optional)")];
  return [
    isGroup ? h("span", { class: "label", id: `${id}-label` }, label) : h("label", { class: "label", for: id }, label),
    element(block.element, block, place, { ...labels, group: isGroup ? `${id}-label` : null }),
    error && h("p", { class: "error", id: `${id}-error`, role: "alert" }, plain(error)),
    block.hint && h("p", { class: "hint", id: `${id}-hint` }, plain(block.hint.text)),
  ];
}

/** The value object: chosen, or what the element begins with. */
function valueOf(part, block, place) {
  const given = place.values?.[block.block_id]?.[part.action_id];
  if (given) return given;
  const first = Object.keys(part).find((name) => name.startsWith("initial_"));
  if (!first) return {};
  return { [first === "initial_value" ? "value" : first.replace("initial", "selected")]: part[first] };
}

/** What was typed into the modal and is not sent yet, by `block_id/action_id`. */
export function typed(view) {
  return Object.fromEntries(
    Object.entries(app.ui.fields).filter(([name]) => name.startsWith(`${view}:`)).map(([name, words]) => [name.slice(view.length + 1), words]),
  );
}

const busyName = ({ place, name }) => `${place.id}:${name}`;

function button(spot) {
  const { part, place, name } = spot;
  const words = plain(part.text.text);
  if (part.url) return h("span", { class: "button-like" }, anchor(part.url, words));
  const busy = app.ui.busy[busyName(spot)];
  const press = () => confirmed(part.confirm, () => perform("press", { on: place.on, what: name }, busyName(spot)));
  return h("button", {
    type: "button", key: name, class: `act ${part.style ?? ""}`, "aria-busy": busy ? "true" : null,
    "aria-label": part.accessibility_label ?? null, "data-action": part.action_id, on: { click: press },
  }, words);
}

function choose(spot, choice) {
  const { part, place, name } = spot;
  const details = { on: place.on, what: name, choice };
  if (place.view) details.filled = typed(place.view);
  return confirmed(part.confirm, () => perform("select", details, busyName(spot)));
}

function overflow(spot) {
  const options = spot.part.options.map((one) => ({ value: one.value, text: plain(one.text.text) }));
  return combobox({
    id: `more-${spot.place.id}-${spot.name}`, label: "More", asMenu: true, options, chosen: [],
    choose: (value) => choose(spot, value),
  });
}

function option(one) {
  return { value: one.value, text: plain(one.text.text), more: one.description && plain(one.description.text) };
}

function select(spot) {
  const { part, place, name, value, labels } = spot;
  const isMany = part.type.startsWith("multi_");
  const picked = ["option", "user", "conversation", "channel"].map((what) => value[`selected_${what}${isMany ? "s" : ""}`]).find(Boolean);
  const chosen = (isMany ? picked ?? [] : [picked]).filter(Boolean).map((one) => (typeof one === "string" ? named(one) : option(one)));
  const toggle = (pick) => {
    const others = chosen.map((one) => one.value).filter((one) => one !== pick);
    return choose(spot, (others.length === chosen.length ? [...others, pick] : others).join(", "));
  };
  const isAsked = part.type.includes("external");
  const groups = part.option_groups?.map((group) => ({ title: plain(group.label.text), options: group.options.map(option) }));
  const own = part.type.includes("users") ? app.data.slack.people.filter((one) => one.kind !== "deactivated") : app.data.slack.channels;
  return combobox({
    id: labels.id ?? `select-${place.id}-${name}`, labels, chosen, isMany, busy: app.ui.busy[busyName(spot)],
    label: labels.id ? null : part.placeholder?.text ?? "Choose",
    placeholder: plain(part.placeholder?.text ?? "Choose an option"),
    options: part.options?.map(option) ?? own.map((one) => named(one.id)), groups,
    atLeast: isAsked ? part.min_query_length ?? 3 : 0,
    ask: isAsked ? (query) => perform("options", { on: place.on, what: name, query, action_id: part.action_id }) : null,
    option, choose: isMany ? toggle : (pick) => choose(spot, pick),
  });
}

/** A person or channel as an option. */
function named(id) {
  const known = app.data.slack.people.find((one) => one.id === id) ?? app.data.slack.channels.find((one) => one.id === id);
  return { value: id, text: known?.real_name ?? known?.name ?? id };
}

function boxes(spot) {
  const { part, place, name, value, labels } = spot;
  const isRound = part.type === "radio_buttons";
  const picked = isRound ? [value.selected_option?.value] : (value.selected_options ?? []).map((one) => one.value);
  const toggle = (pick) => {
    if (isRound) return choose(spot, pick);
    const others = picked.filter((one) => one !== pick);
    return choose(spot, (others.length === picked.length ? [...others, pick] : others).join(", "));
  };
  const rows = part.options.map((one) => h("label", { class: "box", key: one.value },
    h("input", {
      type: isRound ? "radio" : "checkbox", name: `${place.id}-${name}`, checked: picked.includes(one.value),
      on: { change: () => toggle(one.value) },
    }),
    h("span", {}, text(one.text), one.description && h("span", { class: "hint" }, text(one.description)))));
  return h("div", {
    class: "boxes", role: isRound ? "radiogroup" : "group", "aria-labelledby": labels.group,
    "aria-describedby": labels["aria-describedby"], "aria-invalid": labels["aria-invalid"],
  }, rows);
}

const KINDS = { email_text_input: "email", url_text_input: "url", number_input: "text" };

function input(spot) {
  const { part, place, name, value, labels } = spot;
  const key = `${place.view ?? place.id}:${name}`;
  const typing = (event) => { app.ui.fields[key] = event.target.value; };
  const send = () => { if (!place.view) choose(spot, app.ui.fields[key] ?? ""); };
  const length = part.max_length && app.ui.fields[key]?.length > part.max_length - 40
    && h("span", { class: "hint count" }, `${part.max_length - app.ui.fields[key].length} left`);
  const shared = {
    ...ids(labels), value: app.ui.fields[key] ?? value.value ?? "", placeholder: part.placeholder && plain(part.placeholder.text),
    maxlength: part.max_length, autocomplete: "off", autofocus: part.focus_on_load ? true : null, "aria-label": labels.id ? null : plain(part.placeholder?.text ?? "Text"),
  };
  const events = { input: (event) => { typing(event); if (part.max_length) app.redraw(); }, change: send };
  if (part.multiline) return [h("textarea", { ...shared, rows: "3", on: events }), length];
  return [h("input", { ...shared, type: KINDS[part.type] ?? "text", inputmode: part.type === "number_input" ? "decimal" : null, on: events }), length];
}

function picker(spot, type, from) {
  const { part, value, labels } = spot;
  let now = value[from] ?? "";
  if (type === "datetime-local" && now) now = new Date(now * 1000).toISOString().slice(0, 16);
  const pick = (event) => {
    const picked = event.target.value;
    choose(spot, type === "datetime-local" && picked ? String(Date.parse(`${picked}Z`) / 1000) : picked);
  };
  return h("input", { ...ids(labels), type, value: now, "aria-label": labels.id ? null : part.placeholder?.text ?? type, on: { change: pick } });
}

function ids({ id, "aria-describedby": described, "aria-invalid": invalid }) {
  return { id: id ?? null, "aria-describedby": described ?? null, "aria-invalid": invalid ?? null };
}
