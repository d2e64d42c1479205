//! Words for lengths of time: units, amounts, and what people put in front of them.

/// As people write them out; those without a fixed length too, so that they can be told so.
const UNITS: [&str; 25] = [
    "sec", "secs", "second", "seconds", "min", "mins", "minute", "minutes", "hr", "hrs", "hour", "hours", "day",
    "days", "wk", "wks", "week", "weeks", "mo", "mos", "month", "months", "yr", "year", "years",
];

/// The same in other languages, each with the English one that means it.
const ELSEWHERE: [(&str, &str); 96] = [
    ("sekunde", "second"),
    ("sekunden", "seconds"),
    ("sek", "seconds"),
    ("seconde", "second"),
    ("secondes", "seconds"),
    ("segundo", "second"),
    ("segundos", "seconds"),
    ("secondo", "second"),
    ("secondi", "seconds"),
    ("seconden", "seconds"),
    ("sekunder", "seconds"),
    ("sekund", "second"),
    ("секунд", "seconds"),
    ("秒", "seconds"),
    ("초", "seconds"),
    ("minuten", "minutes"),
    ("minuto", "minute"),
    ("minutos", "minutes"),
    ("minuti", "minutes"),
    ("minuut", "minute"),
    ("minuter", "minutes"),
    ("minutter", "minutes"),
    ("minut", "minutes"),
    ("minuty", "minutes"),
    ("минут", "minutes"),
    ("минута", "minute"),
    ("минуты", "minutes"),
    ("мин", "minutes"),
    ("分", "minutes"),
    ("分钟", "minutes"),
    ("分間", "minutes"),
    ("분", "minutes"),
    ("stunde", "hour"),
    ("stunden", "hours"),
    ("std", "hours"),
    ("heure", "hour"),
    ("heures", "hours"),
    ("hora", "hour"),
    ("horas", "hours"),
    ("ora", "hour"),
    ("ore", "hours"),
    ("uur", "hours"),
    ("uren", "hours"),
    ("timme", "hour"),
    ("timmar", "hours"),
    ("timer", "hours"),
    ("godzina", "hour"),
    ("godziny", "hours"),
    ("godzin", "hours"),
    ("godz", "hours"),
    ("час", "hour"),
    ("часа", "hours"),
    ("часов", "hours"),
    ("saat", "hours"),
    ("時間", "hours"),
    ("小时", "hours"),
    ("小時", "hours"),
    ("시간", "hours"),
    ("tag", "day"),
    ("tage", "days"),
    ("tagen", "days"),
    ("jour", "day"),
    ("jours", "days"),
    ("dia", "day"),
    ("dias", "days"),
    ("día", "day"),
    ("días", "days"),
    ("giorno", "day"),
    ("giorni", "days"),
    ("dag", "day"),
    ("dagen", "days"),
    ("dagar", "days"),
    ("dage", "days"),
    ("dager", "days"),
    ("dzień", "day"),
    ("dni", "days"),
    ("день", "day"),
    ("дня", "days"),
    ("дней", "days"),
    ("日", "days"),
    ("日間", "days"),
    ("天", "days"),
    ("일", "days"),
    ("woche", "week"),
    ("wochen", "weeks"),
    ("semaine", "week"),
    ("semaines", "weeks"),
    ("semana", "week"),
    ("semanas", "weeks"),
    ("settimana", "week"),
    ("settimane", "weeks"),
    ("weken", "weeks"),
    ("monat", "month"),
    ("monate", "months"),
    ("jahr", "year"),
    ("jahre", "years"),
];

/// How many, in words.
const AMOUNTS: [(&str, f64); 66] = [
    ("a", 1.0),
    ("an", 1.0),
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("thirteen", 13.0),
    ("fourteen", 14.0),
    ("fifteen", 15.0),
    ("sixteen", 16.0),
    ("seventeen", 17.0),
    ("eighteen", 18.0),
    ("nineteen", 19.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("seventy", 70.0),
    ("eighty", 80.0),
    ("ninety", 90.0),
    ("half", 0.5),
    ("quarter", 0.25),
    ("quarters", 0.25),
    ("couple", 2.0),
    ("few", 3.0),
    ("several", 3.0),
    ("some", 1.0),
    ("another", 1.0),
    ("whole", 1.0),
    ("full", 1.0),
    ("entire", 1.0),
    ("all", 1.0),
    ("ein", 1.0),
    ("eine", 1.0),
    ("einen", 1.0),
    ("zwei", 2.0),
    ("drei", 3.0),
    ("vier", 4.0),
    ("fünf", 5.0),
    ("zehn", 10.0),
    ("zwanzig", 20.0),
    ("dreißig", 30.0),
    ("halbe", 0.5),
    ("un", 1.0),
    ("une", 1.0),
    ("deux", 2.0),
    ("trois", 3.0),
    ("una", 1.0),
    ("dos", 2.0),
    ("tres", 3.0),
    ("due", 2.0),
    ("tre", 3.0),
    ("media", 0.5),
    ("twee", 2.0),
    ("drie", 3.0),
    ("två", 2.0),
    ("dwie", 2.0),
];

/// What may stand between an amount and its unit: `a couple of hours`, `two more hours`.
const BETWEEN: [&str; 5] = ["of", "more", "good", "long", "extra"];

/// What people say before a length of time and not before a reason.
const BEFORE: [&str; 36] = [
    "for",
    "about",
    "around",
    "approximately",
    "approx",
    "roughly",
    "ca",
    "circa",
    "only",
    "just",
    "max",
    "maximum",
    "at",
    "most",
    "least",
    "up",
    "to",
    "the",
    "next",
    "please",
    "pls",
    "me",
    "give",
    "i",
    "need",
    "want",
    "like",
    "in",
    "within",
    "für",
    "etwa",
    "bitte",
    "pour",
    "por",
    "per",
    "hold",
];

/// What people say before the time at which something is to end.
const UNTIL: [&str; 10] = ["until", "till", "til", "'til", "untill", "by", "bis", "jusqu'à", "hasta", "fino"];

/// Times of a day and days that are no numbers.
const MOMENTS: [&str; 16] = [
    "noon",
    "midday",
    "midnight",
    "tonight",
    "tomorrow",
    "today",
    "morning",
    "evening",
    "eod",
    "eob",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "sunday",
];

/// Behind a length of time these make it part of a sentence: `failed 2 days ago`.
const IN_A_SENTENCE: [&str; 10] =
    ["ago", "old", "earlier", "later", "before", "after", "late", "behind", "each", "every"];

/// The unit, in English, if it is written exactly so.
pub(in crate::inputs::duration) fn unit(word: &str) -> Option<&'static str> {
    let elsewhere = || ELSEWHERE.iter().find(|(name, _)| *name == word).map(|(_, unit)| *unit);
    UNITS.into_iter().find(|known| *known == word).or_else(elsewhere)
}

/// The unit of at least so many letters that is at most one letter away.
pub(in crate::inputs::duration) fn near_unit(word: &str, least: usize) -> Option<&'static str> {
    let is_near = |known: &&str| known.len() >= least && strsim::damerau_levenshtein(word, known) <= 1;
    UNITS.into_iter().filter(|_| word.len() > 1).find(is_near)
}

/// How many a word says, `twenty-five` too.
pub(in crate::inputs::duration) fn amount(word: &str) -> Option<f64> {
    let one = |word: &str| AMOUNTS.iter().find(|(name, _)| *name == word).map(|(_, amount)| *amount);
    one(word).or_else(|| word.split_once('-').and_then(|(tens, ones)| Some(one(tens)? + one(ones)?)))
}

pub(in crate::inputs::duration) fn is_between(word: &str) -> bool {
    BETWEEN.contains(&word)
}

pub(in crate::inputs::duration) fn is_before(word: &str) -> bool {
    BEFORE.contains(&word)
}

pub(in crate::inputs::duration) fn is_until(word: &str) -> bool {
    UNTIL.contains(&word)
}

pub(in crate::inputs::duration) fn is_moment(word: &str) -> bool {
    MOMENTS.contains(&word)
}

pub(in crate::inputs::duration) fn is_in_a_sentence(word: &str) -> bool {
    IN_A_SENTENCE.contains(&word)
}
