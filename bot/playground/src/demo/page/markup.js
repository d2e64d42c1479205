// Slack's markup (mrkdwn) and rich text, as elements. Text becomes text, never markup of the page.

import { app, me, now, person } from "./api.js";
import { h } from "./dom.js";
import * as time from "./time.js";

const EMOJI = {
  white_check_mark: "✅", x: "❌", lock: "🔒", unlock: "🔓", key: "🔑", warning: "⚠️", rotating_light: "🚨",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", stopwatch: "⏱️", bell: "🔔", no_entry: "⛔", large_green_circle: "🟢",
  red_circle: "🔴", large_yellow_circle: "🟡", white_circle: "⚪", wave: "👋", eyes: "👀", tada: "🎉", mag: "🔍",
  information_source: "ℹ️", bulb: "💡", arrow_right: "➡️", computer: "💻", busts_in_silhouette: "👥", thumbsup: "👍", "+1": "👍", question: "❓",
};

/** Entities of Slack's texts. */
export function decode(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** What people type, as Slack stores it. */
export function escaped(words) {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return safe.replace(/@([a-z]+)/g, (whole, name) => {
    const known = app.data.slack.people.find((one) => one.name === name);
    return known ? `<@${known.id}>` : whole;
  });
}

/** A `plain_text` or `mrkdwn` object. */
export function text(object) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  return plain(object.text);
}

/** Plain text with emoji names written out. */
export function plain(words = "") {
  return decode(words).replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole);
}

/** Slack's markup. */
export function mrkdwn(words = "") {
  return words.split("```").flatMap((part, index) => {
    if (index % 2 === 0) return lines(part);
    return [h("pre", { tabindex: "0" }, decode(part.replace(/^\n|\n$/g, "")))];
  });
}

function lines(words) {
  const found = [];
  let quote = [];
  const endQuote = () => {
    if (quote.length > 0) found.push(h("blockquote", {}, broken(quote)));
    quote = [];
  };
  const flow = [];
  const endFlow = () => {
    if (flow.length > 0) found.push(...broken(flow.splice(0)));
  };
  for (const line of words.split("\n")) {
    const quoted = line.match(/^(?:&gt;|>) ?(.*)$/);
    if (quoted) {
      endFlow();
      quote.push(quoted[1]);
    } else {
      endQuote();
      flow.push(line);
    }
  }
  endQuote();
  endFlow();
  return found;
}

/** Lines with breaks between them. */
function broken(all) {
  return all.flatMap((line, index) => (index === 0 ? inline(line) : [h("br"), ...inline(line)]));
}

const MARKS = { "*": "strong", _: "em", "~": "s" };
const boundary = (letter) => letter === undefined || !/[\p{L}\p{N}]/u.test(letter);

function inline(words) {
  const found = [];
  let plainText = "";
  const flush = () => {
    if (plainText) found.push(plain(plainText));
    plainText = "";
  };
  for (let at = 0; at < words.length; at += 1) {
    const rest = words.slice(at);
    const angle = rest.match(/^<([^>\n]+)>/);
    const code = rest.match(/^`([^`\n]+)`/);
    if (angle || code) {
      flush();
      found.push(angle ? link(angle[1]) : h("code", {}, decode(code[1])));
      at += (angle ?? code)[0].length - 1;
      continue;
    }
    const end = MARKS[words[at]] && boundary(words[at - 1]) ? closing(words, at) : -1;
    if (end > 0) {
      flush();
      found.push(h(MARKS[words[at]], {}, inline(words.slice(at + 1, end))));
      at = end;
      continue;
    }
    plainText += words[at];
  }
  flush();
  return found;
}

/** Where the mark that opens at `at` closes; -1 if it is only a character. */
function closing(words, at) {
  if (!words[at + 1] || /\s/.test(words[at + 1])) return -1;
  for (let end = at + 2; end < words.length; end += 1) {
    if (words[end] === words[at] && !/\s/.test(words[end - 1]) && boundary(words[end + 1])) return end;
  }
  return -1;
}

/** What stands between `<` and `>`. */
function link(inside) {
  const bar = inside.indexOf("|");
  const [target, label] = bar < 0 ? [inside, ""] : [inside.slice(0, bar), inside.slice(bar + 1)];
  if (target.startsWith("@")) return mention(`@${person(target.slice(1))?.name ?? target.slice(1)}`, target.slice(1));
  if (target.startsWith("#")) {
    const known = app.data.slack.channels.find((one) => one.id === target.slice(1));
    return mention(known?.name ?? `#${label || target.slice(1)}`);
  }
  if (target.startsWith("!subteam^")) {
    const group = app.data.slack.usergroups.find((one) => one.id === target.slice(9));
    return mention(`@${group?.handle ?? label}`, group?.members.includes(app.ui.as) ? app.ui.as : null);
  }
  if (target.startsWith("!date^")) {
    const [seconds, pattern, address] = target.slice(6).split("^");
    const written = time.tokens(pattern, Number(seconds), me().tz, now());
    const shown = h("time", { title: decode(label) }, written);
    return address ? anchor(address, shown) : shown;
  }
  if (target.startsWith("!")) return mention(`@${target.slice(1)}`, app.ui.as);
  return anchor(target, label ? plain(label) : decode(target.replace(/^mailto:/, "")));
}

function mention(words, id) {
  return h("span", { class: id === app.ui.as ? "mention mine" : "mention" }, words);
}

/** A link out; only to addresses that cannot run anything. */
export function anchor(address, shown) {
  const target = decode(address);
  if (!/^(https?:\/\/|mailto:)/i.test(target)) return h("span", {}, shown);
  return h("a", { href: target, target: "_blank", rel: "noreferrer noopener" }, shown);
}

/** The `rich_text` block and its parts. */
export function rich(part) {
  const inside = () => part.elements.map(rich);
  switch (part.type) {
    case "rich_text": return inside();
    case "rich_text_section": return h("p", {}, inside());
    case "rich_text_quote": return h("blockquote", {}, inside());
    case "rich_text_preformatted": return h("pre", { tabindex: "0" }, inside());
    case "rich_text_list": {
      return h(part.style === "ordered" ? "ol" : "ul", {}, part.elements.map((item) => h("li", {}, rich(item))));
    }
    case "text": return styled(part.text, part.style);
    case "link": return anchor(part.url, part.text || part.url);
    case "emoji": return EMOJI[part.name] ?? `:${part.name}:`;
    case "user": return mention(`@${person(part.user_id)?.name ?? part.user_id}`, part.user_id);
    case "channel": return mention(app.data.slack.channels.find((one) => one.id === part.channel_id)?.name ?? "#channel");
    case "broadcast": return mention(`@${part.range}`, app.ui.as);
    case "date": return time.tokens(part.format, part.timestamp, me().tz, now());
    default: return part.text ?? "";
  }
}

function styled(words, style = {}) {
  const tags = { bold: "strong", italic: "em", strike: "s", code: "code" };
  return Object.keys(tags).filter((name) => style[name]).reduce((inner, name) => h(tags[name], {}, inner), words);
}
