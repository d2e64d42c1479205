//! The words of the surface: short private answers to what somebody just did. All in mrkdwn, safe as they are.

pub(super) mod devices;

use crate::engine::TellError;
use crate::engine::asking::{AskError, Form};
use crate::inputs::duration::{mistyped, spelled};
use crate::inputs::{self, Place};
use crate::kernel::hold::HoldError;
use crate::kernel::origin::Origin;
use crate::kernel::workflow::{Clause, Input, OwnRequest};
use crate::kernel::{Failure, Refusal, Request, Standing, Typed, Workflow, hold};
use crate::notices::Notices;
use crate::notices::words::{self, escape, one_line, sentence};
use crate::outside::slack::SlackError;

/// A form whose trigger was too old, or that Slack would not show.
pub(super) fn not_opened(line: &str, error: Option<&SlackError>) -> String {
    format!(
        "The form could not be opened: {} Nothing was asked. Try again, or type {}",
        why_not_opened(error),
        code(line)
    )
}

/// Why Slack did not show a form; without an error it sent nothing to open one with.
pub(super) fn why_not_opened(error: Option<&SlackError>) -> String {
    match error {
        None => "Slack sent nothing to open it with.".to_owned(),
        Some(error) if error.is_about_trigger() => "Slack gives three seconds for it, and they were over.".to_owned(),
        Some(error) => {
            let (what, advice) = error.for_people();
            format!("{} {}", sentence(&what), sentence(&advice)).trim().to_owned()
        }
    }
}

/// A press in a channel that another company can see.
pub(super) const SHARED_CHANNEL: &str = "This channel is shared with another company, so nothing that is decided here counts, and nothing was. \
     Open my *Home* tab: what waits for you is there, with the same buttons.";

/// A button whose value names nothing we know.
pub(super) const NO_SUCH_REQUEST: &str = "I know no such request (an old message, or one of another installation), so nothing was counted. \
     `/access list` shows what there is.";

/// Somebody else's request, asked again.
pub(super) const NOT_YOUR_REQUEST: &str =
    "That is somebody else's request; only they can ask for it again. `/access` opens a form of your own.";

/// A press that is saved and not yet counted.
pub(super) const PRESS_SAVED: &str = "Your press is saved. `/access list` shows what comes of it.";

/// The database did not take a press.
pub(super) const NOT_COUNTED: &str =
    "That could not be saved, so nothing was counted. Press again in a moment; if it stays like this, tell an admin.";

/// The database did not answer.
pub(super) const NOT_READ: &str = "My records could not be read just now. Nothing was changed. Try again in a moment; if it stays like this, tell an admin.";

/// What was typed is saved, and what it needs is being looked up.
pub(super) const TYPED_SAVED: &str = ":hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.";

/// The same, in the form that was sent.
pub(super) const FORM_SAVED: &str = ":hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow. You can close this: I will tell you what \
     came of it.";

/// A form that came back without what we wrote into it.
pub(super) const FORM_UNKNOWN: &str =
    "This form is not one of mine any more, so nothing was done. Type `/access` for a new one.";

/// A form that was sent before its fields were those of the chosen workflow.
pub(super) const LOOK_AGAIN: &str = "The fields changed with your choice. Please look at them, then send it.";

/// Somebody who is in no group that may ask for anything.
pub(super) const NOTHING_TO_BORROW: &str = "There is nothing here that you may ask for. If there should be, ask an admin to add you to the group that may; \
     `/access help` says more.";

/// A device list that could not be had.
pub(super) const DEVICES_UNAVAILABLE: &str =
    "Your devices could not be read from Tailscale, so none can be chosen yet. Type into the field again in a moment.";

/// Somebody of another company.
pub(super) fn outsider(notices: &Notices) -> String {
    notices.refusal(&Refusal::Standing { standing: Standing::Outsider }, None)
}

/// The same without markup, for errors in forms.
pub(super) fn outsider_plain(notices: &Notices) -> String {
    as_plain(&outsider(notices))
}

/// A line to type, as it is to be typed.
pub(super) fn code(line: &str) -> String {
    format!("`{}`", escape(&one_line(line, 1_000)).replace('`', "'"))
}

/// What was to start by itself, and why nothing was asked, in the words that whoever it runs as would have read.
pub(super) fn not_started(typed: &Typed, why: &str) -> String {
    let name = escape(&one_line(&typed.workflow, 75));
    let due = match &typed.origin {
        Origin::Schedule { due_at, .. } => format!(" {}", words::when(*due_at, typed.at)),
        Origin::Typed | Origin::Unknown => String::new(),
    };
    // The words are safe as they are.
    let why: Vec<String> = why.lines().map(|line| format!("> {line}")).collect();
    let who = words::mention(&typed.by);
    format!("⚠️ {name} was to start by schedule{due}, as {who}, and nothing was asked:\n{}", why.join("\n"))
}

/// Title and name: `*Production database* (prod-db)`.
/// Why nothing was asked that could never be approved, and who could change that.
fn too_few_approvers(workflow: &Workflow) -> String {
    let people: u32 = workflow.approve.iter().flat_map(|stage| &stage.clauses).map(Clause::needed).sum();
    let is_never_own = workflow.approve.iter().all(|stage| stage.own_request == OwnRequest::Never);
    if people == 1 && is_never_own {
        return format!(
            "Nobody but you could approve {} now, so nothing was asked. Ask whoever looks after it to add people to its `approve` list.",
            called(workflow)
        );
    }
    let beside = if is_never_own { " beside you" } else { "" };
    format!(
        "There are not enough people now who could approve {}, so nothing was asked. It takes {}: different people{beside}. Ask whoever \
         looks after it to add people to those groups, or to its `approve` list.",
        called(workflow),
        escape(&words::takes(workflow))
    )
}

pub(super) fn called(workflow: &Workflow) -> String {
    format!("*{}* ({})", escape(&one_line(&workflow.title, 75)), escape(&workflow.name))
}

/// Of a request, for one line: what, on which device.
pub(super) fn what(request: &Request) -> String {
    let title = escape(&one_line(&request.workflow.title, 75));
    match &request.device {
        Some(device) => format!("*{title}* on {}", escape(&one_line(&device.name, 63))),
        None => format!("*{title}*"),
    }
}

/// mrkdwn as Slack shows it where there is no markup, for errors at fields.
pub(super) fn as_plain(text: &str) -> String {
    text.replace(['*', '`'], "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// A workflow that is not in the folder any more.
pub(super) fn no_longer_lent(request: &Request) -> String {
    format!("{} is not lent any more. `/access help` shows what there is.", called(&request.workflow))
}

/// What to type to ask for the same thing again.
pub(super) fn line(form: &Form) -> String {
    let workflow = &form.workflow;
    let own = workflow.command.clone().unwrap_or_else(|| format!("/access {}", workflow.name));
    let theirs = || format!("/access for @person {}", workflow.name);
    let mut parts = vec![if form.for_whom.is_some() { theirs() } else { own }];
    let mut text = None;
    for input in form.asked() {
        let Some(value) = form.values.get(&input.name).filter(|value| !value.trim().is_empty()) else { continue };
        match inputs::of(&input.kind).map_or(Place::Named, |kind| kind.place) {
            Place::First => parts.insert(1, value.clone()),
            Place::Rest if text.is_none() => text = Some(value.clone()),
            // What has spaces in it can only be said in the form.
            _ if value.contains(char::is_whitespace) => {}
            _ => parts.push(format!("{}={value}", input.name)),
        }
    }
    parts.extend(text);
    parts.join(" ")
}

/// The same with values that can be taken in place of those that cannot.
fn corrected(form: &Form, wrong: &[(String, String)]) -> String {
    let mut form = form.clone();
    if form.is_doubtful
        && let Some(text) = text_of(&mut form)
    {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        words.drain(mistyped::find(&words).unwrap_or_default());
        *text = words.join(" ");
    }
    for (name, _) in wrong {
        let value = form.workflow.input(name).filter(|_| form.asks(name)).and_then(|input| {
            let typed = form.values.get(name).map_or("", String::as_str);
            (inputs::of(&input.kind)?.corrected)(&input.kind, typed)
        });
        match value {
            Some(value) => drop(form.values.insert(name.clone(), value)),
            None => drop(form.values.remove(name)),
        }
    }
    line(&form)
}

fn takes_rest(input: &&Input) -> bool {
    inputs::of(&input.kind).is_some_and(|kind| kind.place.is_rest())
}

/// What was filled in for the first text.
fn text_of(form: &mut Form) -> Option<&mut String> {
    let text = form.asked().into_iter().find(takes_rest)?.name.clone();
    form.values.get_mut(&text)
}

/// Words that were taken for a length of time and may be none: the words, and the line that makes them part of the text.
fn misread(form: &Form, wrong: &[(String, String)]) -> Option<(String, String)> {
    let (input, default_ms, _) = form.workflow.hold()?;
    let typed = form.values.get(&input.name).filter(|_| wrong.iter().all(|(name, _)| *name == input.name))?;
    let is_unreadable = !typed.starts_with('-') && hold::parse(typed) == Err(HoldError::Unreadable(typed.clone()));
    if !form.is_doubtful && !is_unreadable {
        return None;
    }
    let text = form.asked().into_iter().find(takes_rest)?.name.clone();
    let mut form = form.clone();
    let rest = form.values.get(&text).cloned().unwrap_or_default();
    if !form.is_doubtful {
        form.values.insert(text.clone(), format!("{typed} {rest}").trim().to_owned());
    }
    form.values.insert(input.name.clone(), hold::show(default_ms));
    Some((typed.clone(), line(&form)))
}

/// That it is lent for less than was asked, behind the length that was; nothing if it is not.
pub(super) fn shortened(request: &Request) -> String {
    let Some((lent_ms, decision)) = request.shortened() else { return String::new() };
    let by = decision.person().map(|person| words::mention(&person.slack_id)).unwrap_or_default();
    format!(", shortened to {} by {by}", spelled(lent_ms))
}

/// Why nothing was asked, and what to do instead.
pub(super) fn not_asked(notices: &Notices, error: &AskError, form: &Form) -> String {
    match error {
        AskError::Refused(why) => refused(notices, why, &form.workflow),
        AskError::Wrong(wrong) => {
            let lines: Vec<String> = wrong
                .iter()
                .map(|(name, what)| format!("• *{}*: {}", escape(name), escape(&one_line(what, 300))))
                .collect();
            let example = code(&corrected(form, wrong));
            let other = misread(form, wrong).map(|(word, line)| {
                format!("\nIf {} belongs to the reason, say the time first: {}", code(&word), code(&line))
            });
            format!(
                "Nothing was asked yet:\n{}\nThis would do: {example}{}",
                lines.join("\n"),
                other.unwrap_or_default()
            )
        }
        AskError::NobodyCanApprove => too_few_approvers(&form.workflow),
        AskError::NoManager { person } => no_manager(&form.workflow, person),
        AskError::NoTailnetUser { email } => no_tailnet_user(email.as_deref()),
        AskError::NoDevice => format!("{} You typed {}", devices::none(), code(&line(form))),
        AskError::Missing { inputs, devices } => missing(inputs, devices, form),
        AskError::NotLent => {
            format!("{} is not lent any more. `/access help` shows what there is.", called(&form.workflow))
        }
        AskError::Failed(failure) => format!("{}\nTo try again, type {}", failed(failure), code(&line(form))),
    }
}

/// Something has to be said that cannot be told; of devices, with a line for each.
fn missing(inputs: &[String], devices: &[String], form: &Form) -> String {
    let device = form.workflow.device().filter(|input| inputs.contains(&input.name));
    let Some(device) = device.filter(|_| !devices.is_empty() && inputs.len() == 1) else {
        let names: Vec<String> = inputs.iter().map(|name| format!("*{}*", escape(name))).collect();
        let names = words::listed(&names, "and");
        return format!("Nothing was asked yet: {names} has to be said. To fill it in, type {}", code(&line(form)));
    };
    let lines: Vec<String> = devices
        .iter()
        .map(|name| {
            let mut form = form.clone();
            form.values.insert(device.name.clone(), name.clone());
            format!("• {}", code(&line(&form)))
        })
        .collect();
    let several = devices::several(device);
    format!("Nothing was asked yet: {several}. Say which, for example:\n{}", lines.join("\n"))
}

/// What is wrong with a value that was chosen in a form: people chose it from a list and never saw an id.
pub(super) fn wrong_in_form(form: &Form, name: &str, what: &str) -> String {
    let value = form.values.get(name).map(|value| format!("`{value}` is not"));
    value.map_or_else(|| what.to_owned(), |value| what.replace(&value, "this is not"))
}

/// Why what was sent with a form was not asked, over the same form.
pub(super) fn not_asked_in_form(notices: &Notices, error: &AskError, form: &Form) -> String {
    match error {
        AskError::Wrong(wrong) => {
            let lines: Vec<String> = wrong
                .iter()
                .map(|(name, what)| {
                    let what = wrong_in_form(form, name, what);
                    format!("*{}*: {}", escape(name), escape(&one_line(&what, 300)))
                })
                .collect();
            format!("Nothing was asked yet. {}", lines.join("; "))
        }
        AskError::Failed(failure) => {
            format!("{} Everything you filled in is here; send it again in a moment.", failed(failure))
        }
        AskError::NoDevice => form.workflow.device().map(devices::none_yet).unwrap_or_default(),
        AskError::NoTailnetUser { email } => no_tailnet_user(email.as_deref()),
        AskError::NoManager { person } => no_manager(&form.workflow, person),
        AskError::NobodyCanApprove => {
            "There are not enough people now who could approve this, so nothing was asked.".to_owned()
        }
        AskError::Missing { .. } => "Nothing was asked yet: please fill in what is missing.".to_owned(),
        AskError::Refused(why) => notices.refusal(why, None),
        AskError::NotLent => FORM_UNKNOWN.to_owned(),
    }
}

/// A workflow that is gone, and what was typed for it.
pub(super) fn not_lent(typed: &Typed) -> String {
    let mut values: Vec<&str> = typed.values.values().map(String::as_str).collect();
    values.insert(0, &typed.workflow);
    let line = format!("/access {}", values.join(" "));
    format!("{} is not lent any more, so nothing was asked. You had typed {}", code(&typed.workflow), code(&line))
}

pub(super) fn refused(notices: &Notices, why: &Refusal, workflow: &Workflow) -> String {
    let said = notices.refusal(why, None);
    match why {
        Refusal::MayNotAsk { .. }
        | Refusal::MayNotAskFor { .. }
        | Refusal::NotForThem { .. }
        | Refusal::Forbidden { .. }
        | Refusal::MayNotBreakGlass { .. }
        | Refusal::HoldTooLong { .. }
        | Refusal::Unusable { .. } => {
            format!("{}: nothing was asked. {said}", called(workflow))
        }
        _ => said,
    }
}

/// It takes a manager whom nobody knows.
fn no_manager(workflow: &Workflow, person: &str) -> String {
    format!(
        "{}: nothing was asked. It takes the approval of your manager, and I do not know who that is. Ask an admin to say it for {} in `people.yaml`.",
        called(workflow),
        code(person)
    )
}

/// No tailnet user has this person's address.
pub(super) fn no_tailnet_user(email: Option<&str>) -> String {
    let looked = match email {
        Some(email) => {
            format!("I looked for an active tailnet user called {} (your e-mail in Slack) and found none", code(email))
        }
        None => "Slack tells me no e-mail address of yours, so I cannot tell who you are in the tailnet".to_owned(),
    };
    format!("{looked}; nothing was asked. If your tailnet login is another one, ask an admin to tell the bot.")
}

/// Slack or Tailscale did not do it. What to do next is said by whoever knows what was tried.
pub(super) fn failed(failure: &Failure) -> String {
    let advice = match failure.advice.trim() {
        advice if advice.is_empty() || advice.starts_with("try again") => String::new(),
        advice => format!(" What helps: {}.", escape(&one_line(advice.trim_end_matches('.'), 300))),
    };
    format!("Nothing was asked: {}.{advice}", escape(&one_line(&failure.what, 300)))
}

/// It took too long.
pub(super) fn late() -> Failure {
    Failure {
        what: "Slack or Tailscale did not answer in time".to_owned(),
        advice: "try again in a moment".to_owned(),
        retryable: true,
        retry_after_ms: None,
    }
}

/// Over a form whose sender could not be looked up.
pub(super) fn not_looked_up(failure: &Failure) -> String {
    format!(
        "I could not look up your devices yet: {}. You can fill this in and send it all the same.",
        escape(&one_line(&failure.what, 300))
    )
}

/// Why an ask that was complete did not become a request.
pub(super) fn not_told(notices: &Notices, error: &TellError, form: &Form) -> String {
    match error {
        TellError::Refused(why) => refused(notices, why, &form.workflow),
        TellError::BeingLookedUp => TYPED_SAVED.to_owned(),
        TellError::NoSuchRequest(_) | TellError::Unreadable(_) | TellError::NotSaved(_) => {
            format!("That could not be saved, so nothing was asked. Try again in a moment: {}", code(&line(form)))
        }
    }
}
