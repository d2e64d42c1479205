//! The tailnet policy file as the world reads it: HuJSON, its rules, and what Tailscale finds wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use jsonc_parser::{ParseOptions, parse_to_serde_value};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::posture::{Condition, holds};

/// A policy file as it was saved.
#[derive(Debug, Clone)]
pub(super) struct PolicyText {
    pub text: String,
    /// With its quotes. Names the content, so the same text always has the same one.
    pub etag: String,
    /// Whether nobody ever saved one; `If-Match: "ts-default"` asks for that.
    pub is_default: bool,
}

/// What an untouched tailnet has: everybody reaches everything.
pub(super) const DEFAULT: &str = "{\n\t\"grants\": [{\"src\": [\"*\"], \"dst\": [\"*\"], \"ip\": [\"*\"]}],\n}\n";

/// Sections that exist (apis/tailscale.md 3.4).
const SECTIONS: [&str; 19] = [
    "grants",
    "acls",
    "ssh",
    "groups",
    "tagOwners",
    "hosts",
    "ipsets",
    "autoApprovers",
    "nodeAttrs",
    "postures",
    "defaultSrcPosture",
    "attrConfig",
    "tests",
    "sshTests",
    "derpMap",
    "disableIPv4",
    "oneCGNATRoute",
    "randomizeClientPort",
    "externalTailnets",
];

/// The parts of a policy file the world understands.
#[derive(Debug, Default)]
pub(super) struct Policy {
    pub groups: BTreeMap<String, Vec<String>>,
    pub tags: BTreeSet<String>,
    pub postures: BTreeMap<String, Vec<Condition>>,
    pub default_posture: Vec<String>,
    pub rules: Vec<Rule>,
    pub tests: Vec<Value>,
}

/// A grant, an older ACL rule or an SSH rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub is_ssh: bool,
    pub src: Vec<String>,
    pub dst: Vec<String>,
    /// Ports (`tcp:5432`), or for SSH the users to log in as.
    pub what: Vec<String>,
    pub posture: Vec<String>,
}

/// Somebody or something a rule may let through.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub user: &'a str,
    pub tags: &'a [String],
    pub is_external: bool,
}

impl PolicyText {
    pub fn new(text: String, is_default: bool) -> Self {
        let etag = format!("\"{}\"", hex::encode(Sha256::digest(text.as_bytes())));
        Self { text, etag, is_default }
    }
}

/// Reads HuJSON: JSON with comments and trailing commas, nothing looser. The error is in Tailscale's form.
pub(super) fn hujson(text: &str) -> Result<Value, String> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    parse_to_serde_value(text, &options)
        .map_err(|error| format!("line {}, column {}: {}", error.line_display(), error.column_display(), error.kind()))
}

/// Who owns each tag, as far as the file can be read.
pub fn tag_owners(text: &str) -> BTreeMap<String, Vec<String>> {
    let file = hujson(text).unwrap_or_default();
    let owners = file.as_object().into_iter().flat_map(|file| section(file, "tagOwners"));
    owners.map(|(tag, owners)| (tag.clone(), texts(Some(owners)))).collect()
}

impl Policy {
    /// Reads and checks a policy file; the error is what Tailscale would answer.
    pub fn read(text: &str) -> Result<Self, String> {
        let file = hujson(text)?;
        let file = file.as_object().ok_or("policy file must be an object")?;
        if let Some(unknown) = file.keys().find(|name| !SECTIONS.contains(&name.as_str())) {
            return Err(format!("json: unknown field \"{unknown}\""));
        }
        let mut policy = Self {
            tags: section(file, "tagOwners").map(|(tag, _)| tag.clone()).collect(),
            default_posture: texts(file.get("defaultSrcPosture")),
            tests: file.get("tests").and_then(Value::as_array).cloned().unwrap_or_default(),
            ..Self::default()
        };
        for (group, members) in section(file, "groups") {
            policy.groups.insert(group.clone(), texts(Some(members)));
        }
        for (posture, conditions) in section(file, "postures") {
            let conditions =
                texts(Some(conditions)).iter().map(|text| Condition::read(text)).collect::<Result<_, _>>()?;
            policy.postures.insert(posture.clone(), conditions);
        }
        for (name, what) in [("grants", "ip"), ("acls", "proto"), ("ssh", "users")] {
            for rule in file.get(name).and_then(Value::as_array).into_iter().flatten() {
                policy.rules.push(Rule {
                    is_ssh: name == "ssh",
                    src: texts(rule.get("src")),
                    dst: texts(rule.get("dst")),
                    what: texts(rule.get(what)),
                    posture: texts(rule.get("srcPosture")),
                });
            }
        }
        policy.check_names()?;
        Ok(policy)
    }

    fn check_names(&self) -> Result<(), String> {
        for rule in &self.rules {
            let ends = rule.src.iter().map(|name| ("src", name)).chain(rule.dst.iter().map(|name| ("dst", name)));
            for (end, name) in ends {
                if name.starts_with("group:") && !self.groups.contains_key(name) {
                    return Err(format!("{end}=group not found: \"{name}\""));
                }
                // An older ACL rule has its ports behind the tag.
                let is_known =
                    |tag: &String| name == tag || name.strip_prefix(tag.as_str()).is_some_and(|it| it.starts_with(':'));
                if name.starts_with("tag:") && !self.tags.iter().any(is_known) {
                    return Err(format!("{end}=tag not found: \"{name}\""));
                }
            }
        }
        let used = self.rules.iter().flat_map(|rule| &rule.posture).chain(&self.default_posture);
        match used.into_iter().find(|posture| !self.postures.contains_key(*posture)) {
            Some(posture) => Err(format!("posture not found: \"{posture}\"")),
            None => Ok(()),
        }
    }

    /// Whether the rule is open for `source` with the attributes that `attribute` knows.
    pub fn is_open(&self, rule: &Rule, source: &Source<'_>, attribute: &dyn Fn(&str) -> Option<Value>) -> bool {
        if !self.names(rule, source) {
            return false;
        }
        let asked = if rule.posture.is_empty() { &self.default_posture } else { &rule.posture };
        let is_met = |posture: &String| {
            self.postures.get(posture).is_some_and(|conditions| conditions.iter().all(|it| holds(it, attribute)))
        };
        // Postures are not asked of devices shared in (apis/tailscale.md 2.6).
        asked.is_empty() || source.is_external || asked.iter().any(is_met)
    }

    /// Whether the rule is about this source, open or not.
    pub fn names(&self, rule: &Rule, source: &Source<'_>) -> bool {
        rule.src.iter().any(|name| self.is_from(name, source))
    }

    fn is_from(&self, name: &str, source: &Source<'_>) -> bool {
        if name == "*" {
            return true;
        }
        if !source.tags.is_empty() {
            return name == "autogroup:tagged" || source.tags.iter().any(|tag| tag == name);
        }
        if source.is_external {
            return name == "autogroup:shared";
        }
        let is_user = |login: &str| login.eq_ignore_ascii_case(source.user);
        match name {
            "autogroup:member" | "autogroup:members" => true,
            name => is_user(name) || self.groups.get(name).is_some_and(|members| members.iter().any(|it| is_user(it))),
        }
    }

    /// Runs `tests`, those of the file or others; what failed, in the shape of the API's `data`.
    pub fn failing(&self, tests: &[Value]) -> Vec<Value> {
        let mut failing = Vec::new();
        for test in tests {
            let user = test.get("src").and_then(Value::as_str).unwrap_or_default();
            let tags: Vec<String> = if user.starts_with("tag:") { vec![user.to_owned()] } else { Vec::new() };
            let source = Source { user, tags: &tags, is_external: false };
            let attribute = |key: &str| test.get("srcPostureAttrs")?.get(key).cloned();
            let proto = test.get("proto").and_then(Value::as_str).unwrap_or("tcp");
            let mut errors = Vec::new();
            for (list, want, got, is_wanted) in [("accept", "Accept", "Drop", true), ("deny", "Drop", "Accept", false)]
            {
                for address in texts(test.get(list)) {
                    let reaches = |rule: &&Rule| !rule.is_ssh && rule.reaches(&address, proto);
                    let is_open = self.rules.iter().filter(reaches).any(|rule| self.is_open(rule, &source, &attribute));
                    if is_open != is_wanted {
                        errors.push(format!("address \"{address}\": want: {want}, got: {got}"));
                    }
                }
            }
            if !errors.is_empty() {
                failing.push(serde_json::json!({ "user": user, "errors": errors }));
            }
        }
        failing
    }
}

impl Rule {
    /// One line for people: what the rule opens and by which posture.
    pub fn words(&self) -> String {
        let what = self.what.join(",");
        let dst = self.dst.join(", ");
        let opens = if self.is_ssh { format!("ssh {what}@{dst}") } else { format!("{dst} {what}") };
        match self.posture.as_slice() {
            [] => opens.trim_end().to_owned(),
            postures => format!("{} by {}", opens.trim_end(), postures.join(" or ")),
        }
    }

    /// Whether a grant's destination and ports cover `host:port`.
    fn reaches(&self, address: &str, proto: &str) -> bool {
        let Some((host, port)) = address.rsplit_once(':') else { return false };
        let Ok(port) = port.parse::<u16>() else { return false };
        let is_covered = |ports: &str| match ports.split_once('-') {
            _ if ports == "*" => true,
            Some((low, high)) => {
                low.parse().is_ok_and(|low: u16| low <= port) && high.parse().is_ok_and(|high: u16| port <= high)
            }
            None => ports.parse() == Ok(port),
        };
        let by_grant = || {
            self.dst.iter().any(|dst| dst == "*" || dst == host)
                && self.what.iter().any(|what| match what.split_once(':') {
                    Some((of, ports)) => of == proto && is_covered(ports),
                    None => is_covered(what),
                })
        };
        let by_acl = || {
            let ends = self.dst.iter().filter_map(|dst| dst.rsplit_once(':'));
            ends.into_iter().any(|(dst, ports)| (dst == "*" || dst == host) && ports.split(',').any(is_covered))
        };
        by_grant() || by_acl()
    }
}

fn section<'a>(file: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    file.get(name).and_then(Value::as_object).into_iter().flatten()
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}
