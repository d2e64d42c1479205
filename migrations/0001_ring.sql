-- The ring: requests, the ledger of holders, the outbox and the audit log, saved together in one transaction.
-- Portable SQL: text and bigint only; times are milliseconds since the Unix epoch, made by our clock.

-- One row a request. `body` is the whole state as JSON; the columns beside it are what we search by.
create table request (
    id text not null constraint request_pk primary key,
    workflow text not null,             -- name of the workflow it was asked under
    requester text not null,            -- Slack id
    state text not null,                -- pending, approved, activating, active, ending, ended
    outcome text,                       -- denied, lapsed, withdrawn, failed, returned, revoked, expired
    stuck bigint not null,              -- 1 while taking back fails and people are alarmed
    asked_at bigint not null,
    expires_at bigint,                  -- when an active grant ends
    version bigint not null,            -- counts up with every change
    body text not null
);
create index request_by_requester on request (requester, asked_at);
create index request_by_state on request (state, asked_at);

-- Who holds which key until when. Rows of holders that let go stay until the key is forgotten, because the times
-- in them are how we recognise what we wrote ourselves.
create table holder (
    key text not null,                  -- for example: tailscale.attribute n123CNTRL custom:jit_prod_db
    request_id text not null,
    until bigint not null,              -- what the far side was, or may have been, told
    live bigint not null,               -- 1 holds it, 0 let go
    constraint holder_pk primary key (key, request_id, until)
);

-- What a key was before we touched it first; gone again when nobody holds it and that was read back.
create table held_key (
    key text not null constraint held_key_pk primary key,
    before text not null                -- JSON, as the step type wrote it down
);

-- Effects that were saved and not yet performed.
create table outbox (
    seq bigint not null constraint outbox_pk primary key,
    request_id text not null,
    slot text not null,                 -- a newer effect replaces a waiting one in the same slot; '' never
    lane text not null,                 -- effects of one lane are performed one at a time
    ordered bigint not null,            -- 1: also in order
    due_at bigint not null,
    attempts bigint not null,
    effect text not null,               -- JSON
    error text                          -- of the last attempt, for people
);
create index outbox_by_due on outbox (due_at, seq);
create index outbox_by_lane on outbox (lane, seq);
create index outbox_by_slot on outbox (request_id, slot);

-- Slack delivers some things twice: the second changes nothing.
create table delivery (
    key text not null constraint delivery_pk primary key,  -- a fingerprint, never the id itself
    request_id text not null,
    at bigint not null
);
create index delivery_by_time on delivery (at);

-- One entry an event, in the same transaction as the state it made, chained by hash.
create table audit (
    seq bigint not null constraint audit_pk primary key,
    at bigint not null,
    request_id text not null,
    actor text not null,                -- JSON
    event text not null,                -- JSON
    state text not null,                -- the state after it
    previous text not null,             -- hash of the entry before
    hash text not null                  -- SHA-256 over previous, seq, at, request_id, actor, event and state
);
create index audit_by_request on audit (request_id, seq);

-- Where counting stands. One row.
create table head (
    one bigint not null constraint head_pk primary key,
    outbox_seq bigint not null,
    audit_seq bigint not null,
    audit_hash text not null
);
insert into head (one, outbox_seq, audit_seq, audit_hash) values (1, 0, 0, '');
