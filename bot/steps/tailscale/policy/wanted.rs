//! What a request wants in the policy file, read from settings with everything filled in.

use serde_json::{Map, Value};

use crate::kernel::step_type::Lends;

/// The sections whose entries are rules, as the policy file and the settings call them.
pub(super) const SECTIONS: [&str; 3] = ["grants", "ssh", "acls"];
/// The roles whose holders are people with devices of their own.
const ROLES: [&str; 8] =
    ["member", "members", "owner", "admin", "it-admin", "network-admin", "billing-admin", "auditor"];

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub section: &'static str,
    /// As written in the workflow, filled in.
    pub entry: Map<String, Value>,
}

/// All that one request wants.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wanted {
    pub rules: Vec<Rule>,
    /// Groups, and who is added to them.
    pub members: Vec<(String, String)>,
    pub device: Option<String>,
    pub is_unguarded: bool,
}

impl Wanted {
    pub fn of(with: &Map<String, Value>) -> Self {
        let mut wanted = Self {
            device: with.get("device").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned),
            is_unguarded: with.get("unguarded") == Some(&Value::Bool(true)),
            ..Self::default()
        };
        for section in SECTIONS {
            let entries = with.get(section).and_then(Value::as_array).into_iter().flatten();
            for entry in entries.filter_map(Value::as_object) {
                let rule = Rule { section, entry: entry.clone() };
                if !wanted.rules.contains(&rule) {
                    wanted.rules.push(rule);
                }
            }
        }
        for (group, logins) in with.get("groups").and_then(Value::as_object).into_iter().flatten() {
            for login in texts(Some(logins)) {
                let member = (group.clone(), login);
                if !wanted.members.contains(&member) {
                    wanted.members.push(member);
                }
            }
        }
        wanted
    }

    /// The rules that a posture holds back.
    pub fn guarded(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| self.is_guarded(rule))
    }

    pub fn is_guarded(&self, rule: &Rule) -> bool {
        self.device.is_some() && rule.is_held_back()
    }

    /// Whether all of it goes dead by itself.
    pub fn is_all_guarded(&self) -> bool {
        self.members.is_empty() && self.rules.iter().all(|rule| self.is_guarded(rule))
    }
}

impl Rule {
    pub fn src(&self) -> Vec<String> {
        texts(self.entry.get("src").or_else(|| self.entry.get("users").filter(|_| self.section == "acls")))
    }

    /// Whether postures are looked at for all that it lets through.
    pub fn is_held_back(&self) -> bool {
        let src = self.src();
        !src.is_empty() && src.iter().all(|one| is_people(one))
    }
}

/// Entries that are named.
const NAMED_MAX: usize = 3;

/// What is added to the policy file, for people: where an entry leads, and to which ports, as whom or for what.
pub(super) fn lends(with: &Map<String, Value>, _: &str) -> Lends {
    let wanted = Wanted::of(with);
    let rules = wanted.rules.iter().map(|rule| {
        let to = |name: &str| texts(rule.entry.get(name)).join(", ");
        let apps =
            rule.entry.get("app").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str());
        let apps = apps.collect::<Vec<_>>().join(", ");
        let means = match rule.section {
            "ssh" => format!(" as {}", to("users")),
            "grants" => {
                [to("ip"), apps].into_iter().filter(|one| !one.is_empty()).map(|one| format!(" {one}")).collect()
            }
            _ => String::new(),
        };
        format!("{} to {}{means}", rule.section.trim_end_matches('s'), to("dst"))
    });
    let members = wanted.members.iter().map(|(group, login)| format!("{login} in {group}"));
    let mut all: Vec<String> = rules.chain(members).collect();
    let more = all.len().saturating_sub(NAMED_MAX);
    all.truncate(NAMED_MAX);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    Lends::words(all.join("; "))
}

/// Whether a source is people, whose devices have postures: everything else (tags, addresses, hosts, other tailnets) passes by them, or
/// may.
pub(super) fn is_people(src: &str) -> bool {
    if let Some(role) = src.strip_prefix("autogroup:") {
        return ROLES.contains(&role);
    }
    let is_named = |rest: &str| !rest.is_empty() && !rest.contains(char::is_whitespace);
    match src.split_once(':') {
        Some(("group" | "user", name)) => is_named(name),
        Some(_) => false,
        None => src.split_once('@').is_some_and(|(name, domain)| is_named(name) && is_named(domain) && name != "*"),
    }
}

pub(super) fn texts(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_people_have_devices_with_postures() {
        for people in [
            "alice@example.com",
            "eve@github",
            "group:dba",
            "autogroup:member",
            "autogroup:it-admin",
            "user:*@example.com",
        ] {
            assert!(is_people(people), "{people}");
        }
        for other in [
            "*",
            "",
            "tag:ci",
            "autogroup:shared",
            "autogroup:tagged",
            "autogroup:danger-all",
            "100.64.0.1",
            "10.0.0.0/8",
            "fd7a::1",
            "server",
            "ipset:prod",
            "svc:db",
            "host:x",
            "*@example.com",
            "@",
            "a@",
            "group:",
            "a b@c",
        ] {
            assert!(!is_people(other), "{other}");
        }
    }
}
