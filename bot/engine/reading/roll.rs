//! Who holds what, as a list that fits into a message.

use jiff::Timestamp;

use super::ReadError;
use crate::engine::Engine;
use crate::kernel::reference::{HouseField, Reference, mentions};
use crate::kernel::{Request, State, Workflow};
use crate::notices::words::one_line;

/// Lines of the list.
const LINES_MAX: usize = 40;
/// Of what it costs in a message of Slack's, with signs that are written longer there: a message takes 3000, and the workflow says
/// something beside it.
const COST_MAX: usize = 2_200;
/// Requests that are looked through; more is said as many.
const LENT_MAX: i64 = 2_000;
const TITLE_MAX: usize = 60;
const NAME_MAX: usize = 60;

impl Engine {
    /// Who holds what now, if a step of this workflow says it.
    ///
    /// # Errors
    /// The database failed.
    pub(in crate::engine) async fn active_if_said(&self, workflow: &Workflow) -> Result<Option<String>, ReadError> {
        let wanted = Reference::House(HouseField::Active);
        let is_said = |step: &crate::kernel::workflow::StepUse| step.with.values().any(|value| mentions(value, wanted));
        if !workflow.steps.iter().any(is_said) {
            return Ok(None);
        }
        let mut held = self.inner.store.lent(None, LENT_MAX).await?;
        // Being taken back may be on still.
        held.retain(|request| matches!(request.state, State::Active | State::Ending));
        held.sort_by_key(|request| request.expires_at);
        Ok(Some(list(&held)))
    }
}

/// The soonest to end first.
fn list(held: &[Request]) -> String {
    if held.is_empty() {
        return "Nobody holds anything.".to_owned();
    }
    let (mut lines, mut cost) = (Vec::new(), 0_usize);
    for request in held {
        let line = line(request);
        cost = cost.saturating_add(cost_of(&line)).saturating_add(1);
        if lines.len() >= LINES_MAX || cost > COST_MAX {
            break;
        }
        lines.push(line);
    }
    let left = held.len().saturating_sub(lines.len());
    if left > 0 {
        lines.push(format!("and {left} more; nightlatch requests shows all of them"));
    }
    lines.join("\n")
}

fn line(request: &Request) -> String {
    let title = one_line(&request.workflow.title, TITLE_MAX);
    let name = one_line(&request.requester.name, NAME_MAX);
    let device = request.device.as_ref().map(|device| format!(" on {}", one_line(&device.name, NAME_MAX)));
    let until = match request.expires_at.filter(|_| request.state == State::Active) {
        Some(at) => format!(" until {}", moment(at)),
        None => ", being taken back".to_owned(),
    };
    format!("• {title}: {name}{}{until}", device.unwrap_or_default())
}

fn moment(at: i64) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %b %H:%M UTC").to_string()
}

/// In characters, as Slack wants them written.
fn cost_of(line: &str) -> usize {
    line.chars().map(|c| if matches!(c, '&' | '<' | '>') { 5 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notices::sample;

    #[test]
    fn however_much_is_held_it_fits_and_says_how_much_is_left_out() {
        let mut held: Vec<Request> = sample::lives();
        held.retain(|request| request.state == State::Active);
        let one = held.first().expect("one that is active").clone();
        assert_eq!(list(&[]), "Nobody holds anything.");
        insta::assert_snapshot!(list(std::slice::from_ref(&one)), @"• Production database: Alice on alice-laptop until 22 Nov 15:00 UTC");
        let mut hostile = one;
        hostile.ask.requester.name = "<!channel> & <@U1>".repeat(10);
        let all = vec![hostile; 1_000];
        let text = list(&all);
        assert!(cost_of(&text) < 2_400 && text.lines().count() <= LINES_MAX + 1, "{text}");
        let shown = text.lines().count() - 1;
        assert!(
            text.ends_with(&format!("and {} more; nightlatch requests shows all of them", 1_000 - shown)),
            "{text}"
        );
    }
}
