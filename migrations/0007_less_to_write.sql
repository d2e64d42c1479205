-- What never changes is written once, and fewer indexes have to follow every change.

-- What was asked, one row a request: `request.body` holds the rest. A request without a row here is stored whole in its body, as it was
-- before this table, until it changes. `shape` is that of both, which are one JSON.
create table asked (
    request_id text not null constraint asked_pk primary key,
    workflow text not null,             -- which of the workflows below
    shape bigint not null,
    body text not null                  -- JSON
);

-- Workflows as they were when somebody asked under them, by what is in them.
create table workflow (
    digest text not null constraint workflow_pk primary key,  -- SHA-256 of the body
    body text not null                  -- JSON
);

-- The same outbox with fewer indexes. `integer` and not `bigint`, since that makes the number the row's own in SQLite.
create table outbox_new (
    seq integer not null constraint outbox_pk primary key,
    request_id text not null,           -- or what else it belongs to, like `key:...`
    slot text not null,                 -- a newer effect replaces a waiting one in the same slot; '' never
    lane text not null,                 -- effects of one lane are performed one at a time
    ordered bigint not null,            -- 1: also in order; a lane of others has one row
    due_at bigint not null,
    attempts bigint not null,
    effect text not null,               -- JSON
    error text,                         -- of the last attempt, for people
    class bigint not null default 2,    -- 0 settling, 3 ends and alarms that come due, 1 decisions, 2 messages, 9 set aside
    first bigint not null default 1,    -- 1: the first row of its lane, which is the only one that is looked at
    set_aside_at bigint
);
insert into outbox_new (seq, request_id, slot, lane, ordered, due_at, attempts, effect, error, class, first, set_aside_at)
    select seq, request_id, slot, lane, ordered, due_at, attempts, effect, error, class, first, set_aside_at from outbox;
drop table outbox;
alter table outbox_new rename to outbox;
create index outbox_first on outbox (class, due_at, seq) where first = 1;
create index outbox_by_lane on outbox (lane, seq) where ordered = 1;
create index outbox_by_slot on outbox (request_id, slot) where slot <> '';
create index outbox_set_aside on outbox (seq) where class = 9;

-- Who waits for a key to be settled, and who of the others holds it for longest, is found however many hold it.
create index hold_by_key on hold (key, waits, until);
