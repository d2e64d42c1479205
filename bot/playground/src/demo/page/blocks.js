// Block Kit as people see it: one function per kind of block.

import { h } from "./dom.js";
import { element, field } from "./elements.js";
import { plain, rich, text, mrkdwn } from "./markup.js";

/**
 * Blocks of a message, a modal or Home. `place` says where they are: `on` (for the demo's API), `id`, `values` (what was
 * chosen), `errors` (by block), and `view` (its id, in a modal).
 */
export function blocks(all, place) {
  return all.map((block, index) => h("div", { class: `block block-${block.type}`, key: block.block_id ?? index }, one(block, place)));
}

function one(block, place) {
  switch (block.type) {
    case "header": return h("h3", {}, plain(block.text.text));
    case "divider": return h("hr");
    case "section": return section(block, place);
    case "context": return block.elements.map((part) => h("span", { class: "small" }, contextPart(part)));
    case "actions": return block.elements.map((part) => element(part, block, place));
    case "input": return field(block, place);
    case "image": return image(block, plain(block.title?.text ?? ""));
    case "rich_text": return rich(block);
    case "markdown": return mrkdwn(block.text.replace(/\*\*(.+?)\*\*/g, "*$1*"));
    case "table": return table(block);
    default: return h("p", { class: "small" }, `(a block of type ${block.type})`);
  }
}

function section(block, place) {
  const words = [];
  if (block.text) words.push(h("div", { class: "words" }, text(block.text)));
  if (block.fields) {
    words.push(h("div", { class: "fields" }, block.fields.map((one) => h("div", { class: "words" }, text(one)))));
  }
  const beside = block.accessory && h("div", { class: "accessory" }, beside_of(block, place));
  return [h("div", { class: "grow" }, words), beside];
}

function beside_of(block, place) {
  return block.accessory.type === "image" ? image(block.accessory) : element(block.accessory, block, place);
}

function contextPart(part) {
  return part.type === "image" ? image(part) : text(part);
}

/** Nothing is fetched from elsewhere: a picture is its description. */
function image(part, title = "") {
  return h("span", { class: "picture", role: "img", "aria-label": part.alt_text }, [title, part.alt_text].filter(Boolean).join(": "));
}

function table(block) {
  const cell = (one) => h("td", {}, one.type === "rich_text" ? rich(one) : plain(one.text));
  const rows = block.rows.map((row) => h("tr", {}, row.map(cell)));
  return h("div", { class: "scroll", tabindex: "0" }, h("table", {}, h("tbody", {}, rows)));
}
