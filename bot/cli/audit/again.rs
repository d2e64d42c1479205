//! Judges what guardrails decided once more, from the log alone: the facts that were kept, under the guardrails of then.

use std::collections::HashMap;

use nightlatch_guardrails::Guardrails;
use serde_json::Value;

use crate::kernel::guardrail::Judgement;
use crate::store::{AuditEntry, Tampered};

/// What was judged so far.
#[derive(Default)]
pub(super) struct Again {
    /// By fingerprint; none: this version cannot read them.
    rules: HashMap<String, Option<Guardrails>>,
    /// Decisions that come out as they did.
    pub(super) same: i64,
    /// Decisions under guardrails that this version cannot read.
    pub(super) unread: i64,
}

impl Again {
    /// Looks at the next entry.
    ///
    /// # Errors
    /// It is the first whose decision comes out otherwise, or whose guardrails do not stand in the log.
    pub(super) fn look(&mut self, entry: &AuditEntry) -> Result<(), Tampered> {
        let differs = |what: &str| Err(Tampered { seq: entry.seq, what: what.to_owned() });
        // What cannot be read at all, the chain speaks of.
        let Ok(event) = serde_json::from_str::<Value>(&entry.event) else { return Ok(()) };
        if event.get("event").is_some_and(|event| event == "guardrails") {
            return match (event.get("rules").and_then(Value::as_str), event.get("text").and_then(Value::as_str)) {
                (Some(rules), Some(text)) if nightlatch_guardrails::digest(text) == rules => {
                    self.rules.insert(rules.to_owned(), Guardrails::again(text).ok());
                    Ok(())
                }
                _ => differs("the text of the guardrails does not fit their fingerprint"),
            };
        }
        let places = ["/judged", "/ask/judged", "/facts/judged"];
        let Some(judged) = places.into_iter().find_map(|place| event.pointer(place)) else { return Ok(()) };
        let Ok(judged) = serde_json::from_value::<Judgement>(judged.clone()) else {
            self.unread = self.unread.saturating_add(1);
            return Ok(());
        };
        match self.rules.get(&judged.rules) {
            None => differs("the guardrails it was decided by do not stand in the log before it"),
            Some(None) => {
                self.unread = self.unread.saturating_add(1);
                Ok(())
            }
            Some(Some(guardrails)) if guardrails.judge(&judged.facts) == judged.verdict => {
                self.same = self.same.saturating_add(1);
                Ok(())
            }
            Some(Some(_)) => differs("its guardrails decide otherwise by the same facts"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(seq: i64, event: &Value) -> AuditEntry {
        AuditEntry {
            seq,
            at: 0,
            request_id: "r".to_owned(),
            actor: String::new(),
            event: event.to_string(),
            state: String::new(),
            previous: String::new(),
            hash: String::new(),
        }
    }

    #[test]
    fn a_decision_that_comes_out_otherwise_is_found() {
        let text = json!([["hold", "forbid (principal, action, resource) when { context.hold > 3600 };"]]).to_string();
        let rules = nightlatch_guardrails::digest(&text);
        let asked = |hold_ms: i64, ruling: &str| {
            let by = if ruling == "silent" { json!([]) } else { json!([{ "id": "hold" }]) };
            let who = json!({
                "slack_id": "U1", "name": "Alice", "email": null, "login": "alice@example.com", "standing": "member", "belongs": [],
            });
            let facts = json!({
                "action": "ask", "who": who, "zone": "UTC", "workflow": "prod-db", "hold_ms": hold_ms,
                "local": { "hour": 1, "weekday": "mon" }, "counts": { "today": 0, "this_week": 0 },
            });
            json!({ "ask": { "judged": {
                "rules": rules, "facts": facts, "verdict": { "ruling": ruling, "by": by },
            } } })
        };
        let pinned = json!({ "event": "guardrails", "rules": rules, "text": text });
        let look = |events: &[Value]| {
            let mut again = Again::default();
            let looked = (1..).zip(events).try_for_each(|(seq, event)| again.look(&entry(seq, event)));
            looked.map(|()| again.same).map_err(|tampered| tampered.seq)
        };
        let good = [pinned.clone(), asked(1_000, "silent"), json!({ "seq": 1 }), asked(7_200_000, "forbidden")];
        assert_eq!(look(&good), Ok(2));
        assert_eq!(look(&[pinned.clone(), asked(1_000, "silent"), asked(7_200_000, "silent")]), Err(3), "let through");
        assert_eq!(look(&[asked(1_000, "silent")]), Err(1), "by guardrails nobody wrote down");
        let other = json!({ "event": "guardrails", "rules": rules, "text": "[]" });
        assert_eq!(look(&[other]), Err(1), "other guardrails under their name");
    }
}
