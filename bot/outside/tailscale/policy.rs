//! The tailnet policy file: who is in which group; and its text, which is replaced only if it is still what was read.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::ETAG;
use serde_json::Value;

use super::error::tame;
use super::wire::{Call, OBJECT_LIMIT_BYTES, POLICY_LIMIT_BYTES, Text, refused};
use super::{Tailscale, TailscaleError};
use crate::hujson::{self, Document, Place};

/// The longest sentence of a validation that is repeated.
const SENTENCES_MAX: usize = 5;

/// The tailnet policy file, as far as rules about people need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// The file as HuJSON.
    pub text: String,
    /// Names this very content, as Tailscale sent it (with its quotes); empty if it sent none.
    pub etag: String,
    /// Members by group (`group:dba`), as logins in the file's spelling. Groups synced from an identity provider and
    /// `autogroup:` ones are not listed: the API cannot say who is in them (apis/tailscale.md 3.4).
    pub groups: BTreeMap<String, Vec<String>>,
    /// Conditions by posture (`posture:healthy`), as written.
    pub postures: BTreeMap<String, Vec<String>>,
}

/// The policy file as it was written, every byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText {
    /// HuJSON.
    pub text: String,
    /// Names this very content, in quotes; what replaces it must say from which it was made.
    pub etag: String,
}

/// What Tailscale thinks of a policy file that it was not given yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It would take it.
    Good,
    /// It would not; in its own words, with what its tests found.
    Bad(String),
}

/// What became of a policy file that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// Tailscale says that it is the policy file now.
    Yes,
    /// Somebody changed the file since it was read: nothing was done.
    Changed,
}

impl PolicyFile {
    /// Whether `login` is in `group`; `None` if the file has no such group. Case does not matter for logins.
    pub fn is_in_group(&self, login: &str, group: &str) -> Option<bool> {
        let members = self.groups.get(group)?;
        let login = login.to_lowercase();
        Some(members.iter().any(|member| member.to_lowercase() == login))
    }
}

/// The postures of a policy file. One with a condition that is no text holds for nothing, and is left out.
fn postures(file: &Value) -> BTreeMap<String, Vec<String>> {
    let sections = file.as_object().into_iter().flatten().filter(|(name, _)| name.eq_ignore_ascii_case("postures"));
    let named = sections.filter_map(|(_, section)| section.as_object()).flatten();
    let conditions = |value: &Value| -> Option<Vec<String>> {
        value.as_array()?.iter().map(|one| one.as_str().map(str::to_owned)).collect()
    };
    named.filter_map(|(name, value)| Some((name.clone(), conditions(value)?))).collect()
}

impl Tailscale {
    /// The policy file, read now. Who is in a group only for a while, by our own doing, is left out: nobody borrows a group to decide by
    /// it. Scope `policy_file:read`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn policy(&self) -> Result<PolicyFile, TailscaleError> {
        let answer =
            self.send(self.policy_call("reading the policy file", "policy_file:read", Method::GET, &["acl"])).await?;
        let text = String::from_utf8(answer.body.clone()).unwrap_or_default();
        let (file, lent) = match Document::read(&text, POLICY_LIMIT_BYTES) {
            Ok(document) => (document.value(), document.entries()),
            // Odd, but whoever is in a group can be told; nothing of ours is ever written into such a file.
            Err(why) => {
                let read = jsonc_parser::parse_to_serde_value(&text, &hujson::options());
                (read.map_err(|_| answer.malformed(&why.to_string()))?, Vec::new())
            }
        };
        if !file.is_object() {
            return Err(answer.malformed("a policy file is an object"));
        }
        let mut groups = BTreeMap::new();
        // Names of sections are read without case, as Go does.
        let sections = file.as_object().into_iter().flatten().filter(|(name, _)| name.eq_ignore_ascii_case("groups"));
        for (group, members) in sections.filter_map(|(_, section)| section.as_object()).flatten() {
            let members = members.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
            let mut members: Vec<String> = members.collect();
            for entry in lent.iter().filter(|entry| is_in(&entry.place, group) && !entry.mark.requests.is_empty()) {
                if let Some(at) = members.iter().position(|member| entry.value == member.as_str()) {
                    members.remove(at);
                }
            }
            groups.insert(group.clone(), members);
        }
        let etag = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok()).unwrap_or_default().to_owned();
        Ok(PolicyFile { text, etag, groups, postures: postures(&file) })
    }

    /// The policy file as text, read now. Scope `policy_file:read`.
    ///
    /// # Errors
    /// `Malformed` if it is no text or has no tag; see `TailscaleError`.
    pub async fn policy_text(&self) -> Result<PolicyText, TailscaleError> {
        let call = self.policy_call("reading the policy file", "policy_file:read", Method::GET, &["acl"]);
        let answer = self.send(call).await?;
        let etag = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok()).unwrap_or_default();
        // A proxy on the way may have marked it as weak.
        let etag = etag.strip_prefix("W/").unwrap_or(etag).to_owned();
        if etag.is_empty() {
            return Err(answer.malformed("the policy file came without its ETag"));
        }
        let text =
            String::from_utf8(answer.body.clone()).map_err(|_| answer.malformed("the policy file is no text"))?;
        Ok(PolicyText { text, etag: if etag.starts_with('"') { etag } else { format!("\"{etag}\"") } })
    }

    /// Asks what Tailscale would say of a policy file, its own tests included. Changes nothing. Scope `policy_file:read`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn validate_policy(&self, text: &str) -> Result<Verdict, TailscaleError> {
        let mut call =
            self.policy_call("validating the policy file", "policy_file:read", Method::POST, &["acl", "validate"]);
        call.accept = "application/json";
        call.limit_bytes = OBJECT_LIMIT_BYTES;
        let answer = self.send_text(call, Text { text, made_from: None }).await;
        match answer {
            Ok(answer) if answer.body.trim_ascii().is_empty() => Ok(Verdict::Good),
            Ok(answer) => Ok(verdict(&answer.json()?)),
            // What it cannot read at all it may refuse like this.
            Err(TailscaleError::Rejected(said)) if said.status == Some(400) => Ok(Verdict::Bad(said.message)),
            Err(error) => Err(error),
        }
    }

    /// Replaces the policy file, if it is still the one with this tag. Never sends an empty one. What the answer says is not looked
    /// at: read back with `policy_text`. Scope `policy_file`.
    ///
    /// # Errors
    /// `Rejected` for a file Tailscale does not take; see `TailscaleError`.
    pub async fn replace_policy(&self, text: &str, made_from: &str) -> Result<Replaced, TailscaleError> {
        const NAME: &str = "writing the policy file";
        if made_from.is_empty() {
            return Err(refused(NAME, "it is not known what it would replace"));
        }
        let call = self.policy_call(NAME, "policy_file", Method::POST, &["acl"]);
        match self.send_text(call, Text { text, made_from: Some(made_from) }).await {
            Ok(_) => Ok(Replaced::Yes),
            Err(TailscaleError::Rejected(said)) if said.status == Some(412) => Ok(Replaced::Changed),
            Err(error) => Err(error),
        }
    }

    fn policy_call(&self, name: &'static str, scope: &'static str, method: Method, path: &[&str]) -> Call {
        Call {
            name,
            scope: Some(scope),
            method,
            url: self.tailnet_url(path),
            accept: "application/hujson",
            body: None,
            limit_bytes: POLICY_LIMIT_BYTES,
            limit: None,
        }
    }
}

/// Whether something stands in the list of that group.
fn is_in(place: &Place, group: &str) -> bool {
    matches!(place, Place::ListUnder(section, name) if section.eq_ignore_ascii_case("groups") && name == group)
}

/// Tailscale answers 200 whatever it finds: nothing, or a message; warnings are no reason not to write it.
fn verdict(found: &Value) -> Verdict {
    let message = found.get("message").and_then(Value::as_str).unwrap_or_default();
    if message.is_empty() || message == "warning(s) found" {
        return Verdict::Good;
    }
    let mut sentences = vec![tame(message, &[])];
    for one in found.get("data").and_then(Value::as_array).into_iter().flatten().take(SENTENCES_MAX) {
        let user = one.get("user").or_else(|| one.get("src")).and_then(Value::as_str).unwrap_or("a test");
        let errors = one.get("errors").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let errors = errors.take(SENTENCES_MAX).collect::<Vec<_>>().join(", ");
        if !errors.is_empty() {
            sentences.push(tame(&format!("{user}: {errors}"), &[]));
        }
    }
    Verdict::Bad(sentences.join("; "))
}
