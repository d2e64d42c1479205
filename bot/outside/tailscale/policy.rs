//! The tailnet policy file, read only: who is in which group.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::ETAG;
use serde_json::Value;

use super::wire::{Call, POLICY_LIMIT_BYTES};
use super::{Tailscale, TailscaleError};

/// The tailnet policy file as plain JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// The file as JSON text; comments are lost, unknown sections are kept.
    pub text: String,
    /// Names this very content, as Tailscale sent it (with its quotes); empty if it sent none.
    pub etag: String,
    /// Members by group (`group:dba`), as logins in the file's spelling. Groups synced from an identity provider and
    /// `autogroup:` ones are not listed: the API cannot say who is in them (apis/tailscale.md 3.4).
    pub groups: BTreeMap<String, Vec<String>>,
}

impl PolicyFile {
    /// Whether `login` is in `group`; `None` if the file has no such group. Case does not matter for logins.
    pub fn is_in_group(&self, login: &str, group: &str) -> Option<bool> {
        let members = self.groups.get(group)?;
        let login = login.to_lowercase();
        Some(members.iter().any(|member| member.to_lowercase() == login))
    }
}

impl Tailscale {
    /// The policy file, read now. Scope `policy_file:read`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn policy(&self) -> Result<PolicyFile, TailscaleError> {
        let answer = self
            .send(Call {
                name: "reading the policy file",
                scope: Some("policy_file:read"),
                method: Method::GET,
                url: self.tailnet_url(&["acl"]),
                accept: "application/json",
                body: None,
                limit_bytes: POLICY_LIMIT_BYTES,
                limit: None,
            })
            .await?;
        let file: Value = answer.json()?;
        if !file.is_object() {
            return Err(answer.malformed("a policy file is an object"));
        }
        let mut groups = BTreeMap::new();
        // Names of sections are read without case, as Go does.
        let sections = file.as_object().into_iter().flatten().filter(|(name, _)| name.eq_ignore_ascii_case("groups"));
        for (group, members) in sections.filter_map(|(_, section)| section.as_object()).flatten() {
            let members = members.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
            groups.insert(group.clone(), members.collect());
        }
        let etag = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok()).unwrap_or_default().to_owned();
        let text = String::from_utf8(answer.body).unwrap_or_default();
        Ok(PolicyFile { text, etag, groups })
    }
}
