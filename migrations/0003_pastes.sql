-- Pastes, and texts that wait for a second click.

-- One row a paste. Rows of pastes that stand at a tclip hold no text: they only remember that we made them.
create table paste (
    id text not null constraint paste_pk primary key,   -- a UUID; whoever knows it can read it
    created_at bigint not null,
    expires_at bigint,                  -- when it is gone; null: it stays
    slack_id text,                      -- its author in Slack, if Slack said it
    login text,                         -- its author in the tailnet, in lower case, if the tailnet said it
    author text not null,               -- its author's name, for people to read
    filename text not null,
    language text,                      -- as people or Slack call it; null: told from name and text
    url text,                           -- its page at a tclip; null: it stands here
    key text constraint paste_key_unique unique,        -- the key of the step that holds it; null: of no step
    held_for text not null,             -- JSON list of the requests it lives for
    size_bytes bigint not null,
    content text not null               -- '' if it stands at a tclip
);
create index paste_by_slack_id on paste (slack_id, created_at);
create index paste_by_login on paste (login, created_at);
create index paste_by_time on paste (created_at, id);

-- A text that looks like it holds a secret, would become public, or could not be sent. Its author alone may send it.
create table paste_draft (
    id text not null constraint paste_draft_pk primary key,
    slack_id text not null,
    expires_at bigint not null,
    filename text not null,
    language text,
    content text not null
);
