//! What is said when others changed what is held.

use super::words::{escape, one_line};
use crate::kernel::Request;

/// What a pipeline did to what a request holds in the policy file, and what became of that.
pub fn overwritten(request: &Request, (times, put_back_max, note): (u32, u32, &str), by: Option<&str>) -> String {
    let by = by.map(|by| format!(" by {}", escape(&one_line(by, 100)))).unwrap_or_default();
    let note = match note {
        "" => String::new(),
        note => format!(" The file is managed elsewhere: {}.", escape(one_line(note, 200).trim_end_matches('.'))),
    };
    let title = escape(&one_line(&request.workflow.title, 75));
    if times > put_back_max {
        return format!(
            "🚨 The tailnet's policy file was overwritten{by} for the {times}th time while *{title}* was lent to <@{}>. It is not put \
             back any more, and the request ends.{note} Have the pipeline leave entries alone whose comment begins with `nightlatch`.",
            request.requester.slack_id,
        );
    }
    format!(
        "🔁 The tailnet's policy file was overwritten{by}, without what this request holds. It was put back ({times} of at most {put_back_max} \
         times).{note}"
    )
}

/// Who took away what a request held.
pub fn taken_away(by: Option<&str>) -> String {
    let by = by.map_or_else(|| "Somebody".to_owned(), |by| escape(&one_line(by, 100)));
    format!("👀 {by} took it away, says Tailscale's configuration log.")
}
