//! `nightlatch manifest`: the Slack app these workflows need, with exactly the scopes in use.

pub(super) mod scopes;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use url::Url;

use super::{ConfigPath, WRONG, aside, data};
use crate::catalog::Catalog;
use crate::config::{Config, Report, SlackMode};
use crate::inputs;
use crate::kernel::workflow::{Input, Workflow};
use crate::slack::events::WANTED;
use crate::steps::TYPES;

/// Print the Slack app manifest for these workflows, ready to paste.
///
/// Paste it at https://api.slack.com/apps under "Create New App", "From a manifest". Print it again after a workflow
/// got a command of its own or the first Slack user group.
#[derive(Debug, Args)]
pub(super) struct Manifest {
    #[command(flatten)]
    config: ConfigPath,
    /// For this door instead of the configured one.
    #[arg(long, value_enum)]
    mode: Option<Mode>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// We call Slack.
    Socket,
    /// Slack calls us.
    Http,
}

impl Manifest {
    pub(super) fn run(&self) -> ExitCode {
        match self.made() {
            Ok(manifest) => {
                data(&format!("{manifest:#}\n"));
                ExitCode::SUCCESS
            }
            Err(report) => {
                aside(&report.to_string());
                ExitCode::from(WRONG)
            }
        }
    }

    fn made(&self) -> Result<Value, Report> {
        let path = &self.config.config;
        let config = Config::read(path)?;
        let catalog = Catalog::read_under(&config.workflows, &config.policies, TYPES)?;
        let is_http = match self.mode {
            Some(mode) => mode == Mode::Http,
            None => config.slack.mode == SlackMode::Http,
        };
        let url = if is_http { Some(public_url(path, &config)?) } else { None };
        Ok(manifest(&catalog, url))
    }
}

fn public_url<'c>(path: &Path, config: &'c Config) -> Result<&'c Url, Report> {
    config.url.as_ref().ok_or_else(|| {
        let help = "write how Slack reaches this bot, like url: https://nightlatch.example.ts.net";
        Report::whole(path.display().to_string(), "`url` is missing: mode http needs it", Some(help.to_owned()))
    })
}

/// The manifest; with the URL for HTTP mode, without for Socket Mode.
pub(super) fn manifest(catalog: &Catalog, url: Option<&Url>) -> Value {
    let at = |path: &str| url.map(|url| format!("{}{path}", url.as_str().trim_end_matches('/')));
    let scopes = scopes::slack(catalog, TYPES);
    let mut interactivity = json!({ "is_enabled": true });
    // Opening Home shows what one holds; the others say who came, left or changed.
    let wanted: Vec<&str> = WANTED
        .iter()
        .copied()
        .filter(|event| !event.starts_with("subteam_") || scopes::names_slack_groups(catalog))
        .collect();
    let mut events = json!({ "bot_events": wanted });
    if let (Some(interactions), Some(received)) = (at("/slack/interactions"), at("/slack/events")) {
        interactivity = json!({
            "is_enabled": true,
            "request_url": interactions,
            // Where a list of devices that is searched while typing asks for its options.
            "message_menu_options_url": interactions,
        });
        events = json!({ "request_url": received, "bot_events": wanted });
    }
    json!({
        "_metadata": { "major_version": 2, "minor_version": 1 },
        "display_information": {
            "name": "Nightlatch",
            "description": "Lends access on approval and takes it back on time, with proof.",
            "background_color": "#1d2b53",
        },
        "features": {
            // Messages read-only: nothing typed to the bot is read, so nobody should be able to type there.
            "app_home": {
                "home_tab_enabled": true,
                "messages_tab_enabled": true,
                "messages_tab_read_only_enabled": true,
            },
            "bot_user": { "display_name": "nightlatch", "always_online": false },
            "shortcuts": [{
                "name": "Request access",
                "type": "global",
                "callback_id": "access_request",
                "description": "Borrow access for a while",
            }, {
                "name": "Make a go link",
                "type": "message",
                "callback_id": crate::slack::links::SHORTCUT,
                "description": "A go link to the first address in this message",
            }, {
                "name": "Paste this",
                "type": "message",
                "callback_id": crate::slack::pastes::SHORTCUT,
                "description": "Put this message or thread at an address of its own",
            }],
            "slash_commands": commands(catalog, at("/slack/commands").as_deref()),
        },
        "oauth_config": { "scopes": { "bot": scopes } },
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": false,
            "socket_mode_enabled": url.is_none(),
            "token_rotation_enabled": false,
        },
    })
}

fn commands(catalog: &Catalog, url: Option<&str>) -> Vec<Value> {
    let ours = crate::slack::commands::ALL.iter();
    let ours = ours.map(|command| (command.name, command.description, command.usage_hint.to_owned()));
    let theirs = catalog
        .workflows()
        .filter_map(|workflow| Some((workflow.command.as_deref()?, workflow.title.as_str(), usage(workflow))));
    ours.chain(theirs)
        .map(|(command, description, usage_hint)| {
            // Escaped, people and channels arrive as ids that nobody can fake by typing a name.
            let entry = json!({ "command": command, "description": description, "should_escape": true });
            let hint = (!usage_hint.is_empty()).then(|| ("usage_hint".to_owned(), usage_hint.into()));
            let url = url.map(|url| ("url".to_owned(), url.into()));
            let fields = entry.as_object().cloned().unwrap_or_default();
            Value::Object(fields.into_iter().chain(hint).chain(url).collect())
        })
        .collect()
}

/// What is typed after the command: `[1h] reason`. The device is asked for when it cannot be told.
fn usage(workflow: &Workflow) -> String {
    let word = |input: &Input| (inputs::of(&input.kind)?.hint)(input);
    workflow.inputs.iter().filter(|input| input.when.is_empty()).filter_map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::StepType;
    use crate::kernel::step_type::Scope;

    const SCHEMA: &str = include_str!("../../tests/fixtures/slack-manifest-schema.json");
    const README: &str = include_str!("../../README.md");

    #[test]
    fn the_readme_says_what_each_scope_is_for() {
        let rows: Vec<&str> = README.lines().filter(|line| line.trim_start().starts_with("| `")).collect();
        for own in scopes::OWN {
            let (Scope::Slack(name) | Scope::Tailscale(name)) = own.scope;
            let name = format!("`{name}`");
            if matches!(own.scope, Scope::Tailscale(_)) {
                assert!(README.contains(&name), "{name} is not named");
                continue;
            }
            assert!(rows.iter().any(|row| row.contains(&name)), "{name} is not in the table of scopes");
        }
    }

    fn catalog(files: &[(&str, &str)]) -> Catalog {
        let folder = tempfile::tempdir().unwrap();
        for (name, lines) in files {
            let text = format!(
                "nightlatch: 1\ntitle: Production database\ninputs:\n  hold: {{ type: duration, max: 8h }}\n  reason: {{ type: text }}\n  \
                 device: {{ type: device }}\nask: [autogroup:member]\nsteps:\n  - uses: tailscale.attribute\n    with: {{ device: \
                 \"{{{{ inputs.device }}}}\", key: custom:x, value: true }}\n{lines}\n"
            );
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Catalog::read(folder.path(), TYPES).unwrap()
    }

    fn is_accepted(manifest: &Value) {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(manifest).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
        let spoiled = json!({ "display_information": {}, "settings": { "socket_mode": true } });
        assert!(!validator.is_valid(&spoiled), "the schema must be able to refuse");
    }

    #[test]
    fn slack_accepts_the_manifest_of_either_mode() {
        let catalog = catalog(&[
            ("prod-db.yaml", "approve: [{ by: [\"@db-oncall\"] }]\nannounce: \"#access\""),
            ("freeze.yaml", "approve: [{ by: [bob@example.com] }]\ncommand: /deploy-freeze"),
        ]);
        is_accepted(&manifest(&catalog, None));
        let url = Url::parse("https://nightlatch.example.ts.net").unwrap();
        let http = manifest(&catalog, Some(&url));
        is_accepted(&http);
        insta::assert_snapshot!(serde_json::to_string_pretty(&http).unwrap(), @r##"
        {
          "_metadata": {
            "major_version": 2,
            "minor_version": 1
          },
          "display_information": {
            "name": "Nightlatch",
            "description": "Lends access on approval and takes it back on time, with proof.",
            "background_color": "#1d2b53"
          },
          "features": {
            "app_home": {
              "home_tab_enabled": true,
              "messages_tab_enabled": true,
              "messages_tab_read_only_enabled": true
            },
            "bot_user": {
              "display_name": "nightlatch",
              "always_online": false
            },
            "shortcuts": [
              {
                "name": "Request access",
                "type": "global",
                "callback_id": "access_request",
                "description": "Borrow access for a while"
              },
              {
                "name": "Make a go link",
                "type": "message",
                "callback_id": "link_from_message",
                "description": "A go link to the first address in this message"
              },
              {
                "name": "Paste this",
                "type": "message",
                "callback_id": "paste_message",
                "description": "Put this message or thread at an address of its own"
              }
            ],
            "slash_commands": [
              {
                "command": "/access",
                "description": "Borrow access for a while, see what you hold, give it back",
                "should_escape": true,
                "usage_hint": "NAME 2h why you need it | list | return NAME | help",
                "url": "https://nightlatch.example.ts.net/slack/commands"
              },
              {
                "command": "/go",
                "description": "Follow, find and make go links",
                "should_escape": true,
                "usage_hint": "NAME | NAME https://... | search WORDS | mine | top | help",
                "url": "https://nightlatch.example.ts.net/slack/commands"
              },
              {
                "command": "/paste",
                "description": "Put text that is too long for chat at an address of its own",
                "should_escape": true,
                "usage_hint": "some text | list | delete ADDRESS | help",
                "url": "https://nightlatch.example.ts.net/slack/commands"
              },
              {
                "command": "/deploy-freeze",
                "description": "Production database",
                "should_escape": true,
                "usage_hint": "[1h] reason",
                "url": "https://nightlatch.example.ts.net/slack/commands"
              }
            ]
          },
          "oauth_config": {
            "scopes": {
              "bot": [
                "commands",
                "chat:write",
                "chat:write.public",
                "channels:read",
                "groups:read",
                "users:read",
                "users:read.email",
                "usergroups:read",
                "files:read",
                "channels:history",
                "groups:history"
              ]
            }
          },
          "settings": {
            "event_subscriptions": {
              "request_url": "https://nightlatch.example.ts.net/slack/events",
              "bot_events": [
                "app_home_opened",
                "subteam_created",
                "subteam_members_changed",
                "subteam_updated",
                "team_join",
                "user_change"
              ]
            },
            "interactivity": {
              "is_enabled": true,
              "request_url": "https://nightlatch.example.ts.net/slack/interactions",
              "message_menu_options_url": "https://nightlatch.example.ts.net/slack/interactions"
            },
            "org_deploy_enabled": false,
            "socket_mode_enabled": false,
            "token_rotation_enabled": false
          }
        }
        "##);
    }

    #[test]
    fn scopes_are_asked_for_only_when_a_workflow_needs_them() {
        let scopes = |catalog: &Catalog| manifest(catalog, None)["oauth_config"]["scopes"]["bot"].to_string();
        let plain = catalog(&[("prod-db.yaml", "approve: [{ by: [bob@example.com] }]")]);
        insta::assert_snapshot!(scopes(&plain), @r#"["commands","chat:write","chat:write.public","users:read","users:read.email","files:read","channels:history","groups:history"]"#);
        let groups = catalog(&[("prod-db.yaml", "approve: [{ by: [\"@dba\"] }]\nannounce: \"#access\"")]);
        insta::assert_snapshot!(scopes(&groups), @r#"["commands","chat:write","chat:write.public","channels:read","groups:read","users:read","users:read.email","usergroups:read","files:read","channels:history","groups:history"]"#);
        is_accepted(&manifest(&Catalog::default(), None));
        let file = nightlatch_guardrails::SourceFile {
            path: "g.cedar".to_owned(),
            stem: "g".to_owned(),
            text: "forbid (principal in Group::\"@contractors\", action, resource) when { context has device };"
                .to_owned(),
        };
        let guardrails = nightlatch_guardrails::read(vec![file], nightlatch_guardrails::Known::default()).unwrap();
        let under = plain.under(Some(guardrails));
        assert!(scopes(&under).contains("usergroups:read"), "a guardrail names a user group");
        assert!(scopes::tailscale(&under, &[]).contains(&"devices:posture_attributes:read"), "it looks at the device");
    }

    #[test]
    fn what_a_step_type_needs_is_asked_for_by_workflows_that_use_it() {
        use Scope::{Slack, Tailscale};
        let plain = catalog(&[("prod-db.yaml", "approve: [{ by: [bob@example.com] }]")]);
        let needs = &[Slack("usergroups:write"), Slack("chat:write"), Tailscale("policy_file")];
        let needy = StepType { scopes: needs, ..StepType::plain("tailscale.attribute", |_| Ok(String::new())) };
        let unused = StepType { scopes: needs, ..StepType::plain("slack.user_group", |_| Ok(String::new())) };
        assert_eq!(scopes::slack(&plain, &[unused]), scopes::slack(&plain, TYPES));
        let more: Vec<_> = scopes::slack(&plain, TYPES).into_iter().chain(["usergroups:write"]).collect();
        assert_eq!(scopes::slack(&plain, &[needy]), more);
        insta::assert_snapshot!(scopes::tailscale(&plain, TYPES).join(" "), @"devices:core:read users:read devices:posture_attributes");
        insta::assert_snapshot!(scopes::tailscale(&plain, &[needy]).join(" "), @"devices:core:read users:read policy_file");
        let grouped = catalog(&[("prod-db.yaml", "approve: [{ by: [group:dba] }]")]);
        assert!(scopes::tailscale(&grouped, TYPES).contains(&"policy_file:read"));
    }

    #[test]
    fn socket_mode_needs_no_url_and_http_mode_uses_the_configured_path() {
        let catalog = catalog(&[("prod-db.yaml", "approve: [{ by: [bob@example.com] }]")]);
        let socket = manifest(&catalog, None).to_string();
        assert!(!socket.contains("\"url\"") && !socket.contains("_url\""), "{socket}");
        let url = Url::parse("https://example.com/bot").unwrap();
        let http = manifest(&catalog, Some(&url));
        assert_eq!(http["settings"]["event_subscriptions"]["request_url"], "https://example.com/bot/slack/events");
    }
}
