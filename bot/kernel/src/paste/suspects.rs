//! What looks like a key, a token or a password in a text, by the prefixes their makers publish or the names that stand before them.

mod named;

/// One thing that looks like a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// What it looks like, for people: `a Slack token`.
    pub kind: &'static str,
    /// In which line it begins, from one; 0: in the name.
    pub line: usize,
}

impl Suspect {
    /// Where it stands, for people.
    pub fn place(&self) -> String {
        if self.line == 0 { "in the name".to_owned() } else { format!("in line {}", self.line) }
    }
}

/// What a secret of one kind begins with and how long its rest is at least.
struct Mark {
    kind: &'static str,
    start: &'static str,
    /// Characters after the start, counted as far as `is_rest` goes.
    rest_min: usize,
    rest: Rest,
}

/// What the rest is made of.
#[derive(Clone, Copy)]
enum Rest {
    /// Letters and digits.
    Letters,
    /// Letters, digits, `-` and `_`.
    Url,
    /// Upper-case letters and digits.
    Upper,
}

const fn mark(kind: &'static str, start: &'static str, rest_min: usize, rest: Rest) -> Mark {
    Mark { kind, start, rest_min, rest }
}

/// From the makers' own lists of patterns (GitHub secret scanning partners, Slack, AWS, GitLab, Stripe, Tailscale).
const MARKS: &[Mark] = &[
    mark("a Slack token", "xoxb-", 10, Rest::Url),
    mark("a Slack token", "xoxp-", 10, Rest::Url),
    mark("a Slack token", "xoxa-", 10, Rest::Url),
    mark("a Slack token", "xoxr-", 10, Rest::Url),
    mark("a Slack token", "xoxs-", 10, Rest::Url),
    mark("a Slack token", "xoxe-", 10, Rest::Url),
    mark("a Slack token", "xoxe.xox", 10, Rest::Url),
    mark("a Slack token", "xoxc-", 10, Rest::Url),
    mark("a Slack token", "xoxd-", 10, Rest::Url),
    mark("a Slack app token", "xapp-", 10, Rest::Url),
    mark("a Slack webhook address", "hooks.slack.com/services/", 8, Rest::Letters),
    mark("a Tailscale key", "tskey-", 10, Rest::Url),
    mark("a GitHub token", "ghp_", 30, Rest::Letters),
    mark("a GitHub token", "gho_", 30, Rest::Letters),
    mark("a GitHub token", "ghu_", 30, Rest::Letters),
    mark("a GitHub token", "ghs_", 30, Rest::Letters),
    mark("a GitHub token", "ghr_", 30, Rest::Letters),
    mark("a GitHub token", "github_pat_", 30, Rest::Url),
    mark("a GitLab token", "glpat-", 18, Rest::Url),
    mark("a GitLab token", "gldt-", 18, Rest::Url),
    mark("a GitLab token", "glrt-", 18, Rest::Url),
    mark("a GitLab token", "glptt-", 18, Rest::Url),
    mark("a GitLab token", "glagent-", 18, Rest::Url),
    mark("a GitLab token", "glcbt-", 18, Rest::Url),
    mark("an AWS access key", "AKIA", 16, Rest::Upper),
    mark("an AWS access key", "ASIA", 16, Rest::Upper),
    mark("a Google API key", "AIza", 30, Rest::Url),
    mark("a Google OAuth token", "ya29.", 20, Rest::Url),
    mark("a Google client secret", "GOCSPX-", 20, Rest::Url),
    mark("a Stripe key", "sk_live_", 16, Rest::Letters),
    mark("a Stripe key", "rk_live_", 16, Rest::Letters),
    mark("an npm token", "npm_", 36, Rest::Letters),
    mark("a PyPI token", "pypi-AgEIcHlwaS5vcmc", 20, Rest::Url),
    mark("an OpenAI key", "sk-proj-", 20, Rest::Url),
    mark("an Anthropic key", "sk-ant-", 20, Rest::Url),
    mark("a SendGrid key", "SG.", 60, Rest::Url),
    mark("a DigitalOcean token", "dop_v1_", 40, Rest::Letters),
    mark("a Hugging Face token", "hf_", 30, Rest::Letters),
    mark("a Docker Hub token", "dckr_pat_", 20, Rest::Url),
    mark("a HashiCorp Vault token", "hvs.", 20, Rest::Url),
    mark("a HashiCorp Vault token", "hvb.", 20, Rest::Url),
    mark("an Atlassian token", "ATATT3x", 30, Rest::Url),
    mark("a Grafana token", "glsa_", 30, Rest::Url),
    mark("a Shopify token", "shpat_", 30, Rest::Letters),
    mark("a Linear key", "lin_api_", 30, Rest::Letters),
    mark("a Notion token", "ntn_", 40, Rest::Letters),
    mark("a Sentry token", "sntrys_", 40, Rest::Url),
    mark("a Databricks token", "dapi", 32, Rest::Letters),
    mark("a Pulumi token", "pul-", 40, Rest::Letters),
    mark("a New Relic key", "NRAK-", 20, Rest::Upper),
    mark("a Postman key", "PMAK-", 30, Rest::Url),
    mark("a Doppler token", "dp.pt.", 30, Rest::Letters),
    mark("an age key", "AGE-SECRET-KEY-1", 40, Rest::Upper),
];

/// More are not named: they are the same thing again.
const SUSPECTS_MAX: usize = 10;

/// Everything in the text that looks like a secret, each kind once a line, at most ten. Finding nothing proves nothing.
pub fn suspects(text: &str) -> Vec<Suspect> {
    let mut found: Vec<Suspect> = Vec::new();
    let mut lines = text.lines().peekable();
    let mut index = 0;
    while let Some(line) = lines.next() {
        // Where a line was broken in the middle of a word, as terminals and mail do.
        let next = lines.peek().copied().unwrap_or_default();
        let kinds = MARKS.iter().filter(|mark| mark.is_in(line, next)).map(|mark| mark.kind);
        let mut kinds: Vec<_> = kinds.chain(others(line)).collect();
        // What is known by its own beginning needs no name.
        if kinds.is_empty() {
            kinds.extend(named::secret(line));
        }
        for kind in kinds {
            let suspect = Suspect { kind, line: index + 1 };
            if !found.contains(&suspect) {
                found.push(suspect);
            }
        }
        if found.len() >= SUSPECTS_MAX {
            found.truncate(SUSPECTS_MAX);
            break;
        }
        index += 1;
    }
    found
}

/// The same for what a text is called.
pub fn suspects_in_name(name: &str) -> Vec<Suspect> {
    suspects(name).into_iter().map(|suspect| Suspect { line: 0, ..suspect }).collect()
}

impl Rest {
    fn has(self, character: char) -> bool {
        match self {
            Self::Letters => character.is_ascii_alphanumeric(),
            Self::Url => character.is_ascii_alphanumeric() || character == '-' || character == '_' || character == '.',
            Self::Upper => character.is_ascii_uppercase() || character.is_ascii_digit(),
        }
    }
}

impl Mark {
    fn is_in(&self, line: &str, next: &str) -> bool {
        line.match_indices(self.start).any(|(at, _)| {
            let (before, from) = line.split_at(at);
            // In the middle of a word it is something else: `mytskey-...`, or the inside of a long hash.
            let is_start = !before.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric());
            let rest = from.get(self.start.len()..).unwrap_or_default();
            is_start && self.reaches(rest, next)
        })
    }

    /// Whether the rest is long enough, over the end of the line if it reaches that: `\` and `=` say that it goes on.
    fn reaches(&self, rest: &str, next: &str) -> bool {
        let length = |text: &str| text.chars().take_while(|c| self.rest.has(*c)).count();
        let here = length(rest);
        let ends = matches!(rest.get(here..), Some("" | "\\" | "=" | " \\"));
        let goes_on = if here > 0 && ends { length(next.trim_start()) } else { 0 };
        // What is all letters after a beginning of letters may be the next word of a sentence: a digit tells.
        let has_digit = rest.bytes().chain(next.trim_start().bytes().take(goes_on)).any(|byte| byte.is_ascii_digit());
        here >= self.rest_min || (has_digit && goes_on > 0 && here + goes_on >= self.rest_min)
    }
}

/// What has no fixed beginning: private key blocks, JSON Web Tokens, passwords in addresses.
fn others(line: &str) -> impl Iterator<Item = &'static str> {
    let key = (line.contains("-----BEGIN ") && line.contains("PRIVATE KEY")).then_some("a private key");
    let web_token =
        line.split(|c: char| !(Rest::Url.has(c) || c == '=')).any(is_web_token).then_some("a JSON Web Token");
    let password = has_password(line).then_some("an address with a password in it");
    [key, web_token, password].into_iter().flatten()
}

/// Three parts, the first two of them JSON in base64 (`{"` is `eyJ`), see RFC 7519.
fn is_web_token(word: &str) -> bool {
    let mut parts = word.split('.');
    let (Some(head), Some(claims), Some(seal), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    head.starts_with("eyJ") && claims.starts_with("eyJ") && head.len() > 10 && claims.len() > 10 && seal.len() > 10
}

/// `scheme://user:password@host`.
fn has_password(line: &str) -> bool {
    line.match_indices("://").any(|(at, _)| {
        let rest = line.get(at + 3..).unwrap_or_default();
        let authority = rest.split(|c: char| c == '/' || c.is_whitespace() || c == '"' || c == '\'').next();
        let credentials =
            authority.and_then(|authority| authority.rsplit_once('@')).map(|(credentials, _)| credentials);
        let password = credentials.and_then(|credentials| credentials.split_once(':')).map(|(_, password)| password);
        // `$PASSWORD`, `<password>` and `***` are how people write that they leave it out.
        password.is_some_and(|password| password.len() >= 4 && !password.starts_with(['$', '<', '{', '*', '%']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        suspects(text).into_iter().map(|suspect| suspect.kind).collect()
    }

    /// Put together here, so that this file holds nothing that looks like a secret.
    fn made(start: &str, rest: &str) -> String {
        format!("{start}{rest}")
    }

    #[test]
    fn well_known_keys_are_noticed_wherever_they_stand() {
        let rest = "A1B2C3D4E5F6G7H8I9J0K1L2M3N4O5P6Q7R8S9T0U1V2W3X4Y5Z6A7B8C9D0E1F2";
        for mark in MARKS {
            let secret = made(mark.start, rest);
            for line in [secret.clone(), format!("export TOKEN={secret}"), format!("  \"key\": \"{secret}\",")] {
                assert_eq!(kinds(&line), [mark.kind], "{line}");
            }
        }
        assert_eq!(kinds(&made("-----BEGIN RSA ", "PRIVATE KEY-----\nMIIEow")), ["a private key"]);
        assert_eq!(kinds(&made("-----BEGIN OPENSSH ", "PRIVATE KEY-----")), ["a private key"]);
        let token = ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", "dozjgNryP4J3jVmNHl0w5N"].join(".");
        assert_eq!(kinds(&format!("Authorization: Bearer {token}")), ["a JSON Web Token"]);
        assert_eq!(kinds("postgres://app:hunter22@db/prod"), ["an address with a password in it"]);
    }

    #[test]
    fn a_key_that_was_broken_over_two_lines_is_noticed_in_the_first() {
        let (one, two) = (made("tskey-", "auth-"), "kTest0CNTRL-abcdefghijklmnop");
        for text in [format!("a\n{one}\n{two}\n"), format!("a\n{one}\\\n    {two}"), format!("a\n{one}=\r\n{two}")] {
            assert_eq!(suspects(&text), [Suspect { kind: "a Tailscale key", line: 2 }], "{text}");
        }
        let key = made("AKIA", "ABCDEFGH\n01234567");
        assert_eq!(kinds(&key), ["an AWS access key"]);
    }

    #[test]
    fn a_key_in_a_name_is_noticed() {
        let name = format!("{}.txt", made("ghp_", &"A1b2C3".repeat(6)));
        let found = suspects_in_name(&name);
        assert_eq!(
            found.first().map(|one| (one.kind, one.place())),
            Some(("a GitHub token", "in the name".to_owned()))
        );
    }

    #[test]
    fn ordinary_text_is_not_suspected() {
        for text in [
            "the key is on the table",
            "tskey-",
            "write tskey-auth-... there",
            "AKIA is a prefix",
            "postgres://app@db/prod and http://host:8080/a@b",
            "postgres://app:$PASSWORD@db, https://user:<password>@host",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "-----BEGIN PUBLIC KEY-----",
            "eyJ.eyJ.x",
            "graph_pipe = ghp_short",
            "keys begin with tskey-auth-\nfollowed by letters",
            "dapiper and glsa_\n",
        ] {
            assert_eq!(kinds(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn the_line_is_told_and_a_flood_is_cut() {
        let key = made("AKIA", "ABCDEFGHIJKLMNOP");
        assert_eq!(suspects(&format!("a\nb\n{key} {key}\n")), [Suspect { kind: "an AWS access key", line: 3 }]);
        assert_eq!(suspects(&format!("{key}\n").repeat(1000)).len(), SUSPECTS_MAX);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(://|@|:|eyJ|\\.|-----BEGIN |tskey-|\\PC){0,60}") {
            let _ = suspects(&text);
        }
    }
}
