// Times as people read them: in the zone of whoever looks, on the 24-hour clock.

const formats = new Map();

function format(zone, options) {
  const name = zone + JSON.stringify(options);
  if (!formats.has(name)) {
    formats.set(name, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
  }
  return formats.get(name);
}

/** `14:05`, or `14:05:09`. */
export function clock(ms, zone, withSeconds = false) {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (withSeconds) options.second = "2-digit";
  return format(zone, options).format(ms);
}

/** `Thursday, 1 January`. */
export function date(ms, zone) {
  return format(zone, { weekday: "long", day: "numeric", month: "long" }).format(ms);
}

/** `2026-01-31`, to compare days. */
function day(ms, zone) {
  const parts = format(zone, { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(ms);
  const part = (type) => parts.find((one) => one.type === type).value;
  return `${part("year")}-${part("month")}-${part("day")}`;
}

/** `1 h 59 min`, `59 min 30 s`, `12 s`. */
export function left(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
}

/** The city of an IANA zone. */
export function city(zone) {
  return zone.split("/").pop().replaceAll("_", " ");
}

const endings = { one: "st", two: "nd", few: "rd", other: "th" };
const ordinal = new Intl.PluralRules("en", { type: "ordinal" });

/** Slack's date tokens, e.g. `{date_short_pretty} {time}`, written out. */
export function tokens(pattern, seconds, zone, nowMs) {
  const ms = seconds * 1000;
  const part = (options) => format(zone, options).format(ms);
  const number = part({ day: "numeric" });
  const numbered = `${number}${endings[ordinal.select(Number(number))]}`;
  const [month, year] = [part({ month: "long" }), part({ year: "numeric" })];
  const plain = {
    date_num: day(ms, zone),
    date: `${month} ${numbered}, ${year}`,
    date_short: `${part({ month: "short" })} ${number}, ${year}`,
    date_long: `${part({ weekday: "long" })}, ${month} ${numbered}, ${year}`,
    time: clock(ms, zone),
    time_secs: clock(ms, zone, true),
    ago: ago(ms, nowMs),
  };
  return pattern.replace(/\{(\w+?)(_pretty)?\}/g, (whole, name, pretty) => {
    if (!(name in plain)) return whole;
    return (pretty && near(ms, zone, nowMs)) || plain[name];
  });
}

function near(ms, zone, nowMs) {
  const days = [["today", 0], ["tomorrow", 1], ["yesterday", -1]];
  return days.find(([, away]) => day(nowMs + away * 86_400_000, zone) === day(ms, zone))?.[0];
}

function ago(ms, nowMs) {
  const away = Math.floor((nowMs - ms) / 1000);
  const size = Math.abs(away);
  if (size < 60) return "just now";
  const [count, unit] = size < 3600 ? [size / 60, "minute"] : size < 86_400 ? [size / 3600, "hour"] : [size / 86_400, "day"];
  const words = `${Math.floor(count)} ${unit}${Math.floor(count) === 1 ? "" : "s"}`;
  return away > 0 ? `${words} ago` : `in ${words}`;
}
