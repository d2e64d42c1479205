//! What is taken for a length of time, word by word and line by line.

use super::*;

#[test]
fn a_mistyped_length_of_time_is_told_from_the_first_word_of_a_sentence() {
    let words = [
        "2h",
        "2x",
        "2hh",
        "2hm",
        "1h30",
        "1H30",
        "90mn",
        "90mins",
        "2hors",
        "3dyas",
        "2hrss",
        "1.5x",
        "2y",
        "2",
        "3rd",
        "2nd",
        "5xx",
        "2fa",
        "1st",
        "404",
        "10-20",
        "2pm",
        "1204",
        "x2",
        "",
        "3é",
        "99999999999999999x",
        "-1h",
        "\u{2212}1h",
        "1e9h",
        "1,5h",
        "½h",
        "1month",
        "2weeks",
        "1mo",
        "100mb",
        "-",
        "-v",
        "24/7",
        "1-2",
    ];
    let told = |word: &&str| match (is_meant(word), hold::parse(word).ok().or_else(|| meant(word))) {
        (false, _) => format!("{word}: a word"),
        (true, Some(length_ms)) => format!("{word}: {}", hold::show(length_ms)),
        (true, None) => format!("{word}: ?"),
    };
    insta::assert_snapshot!(words.iter().map(told).collect::<Vec<_>>().join("\n"), @"
    2h: 2h
    2x: 2h
    2hh: 2h
    2hm: 2h
    1h30: 1h30m
    1H30: 1h30m
    90mn: 1h30m
    90mins: 1h30m
    2hors: 2h
    3dyas: 3d
    2hrss: 2h
    1.5x: 1h30m
    2y: 2h
    2: a word
    3rd: a word
    2nd: a word
    5xx: a word
    2fa: a word
    1st: a word
    404: a word
    10-20: a word
    2pm: a word
    1204: a word
    x2: a word
    : a word
    3é: 3h
    99999999999999999x: ?
    -1h: ?
    −1h: ?
    1e9h: ?
    1,5h: 1h30m
    ½h: ?
    1month: ?
    2weeks: 14d
    1mo: ?
    100mb: a word
    -: a word
    -v: a word
    24/7: a word
    1-2: a word
    ");
}

#[test]
fn a_length_of_time_that_is_written_out_is_told_from_a_sentence() {
    let lines = [
        "1 hour why",
        "2 hours, why",
        "half an hour why",
        "an hour why",
        "a couple of hours why",
        "one hour and 30 minutes why",
        "an hour and a half why",
        "2h 30m why",
        "2h and 30m why",
        "1h 2x the load",
        "1h a second time",
        "2h and why",
        "2h an hour of work",
        "a second look",
        "30 min why",
        "2 h why",
        "-1 h why",
        "1 month why",
        "2 servers are down",
        "two people left",
        "a friend asked",
        "a set of tables",
        "a way out",
        "half the disk is full",
        "5 errors a second",
        "2",
        "a",
        "",
    ];
    let told = |line: &&str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let taken = words.get(find(&words).unwrap_or_default()).unwrap_or_default().join(" ");
        let length_ms = hold::parse(&taken).ok().or_else(|| meant(&taken)).filter(|_| !taken.is_empty());
        format!("{line}: {taken:?} {}", length_ms.map(hold::show).unwrap_or_default()).trim_end().to_owned()
    };
    insta::assert_snapshot!(lines.iter().map(told).collect::<Vec<_>>().join("\n"), @r#"
    1 hour why: "1 hour" 1h
    2 hours, why: "2 hours," 2h
    half an hour why: "half an hour" 30m
    an hour why: "an hour" 1h
    a couple of hours why: "a couple of hours" 2h
    one hour and 30 minutes why: "one hour and 30 minutes" 1h30m
    an hour and a half why: "an hour and a half" 1h30m
    2h 30m why: "2h 30m" 2h30m
    2h and 30m why: "2h and 30m" 2h30m
    1h 2x the load: "1h" 1h
    1h a second time: "1h" 1h
    2h and why: "2h" 2h
    2h an hour of work: "2h" 2h
    a second look: ""
    30 min why: "30 min" 30m
    2 h why: "2 h" 2h
    -1 h why: "-1 h"
    1 month why: "1 month"
    2 servers are down: ""
    two people left: ""
    a friend asked: ""
    a set of tables: ""
    a way out: ""
    half the disk is full: ""
    5 errors a second: ""
    2: "2" 2h
    a: ""
    : ""
    "#);
}

/// What is taken for the length of time and what it most likely means; `asked` unless nothing else can be meant.
fn told(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().collect();
    let Some(found) = find(&words) else { return format!("{line} -> a reason") };
    let taken = words.get(found.clone()).unwrap_or_default().join(" ");
    let is_clear = found == (0..1) && hold::parse(&clean(&taken)).is_ok();
    let length = meant(&taken).map_or("?".to_owned(), hold::show);
    format!("{line} -> {}{length} from {taken:?}", if is_clear { "" } else { "asked: " })
}

#[test]
fn nothing_that_looks_like_a_length_of_time_becomes_the_default() {
    let lines = "15 minutes fix|2 hours invoice|2 h|10 m|1 day|12 hours|two hours|2 Stunden|half an hour|1h 30m split|\
                 for 2h please|--hold 2h|--hold=2h fix|hold: 2h|hold:2h fix|\"2h\" fix|２h|２ｈ fix|90|90 fix|1:30|-2h|\
                 until 18:00|until 6 pm fix|till tomorrow|18:00 fix|6pm fix|6 pm fix|thirty minutes|twenty-five minutes fix|\
                 three quarters of an hour|another hour|all day|one more hour|2 heures|deux heures|2 часа|2時間 fix|1-2h fix|\
                 1-2 hours fix|2h 30 fix|~2h fix|(2h) fix|2h! fix|2h fix 30m outage|invoice 1204 2h|fix it for 30 minutes|\
                 i need it for about an hour|2 hour's work|2,5 h|1 1/2 hours|404 on checkout|٣ ساعات|5 minutes ticket 12";
    insta::assert_snapshot!(lines.split('|').map(told).collect::<Vec<_>>().join("\n"), @r#"
    15 minutes fix -> asked: 15m from "15 minutes"
    2 hours invoice -> asked: 2h from "2 hours"
    2 h -> asked: 2h from "2 h"
    10 m -> asked: 10m from "10 m"
    1 day -> asked: 1d from "1 day"
    12 hours -> asked: 12h from "12 hours"
    two hours -> asked: 2h from "two hours"
    2 Stunden -> asked: 2h from "2 Stunden"
    half an hour -> asked: 30m from "half an hour"
    1h 30m split -> asked: 1h30m from "1h 30m"
    for 2h please -> asked: 2h from "for 2h"
    --hold 2h -> asked: 2h from "--hold 2h"
    --hold=2h fix -> asked: 2h from "--hold=2h"
    hold: 2h -> asked: 2h from "hold: 2h"
    hold:2h fix -> asked: 2h from "hold:2h"
    "2h" fix -> 2h from "\"2h\""
    ２h -> 2h from "２h"
    ２ｈ fix -> 2h from "２ｈ"
    90 -> asked: 1h30m from "90"
    90 fix -> asked: 1h30m from "90"
    1:30 -> asked: 1h30m from "1:30"
    -2h -> asked: ? from "-2h"
    until 18:00 -> asked: ? from "until 18:00"
    until 6 pm fix -> asked: ? from "until 6 pm"
    till tomorrow -> asked: ? from "till tomorrow"
    18:00 fix -> asked: ? from "18:00"
    6pm fix -> asked: ? from "6pm"
    6 pm fix -> asked: ? from "6 pm"
    thirty minutes -> asked: 30m from "thirty minutes"
    twenty-five minutes fix -> asked: 25m from "twenty-five minutes"
    three quarters of an hour -> asked: 45m from "three quarters of an hour"
    another hour -> asked: 1h from "another hour"
    all day -> asked: 1d from "all day"
    one more hour -> asked: 1h from "one more hour"
    2 heures -> asked: 2h from "2 heures"
    deux heures -> asked: 2h from "deux heures"
    2 часа -> asked: 2h from "2 часа"
    2時間 fix -> asked: 2h from "2時間"
    1-2h fix -> asked: 1h from "1-2h"
    1-2 hours fix -> asked: 1h from "1-2 hours"
    2h 30 fix -> asked: 2h30m from "2h 30"
    ~2h fix -> asked: 2h from "~2h"
    (2h) fix -> 2h from "(2h)"
    2h! fix -> 2h from "2h!"
    2h fix 30m outage -> 2h from "2h"
    invoice 1204 2h -> asked: 2h from "2h"
    fix it for 30 minutes -> asked: 30m from "30 minutes"
    i need it for about an hour -> asked: 1h from "an hour"
    2 hour's work -> asked: 2h from "2 hour's"
    2,5 h -> asked: 2h30m from "2,5 h"
    1 1/2 hours -> asked: ? from "1 1/2 hours"
    404 on checkout -> asked: 6h44m from "404"
    ٣ ساعات -> asked: ? from "٣"
    5 minutes ticket 12 -> asked: 5m from "5 minutes"
    "#);
}

#[test]
fn what_was_clear_stays_clear_and_a_sentence_a_sentence() {
    let lines = "2h fix|2H fix|2hr fix|2hrs fix|90min fix|1.5h fix|1,5h fix|PT2H fix|2h, fix|1h30 fix|5m30 fix|2h2h fix|2 servers are \
                 down|5xx on checkout|3rd try|1204 is stuck|two people left|2h 2 servers are down|for the 2 servers|failed 2 days \
                 ago|the job is 3 days old|a second look|until it works|please|INC-90 is open|port 5432|v2 rollout|by hand";
    insta::assert_snapshot!(lines.split('|').map(told).collect::<Vec<_>>().join("\n"), @r#"
    2h fix -> 2h from "2h"
    2H fix -> 2h from "2H"
    2hr fix -> 2h from "2hr"
    2hrs fix -> 2h from "2hrs"
    90min fix -> 1h30m from "90min"
    1.5h fix -> 1h30m from "1.5h"
    1,5h fix -> 1h30m from "1,5h"
    PT2H fix -> 2h from "PT2H"
    2h, fix -> 2h from "2h,"
    1h30 fix -> asked: 1h30m from "1h30"
    5m30 fix -> asked: 5m from "5m30"
    2h2h fix -> asked: 2h from "2h2h"
    2 servers are down -> a reason
    5xx on checkout -> a reason
    3rd try -> a reason
    1204 is stuck -> a reason
    two people left -> a reason
    2h 2 servers are down -> 2h from "2h"
    for the 2 servers -> a reason
    failed 2 days ago -> a reason
    the job is 3 days old -> a reason
    a second look -> a reason
    until it works -> a reason
    please -> a reason
    INC-90 is open -> a reason
    port 5432 -> a reason
    v2 rollout -> a reason
    by hand -> a reason
    "#);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,40}") {
        let _ = (is_meant(&text), meant(&text), find(&text.split_whitespace().collect::<Vec<_>>()));
    }
}
