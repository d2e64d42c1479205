//! How a workspace begins: Acme with its people, channels and groups, and a builder for more.

use std::collections::BTreeSet;

use super::people::{Channel, Group, Kind, Person};

/// The installed app and its secrets. They are worth nothing outside this world.
#[derive(Clone)]
pub struct App {
    /// `A...`.
    pub id: String,
    /// The bot's user id, `U...`.
    pub bot_user: String,
    /// `B...`.
    pub bot_id: String,
    /// `xoxb-...`.
    pub bot_token: String,
    /// `xapp-...`.
    pub app_token: String,
    /// Signs what comes in over HTTP.
    pub signing_secret: String,
    /// What the bot token may do; a method outside answers `missing_scope`.
    pub scopes: BTreeSet<String>,
    /// Slash commands with their `/`. Others answer the person "not a valid command".
    pub commands: BTreeSet<String>,
    /// Event subscriptions, e.g. `message.im`. Others are never delivered.
    pub events: BTreeSet<String>,
    /// The app setting "escape channels, users and links" of slash commands.
    pub escapes: bool,
    /// App Home's tab; `views.publish` answers `not_enabled` without it.
    pub has_home: bool,
    /// Direct messages with the app; posting answers `messages_tab_disabled` without it.
    pub has_messages: bool,
}

/// The workspace.
#[derive(Clone, Debug)]
pub struct Team {
    /// `T...`.
    pub id: String,
    /// E.g. `Acme`.
    pub name: String,
    /// E.g. `acme`.
    pub domain: String,
    /// Id and name of the Enterprise organisation the workspace belongs to.
    pub enterprise: Option<(String, String)>,
    /// The app is installed for the whole organisation: payloads carry `team: null`.
    pub is_org_install: bool,
}

/// Everything a world starts with.
#[derive(Clone)]
pub struct Seed {
    /// The workspace.
    pub team: Team,
    /// The app.
    pub app: App,
    /// All users except the app's own bot user.
    pub people: Vec<Person>,
    /// All channels; direct messages appear when first used.
    pub channels: Vec<Channel>,
    /// All user groups.
    pub groups: Vec<Group>,
}

const SCOPES: &[&str] = &[
    "commands",
    "chat:write",
    "chat:write.public",
    "im:write",
    "im:history",
    "channels:history",
    "channels:read",
    "files:read",
    "groups:history",
    "groups:read",
    "im:read",
    "users:read",
    "users:read.email",
    "usergroups:read",
    "usergroups:write",
    "channels:manage",
    "groups:write",
    "team:read",
    "app_mentions:read",
];
const EVENTS: &[&str] = &[
    "app_home_opened",
    "app_mention",
    "message.im",
    "user_change",
    "team_join",
    "subteam_created",
    "subteam_members_changed",
    "subteam_updated",
    "app_uninstalled",
    "tokens_revoked",
];

impl Seed {
    /// Acme: alice (Berlin), bob (New York), carol (Tokyo), dave, grace (guest), otto (of another company, met in
    /// `#access-partners`), dora (deactivated); `#access`, `#general`, `#engineering`; `@db-oncall` = bob and carol.
    pub fn acme() -> Self {
        let bot = "U0NIGHTLATCH";
        let staff = ["U0ALICE01", "U0BOB0001", "U0CAROL01", "U0DAVE001"];
        let everybody = [&staff[..], &["U0GRACE01"]].concat();
        Self {
            team: Team {
                id: "T0ACME001".to_owned(),
                name: "Acme".to_owned(),
                domain: "acme".to_owned(),
                enterprise: None,
                is_org_install: false,
            },
            app: App {
                id: "A0NIGHTLATCH".to_owned(),
                bot_user: bot.to_owned(),
                bot_id: "B0NIGHTLATCH".to_owned(),
                bot_token: "xoxb-playground-bot".to_owned(),
                app_token: "xapp-playground-app".to_owned(),
                signing_secret: "playground-signing-secret".to_owned(),
                scopes: owned(SCOPES),
                commands: owned(&["/access", "/go", "/paste"]),
                events: owned(EVENTS),
                escapes: true,
                has_home: true,
                has_messages: true,
            },
            people: vec![
                Person::new("U0ALICE01", "alice", "Europe/Berlin"),
                Person::new("U0BOB0001", "bob", "America/New_York"),
                Person::new("U0CAROL01", "carol", "Asia/Tokyo"),
                Person::new("U0DAVE001", "dave", "Europe/London"),
                Person::new("U0GRACE01", "grace", "Europe/Berlin").kind(Kind::Guest),
                Person::new("U0OTTO001", "otto", "Europe/Paris")
                    .email("otto@other.example")
                    .kind(Kind::Outsider { team: "T0OTHER01".to_owned() }),
                Person::new("U0DORA001", "dora", "Europe/Berlin").kind(Kind::Deactivated),
            ],
            channels: vec![
                Channel::public("C0ACCESS01", "access").with(&everybody).with(&[bot]),
                Channel::public("C0GENERAL1", "general").with(&everybody),
                Channel::public("C0ENGINE01", "engineering").with(&staff),
                Channel::public("C0PARTNER1", "access-partners")
                    .with(&["U0ALICE01", "U0BOB0001", "U0OTTO001", bot])
                    .shared_with("T0OTHER01"),
            ],
            groups: vec![Group::new("S0DBONCALL", "db-oncall", &["U0BOB0001", "U0CAROL01"])],
        }
    }

    /// One more person, in no channel yet.
    #[must_use]
    pub fn person(mut self, person: Person) -> Self {
        self.people.push(person);
        self
    }

    /// So many more members, `p00000@example.com` and on, with ids like `U0P00000`; and a group `@crowd` of the first `grouped`.
    #[must_use]
    pub fn crowd(mut self, people: usize, grouped: usize) -> Self {
        let ids: Vec<String> = (0..people).map(|number| format!("U0P{number:05}")).collect();
        let one = |(number, id): (usize, &String)| Person::new(id, &format!("p{number:05}"), "Europe/Berlin");
        self.people.extend(ids.iter().enumerate().map(one));
        let members: Vec<&str> = ids.iter().take(grouped).map(String::as_str).collect();
        self.groups.push(Group::new("S0CROWD01", "crowd", &members));
        self
    }

    /// One more channel.
    #[must_use]
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channels.push(channel);
        self
    }

    /// One more user group.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// One more slash command, with its `/`.
    #[must_use]
    pub fn command(mut self, command: &str) -> Self {
        self.app.commands.insert(command.to_owned());
        self
    }

    /// The app without one of its scopes.
    #[must_use]
    pub fn without_scope(mut self, scope: &str) -> Self {
        self.app.scopes.remove(scope);
        self
    }

    /// The app installed for a whole organisation: payloads carry `team: null` (slack.md section 17).
    #[must_use]
    pub fn org_install(mut self, id: &str, name: &str) -> Self {
        self.team.enterprise = Some((id.to_owned(), name.to_owned()));
        self.team.is_org_install = true;
        self
    }
}

fn owned(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
