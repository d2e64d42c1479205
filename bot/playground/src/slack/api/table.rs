//! The Web API methods this world knows, with their arguments and scopes (from Slack's method reference, 2026-08).

/// One method of the Web API.
pub(super) struct Method {
    pub(super) name: &'static str,
    /// Every argument Slack documents.
    pub(super) args: &'static [&'static str],
    /// Without these the answer is `invalid_arguments`.
    pub(super) required: &'static [&'static str],
    /// The bot scope it needs; "" for none. Per-channel-type scopes are checked by the method itself.
    pub(super) scope: &'static str,
    /// Read methods take forms and query strings only: arguments in a JSON body are not seen.
    pub(super) takes_json: bool,
}

const fn method(
    name: &'static str,
    args: &'static [&'static str],
    required: &'static [&'static str],
    scope: &'static str,
    takes_json: bool,
) -> Method {
    Method { name, args, required, scope, takes_json }
}

/// All of them.
pub(super) const METHODS: &[Method] = &[
    method("auth.test", &[], &[], "", true),
    method("auth.teams.list", &["cursor", "include_icon", "limit"], &[], "", false),
    method("apps.connections.open", &[], &[], "", true),
    method("team.info", &["domain", "team"], &[], "team:read", true),
    method(
        "chat.postMessage",
        &[
            "as_user",
            "attachments",
            "blocks",
            "channel",
            "current_draft_last_updated_ts",
            "icon_emoji",
            "icon_url",
            "link_names",
            "markdown_text",
            "metadata",
            "mrkdwn",
            "parse",
            "reply_broadcast",
            "text",
            "thread_ts",
            "unfurl_links",
            "unfurl_media",
            "username",
        ],
        &["channel"],
        "chat:write",
        true,
    ),
    method(
        "chat.update",
        &[
            "as_user",
            "attachments",
            "blocks",
            "channel",
            "file_ids",
            "link_names",
            "markdown_text",
            "metadata",
            "parse",
            "reply_broadcast",
            "text",
            "ts",
            "unfurled_attachments",
        ],
        &["channel", "ts"],
        "chat:write",
        true,
    ),
    method("chat.delete", &["as_user", "channel", "ts"], &["channel", "ts"], "chat:write", true),
    method(
        "chat.postEphemeral",
        &[
            "as_user",
            "attachments",
            "blocks",
            "channel",
            "icon_emoji",
            "icon_url",
            "link_names",
            "markdown_text",
            "metadata",
            "parse",
            "text",
            "thread_ts",
            "user",
            "username",
        ],
        &["channel", "user"],
        "chat:write",
        true,
    ),
    method("chat.getPermalink", &["channel", "message_ts"], &["channel", "message_ts"], "", false),
    method("views.open", &["interactivity_pointer", "trigger_id", "view"], &["trigger_id", "view"], "", true),
    method("views.push", &["interactivity_pointer", "trigger_id", "view"], &["trigger_id", "view"], "", true),
    method("views.update", &["external_id", "hash", "view", "view_id"], &["view"], "", true),
    method("views.publish", &["hash", "interactivity_pointer", "user_id", "view"], &["user_id", "view"], "", true),
    method("bots.info", &["bot", "team_id"], &[], "users:read", false),
    method("users.info", &["include_locale", "user"], &["user"], "users:read", false),
    method("users.list", &["cursor", "include_locale", "limit", "team_id"], &[], "users:read", false),
    method("users.lookupByEmail", &["email"], &["email"], "users:read.email", false),
    method(
        "usergroups.list",
        &["include_count", "include_disabled", "include_users", "team_id"],
        &[],
        "usergroups:read",
        false,
    ),
    method(
        "usergroups.users.list",
        &["include_disabled", "team_id", "usergroup"],
        &["usergroup"],
        "usergroups:read",
        false,
    ),
    method(
        "usergroups.users.update",
        &["additional_channels", "include_count", "is_shared", "team_id", "usergroup", "users"],
        &["usergroup", "users"],
        "usergroups:write",
        true,
    ),
    method("conversations.invite", &["channel", "force", "users"], &["channel", "users"], "", true),
    method("conversations.kick", &["channel", "user"], &["channel", "user"], "", true),
    method("conversations.open", &["channel", "prevent_creation", "return_im", "users"], &[], "im:write", true),
    method("conversations.info", &["channel", "include_locale", "include_num_members"], &["channel"], "", false),
    method("conversations.list", &["cursor", "exclude_archived", "limit", "team_id", "types"], &[], "", false),
    method(
        "conversations.history",
        &["channel", "cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest"],
        &["channel"],
        "",
        false,
    ),
    method(
        "conversations.replies",
        &["channel", "cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest", "ts"],
        &["channel", "ts"],
        "",
        false,
    ),
    method("conversations.members", &["channel", "cursor", "limit"], &["channel"], "", false),
];

/// Finds a method by its name.
pub(super) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}
