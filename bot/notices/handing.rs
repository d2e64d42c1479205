//! What somebody reads once: a secret that a step made for them.

use serde_json::json;

use super::Said;
use super::words::{escape, fit, one_line};
use crate::kernel::Request;

/// With the secret in it, and with a text beside it for notifications that does not hold it.
pub fn over(request: &Request, what: &str, secret: &str) -> Said {
    let title = escape(&one_line(&request.workflow.title, 75));
    let lead =
        format!("🔑 *{title}*: your {what}. It is shown here once and kept nowhere else; it ends with the access.");
    let shown = |text: &str| json!({ "type": "section", "text": { "type": "mrkdwn", "text": fit(text, 3_000), "verbatim": true } });
    // As text and not as markup, so that it can be copied as it is.
    let secret = json!({ "type": "rich_text", "elements": [{
        "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": secret }],
    }] });
    let request = json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": format!("Request {}", escape(request.id.as_str())), "verbatim": true }] });
    Said { text: format!("Your {what} for {title} is here."), blocks: json!([shown(&lead), secret, request]) }
}
