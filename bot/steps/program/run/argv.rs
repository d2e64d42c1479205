//! One run put together: each argument is one argument whatever is in it, and no value turns into an option.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::kernel::fill::{Part, parts};
use crate::kernel::hold;
use crate::outside::programs::{Mark, Run};
use crate::steps::filled::{NotPut, Secrets, text};

/// How long a program may take if the file does not say.
const LIMIT: Duration = Duration::from_secs(30);

/// How long a program may take. None: it is no length of time.
pub(super) fn limit(value: Option<&Value>) -> Option<Duration> {
    let Some(value) = value else { return Some(LIMIT) };
    let length_ms = hold::parse(value.as_str()?).ok()?;
    u64::try_from(length_ms).ok().map(Duration::from_millis)
}

/// Puts the run of this setting together.
pub(super) fn assemble(
    setting: &Value,
    with: &Map<String, Value>,
    own: &Map<String, Value>,
    secrets: &Secrets,
    mark: Mark,
) -> Result<Run, NotPut> {
    let wrong = |what: &str| NotPut::Wrong(what.to_owned());
    let mut all = setting.as_array().into_iter().flatten();
    let program = text(all.next().ok_or_else(|| wrong("it names no program"))?, &Map::new(), &no_secret)?;
    let arguments = all.map(|one| argument(one, own)).collect::<Result<Vec<String>, NotPut>>()?;
    let lend = |name: &str| lent(name, &program, secrets);
    let mut env = BTreeMap::new();
    for (name, value) in with.get("env").and_then(Value::as_object).into_iter().flatten() {
        let text = text(value, &Map::new(), &lend)?;
        if text.contains('\0') {
            return Err(NotPut::Wrong(format!("{name} in its environment would hold a zero byte")));
        }
        env.insert(name.clone(), SecretString::from(text));
    }
    let dir = with.get("dir").and_then(Value::as_str).unwrap_or("/").into();
    let limit = limit(with.get("limit")).ok_or_else(|| wrong("its limit is no length of time"))?;
    Ok(Run { program, arguments, env, dir, limit, mark })
}

fn no_secret(_: &str) -> Result<String, NotPut> {
    Err(NotPut::Wrong("a secret stands among its arguments, where every user of the machine reads it".to_owned()))
}

/// A value is never an option: where the file has nothing in front of it, it may not begin like one.
fn argument(value: &Value, own: &Map<String, Value>) -> Result<String, NotPut> {
    let argument = text(value, own, &no_secret)?;
    let has_literal =
        parts(value).is_some_and(|parts| matches!(parts.first(), Some(Part::Literal(literal)) if !literal.is_empty()));
    if !has_literal && argument.starts_with('-') {
        let what = "an argument would begin with `-` by what was filled in, and could be taken for an option";
        return Err(NotPut::Wrong(what.to_owned()));
    }
    if argument.contains('\0') {
        return Err(NotPut::Wrong("an argument would hold a zero byte".to_owned()));
    }
    Ok(argument)
}

/// A secret for a program that may have it.
fn lent(name: &str, program: &str, secrets: &Secrets) -> Result<String, NotPut> {
    let secret =
        secrets.get(name).ok_or_else(|| NotPut::Wrong(format!("there is no secret {name} in nightlatch.yaml")))?;
    if !secret.programs.iter().any(|allowed| allowed == program) {
        return Err(NotPut::Wrong(format!("the secret {name} may not go to {program}: its `programs` do not name it")));
    }
    Ok(secret.secret.expose_secret().to_owned())
}

/// Of what a program printed, in characters.
const SHOWN_MAX: usize = 1_000;

/// What a program printed, as it may be kept and shown: no secret of ours, no control characters, not too much.
pub(super) fn scrubbed(printed: &str, secrets: &Secrets) -> String {
    let mut text = printed.to_owned();
    let mut known: Vec<&str> = secrets.values().map(|lent| lent.secret.expose_secret()).collect();
    // One may be the beginning of another.
    known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in known.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "***");
        // A program that printed too much may have been cut off in the middle of one.
        for length in (4..secret.len()).rev() {
            if let Some(beginning) = secret.get(..length)
                && text.ends_with(beginning)
            {
                text.truncate(text.len().saturating_sub(length));
                text.push_str("***");
                break;
            }
        }
    }
    let is_plain = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let text: String = text.trim().chars().filter(is_plain).collect();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::secret::LentSecret;

    fn secrets() -> Secrets {
        let lent = |secret: &str, programs: &[&str]| LentSecret {
            secret: SecretString::from(secret),
            hosts: vec!["ci.example.com".to_owned()],
            programs: programs.iter().map(|one| (*one).to_owned()).collect(),
        };
        [("ci".to_owned(), lent("s3cret-canary", &["/bin/x"])), ("longer".to_owned(), lent("s3cret-canary-2", &[]))]
            .into()
    }

    fn put(setting: &Value, env: &Value) -> Result<(Vec<String>, Vec<String>), NotPut> {
        let with = json!({ "env": env });
        let own = json!({ "output": "-7" });
        let mark = Mark { request: "r".to_owned(), step: "1".to_owned() };
        let run = assemble(setting, with.as_object().unwrap(), own.as_object().unwrap(), &secrets(), mark)?;
        let env = run.env.iter().map(|(name, value)| format!("{name}={}", value.expose_secret()));
        Ok((std::iter::once(run.program).chain(run.arguments).collect(), env.collect()))
    }

    fn filled(value: &str) -> Value {
        json!({ "{{}}": [{ "filled": value }] })
    }

    #[test]
    fn no_value_becomes_an_option_and_each_stays_one_argument() {
        let behind = json!({ "{{}}": ["--why=", { "filled": "--all \"x\" $(id)\n" }] });
        let (argv, _) = put(&json!(["/bin/x", behind, filled("a b"), "-v"]), &json!({})).unwrap();
        assert_eq!(argv, ["/bin/x", "--why=--all \"x\" $(id)\n", "a b", "-v"]);
        let empty = json!({ "{{}}": [{ "filled": "" }, { "filled": "-rf" }] });
        let no_literal = json!({ "{{}}": ["", { "filled": "-rf" }] });
        let own = json!({ "{{}}": [{ "own": "output" }] });
        for wrong in [filled("-"), filled("--all"), empty, no_literal, own, filled("a\0b")] {
            assert!(matches!(put(&json!(["/bin/x", wrong]), &json!({})), Err(NotPut::Wrong(_))), "{wrong}");
        }
        let unknown = json!({ "{{}}": [{ "own": "other" }] });
        assert_eq!(put(&json!(["/bin/x", unknown]), &json!({})), Err(NotPut::Unknown("other".to_owned())));
    }

    #[test]
    fn a_secret_goes_to_its_programs_only_and_never_by_what_was_filled_in() {
        let (_, env) = put(&json!(["/bin/x"]), &json!({ "T": "Bearer secret:ci" })).unwrap();
        assert_eq!(env, ["T=Bearer s3cret-canary"]);
        let (_, env) = put(&json!(["/bin/x"]), &json!({ "T": filled("secret:ci") })).unwrap();
        assert_eq!(env, ["T=secret:ci"]);
        for (program, env) in [("/bin/y", "secret:ci"), ("/bin/x", "secret:longer"), ("/bin/x", "secret:none")] {
            assert!(put(&json!([program]), &json!({ "T": env })).is_err(), "{program} {env}");
        }
        assert!(put(&json!(["/bin/x", "secret:ci"]), &json!({})).is_err());
    }

    #[test]
    fn what_is_printed_is_cut_and_holds_no_secret() {
        let all = secrets();
        assert_eq!(scrubbed(" a s3cret-canary-2 b\ns3cret-canary\u{1b}[31m\r\n", &all), "a *** b\n***[31m");
        assert_eq!(scrubbed("cut off at s3cret-can", &all), "cut off at ***");
        let long = scrubbed(&"é".repeat(2_000), &all);
        assert_eq!(long.chars().count(), SHOWN_MAX + 3);
    }
}
