//! `type: choice`: one of a few words, or several of them.

use super::pattern::{self, misfit};
use super::usual::{REQUIRED, required};
use super::{Field, Given, InputSetting, InputType, Place, Read};
use crate::config::sheet::{Fields, Sheet};
use crate::config::words::{nearest, quoted};
use crate::config::yaml::{Node, Value};
use crate::kernel::input::InputValue;
use crate::kernel::workflow::{Choosable, InputKind};

/// As many as a menu of Slack's holds, see <https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element>.
const OPTIONS_MAX: usize = 100;
/// Of an option's text in such a menu.
const LABEL_MAX: usize = 75;
/// In a message, that many are named.
const NAMED_MAX: usize = 8;

/// The entry in the list of kinds.
pub const TYPE: InputType = InputType {
    name: "choice",
    about: "One of a few words, or several of them. On the command line it is one word behind the length of time, if it is one of those offered, \
            or `NAME=WORD`; several are said as `NAME=ONE,OTHER`. Where several can be chosen, `{{ inputs.NAME }}` is a list.",
    settings: &[
        InputSetting {
            name: "options",
            is_required: true,
            about: "What is offered, at most 100: words, or `{ value: eu, label: Europe }` where people should read something else.",
        },
        InputSetting {
            name: "many",
            is_required: false,
            about: "Whether several can be chosen; false if it is left out.",
        },
        InputSetting {
            name: "default",
            is_required: false,
            about: "Taken when nothing is said: one of the words, or a list of them where several can be chosen.",
        },
        REQUIRED,
        pattern::SETTINGS[0],
        pattern::SETTINGS[1],
    ],
    example: "{ type: choice, options: [read, write], default: read }",
    is_single: false,
    place: Place::Word(|kind, word| {
        let (options, is_many) = offered(kind);
        !is_many && find(options, word).is_some()
    }),
    rank: 1,
    is_of_workflow: true,
    write,
    read,
    field: |kind, value| {
        let InputKind::Choice { options, many, default, required, .. } = kind else {
            return Field::Choices { offered: Vec::new(), chosen: Vec::new(), is_many: false, is_optional: true };
        };
        let chosen = match value {
            Some(value) => {
                value.split(',').filter_map(|word| find(options, word)).map(|one| one.value.clone()).collect()
            }
            None => default.clone(),
        };
        let offered = options.iter().map(|one| (one.label.clone(), one.value.clone())).collect();
        Field::Choices { offered, chosen, is_many: *many, is_optional: !required }
    },
    hint: |input| Some(format!("[{}]", input.name.replace('_', " "))),
    example_word: |_| None,
    corrected: |kind, typed| {
        let pattern = if let InputKind::Choice { pattern, .. } = kind { pattern.as_ref() } else { None };
        let words = offered(kind).0.iter().map(|one| one.value.as_str());
        nearest(typed, words.filter(|word| misfit(pattern, word).is_none())).map(str::to_owned)
    },
};

fn offered(kind: &InputKind) -> (&[Choosable], bool) {
    match kind {
        InputKind::Choice { options, many, .. } => (options, *many),
        _ => (&[], false),
    }
}

/// By its value or label, however it is spelled.
fn find<'o>(options: &'o [Choosable], word: &str) -> Option<&'o Choosable> {
    let word = word.trim();
    let exactly = options.iter().find(|one| one.value == word);
    exactly.or_else(|| {
        options.iter().find(|one| one.value.eq_ignore_ascii_case(word) || one.label.eq_ignore_ascii_case(word))
    })
}

fn read(kind: &InputKind, given: &Given<'_>) -> Read {
    let InputKind::Choice { options, many, default, required, pattern } = kind else { return Read::Nothing };
    let mut chosen: Vec<String> = Vec::new();
    match given.value {
        None if default.is_empty() => return if *required { Read::Missing } else { Read::Nothing },
        None => chosen.clone_from(default),
        Some(value) => {
            let words = if *many { value.split(',').collect() } else { vec![value] };
            for word in words.into_iter().filter(|word| !word.trim().is_empty()) {
                let Some(option) = find(options, word) else {
                    let names: Vec<&str> = options.iter().take(NAMED_MAX).map(|one| one.value.as_str()).collect();
                    let more = if options.len() > NAMED_MAX { ", ..." } else { "" };
                    return Read::Wrong(format!("`{}` is not offered ({}{more})", word.trim(), names.join(", ")));
                };
                if let Some(why) = misfit(pattern.as_ref(), &option.value) {
                    return Read::Wrong(format!("`{}`: {why}", option.value));
                }
                if !chosen.contains(&option.value) {
                    chosen.push(option.value.clone());
                }
            }
        }
    }
    // In the order of the file, so that the same choice reads the same.
    let place = |value: &String| options.iter().position(|one| one.value == *value);
    chosen.sort_by_key(place);
    Read::Value(InputValue::Choice { chosen, many: *many })
}

fn write(sheet: &mut Sheet, fields: &Fields) -> Option<InputKind> {
    const HELP: &str = "write options: [read, write], or options: [{ value: eu, label: Europe }]";
    let node = sheet.required(fields, "options", HELP)?;
    let list = sheet.list(node, "`options`")?;
    if list.len() > OPTIONS_MAX {
        let help = Some("that is what a menu of Slack's holds".to_owned());
        sheet.mistake(node.place, format!("more than {OPTIONS_MAX} options"), help);
        return None;
    }
    let options: Vec<Option<Choosable>> = list.iter().map(|node| option(sheet, node)).collect();
    for (index, (node, one)) in list.iter().zip(&options).enumerate() {
        let is_same = |other: &Option<Choosable>| {
            other.as_ref().zip(one.as_ref()).is_some_and(|(other, one)| other.value.eq_ignore_ascii_case(&one.value))
        };
        if options.iter().take(index).any(is_same) {
            sheet.mistake(
                node.place,
                "this option stands twice",
                Some("keep one; capitals do not tell them apart".to_owned()),
            );
            return None;
        }
    }
    let options = options.into_iter().collect::<Option<Vec<Choosable>>>()?;
    let many = match fields.get("many") {
        Some(node) => sheet.flag(node, "`many`")?,
        None => false,
    };
    let pattern = pattern::pattern(sheet, fields)?;
    let fits = |word: &str| misfit(pattern.as_ref(), word).is_none();
    if let Some(node) = fields.get("pattern").filter(|_| !options.iter().any(|one| fits(&one.value))) {
        let help = "the pattern is looked for in each option's value".to_owned();
        sheet.mistake(node.place, "no option fits `pattern`", Some(help));
        return None;
    }
    let default = match fields.get("default") {
        Some(node) => {
            let words = default(sheet, node, &options, many)?;
            if let Some(why) = words.iter().find_map(|word| misfit(pattern.as_ref(), word)) {
                sheet.mistake(node.place, "`default` is not what may be chosen", Some(why));
                return None;
            }
            words
        }
        None => Vec::new(),
    };
    let required = required(sheet, fields, !default.is_empty())?;
    Some(InputKind::Choice { options, many, default, required, pattern })
}

fn default(sheet: &mut Sheet, node: &Node, options: &[Choosable], many: bool) -> Option<Vec<String>> {
    let nodes = match &node.value {
        Value::List(list) if many => list.iter().collect(),
        _ => vec![node],
    };
    nodes
        .into_iter()
        .map(|node| word(sheet, node, "`default`").filter(|word| is_offered(sheet, node, word, options)))
        .collect()
}

fn is_offered(sheet: &mut Sheet, node: &Node, word: &str, options: &[Choosable]) -> bool {
    let is_offered = options.iter().any(|one| one.value == word);
    if !is_offered {
        let words = || options.iter().map(|one| one.value.as_str());
        let help = nearest(word, words()).map(|word| format!("did you mean `{word}`?"));
        let help = help.unwrap_or_else(|| format!("one of: {}", words().collect::<Vec<_>>().join(", ")));
        sheet.mistake(node.place, format!("`default` cannot be {}", quoted(word)), Some(help));
    }
    is_offered
}

fn option(sheet: &mut Sheet, node: &Node) -> Option<Choosable> {
    if !matches!(node.value, Value::Map(_)) {
        let value = word(sheet, node, "an option")?;
        return Some(Choosable { label: value.clone(), value });
    }
    let fields = sheet.fields(node, "an option", &["value", "label"])?;
    let given = sheet.required(&fields, "value", "write { value: eu, label: Europe }")?;
    let value = word(sheet, given, "`value`")?;
    let label = match fields.get("label") {
        Some(node) => sheet.short_text(node, "`label`", LABEL_MAX)?.trim().to_owned(),
        None => value.clone(),
    };
    Some(Choosable { value, label })
}

/// A word that can be chosen: text, or a number as it is written. A comma stands between several.
fn word(sheet: &mut Sheet, node: &Node, what: &str) -> Option<String> {
    if let Value::Whole(number) = node.value {
        return Some(number.to_string());
    }
    let text = sheet.short_text(node, what, LABEL_MAX)?.trim();
    if text.contains(',') {
        sheet.mistake(
            node.place,
            format!("{what} holds a comma"),
            Some("commas stand between several words".to_owned()),
        );
        return None;
    }
    Some(text.to_owned())
}
