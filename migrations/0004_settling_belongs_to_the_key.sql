-- Settling belongs to the key, and the ledger knows enough to take back what no request can be read for.

-- Which places in the worker an effect competes for: 0 settling, 3 ends and alarms that come due, 1 decisions and look-ups,
-- 2 messages; 9 set aside, because this version cannot read it. Only the first row of a lane is looked at.
alter table outbox add column class bigint not null default 2;
alter table outbox add column first bigint not null default 1;
alter table outbox add column set_aside_at bigint;

update outbox set class = 0 where lane like 'key %';
update outbox set class = 3 where lane like 'wake % expire' or lane like 'wake % alarm';
update outbox set class = 1 where lane like 'find %' or lane like 'press %' or lane like 'start %' or lane like 'paste %'
    or lane like 'wake % lapse' or lane like 'wake % warn';

-- One row a key, whoever waits for it: the one that is due first.
delete from outbox where lane like 'key %' and exists (
    select 1 from outbox other where other.lane = outbox.lane
        and (other.due_at < outbox.due_at or (other.due_at = outbox.due_at and other.seq < outbox.seq)));
update outbox set request_id = 'key:' || substr(lane, 5), slot = 'settle',
    effect = '{"shape":2,"effect":"settle","key":"' || replace(replace(substr(lane, 5), '\', '\\'), '"', '\"') || '"}'
    where lane like 'key %';
update outbox set first = 0 where exists (
    select 1 from outbox earlier where earlier.lane = outbox.lane and earlier.seq < outbox.seq);
create index outbox_first on outbox (class, first, due_at, seq);
drop index outbox_by_due;

-- Who holds which key until when, one row a holder. What the step type needs of a holder stands here; null in rows of
-- holders from before this table, which are told from their request.
create table hold (
    key text not null,                  -- for example: tailscale.attribute n123CNTRL custom:jit_prod_db
    request_id text not null,
    until bigint not null,              -- what the far side is to be told
    phase text not null,                -- begun: not confirmed yet; held; releasing: let go, and that is not settled yet
    waits bigint not null,              -- 1: something about it is to be settled and told
    confirmed_until bigint,             -- until when it was last read back as on; null: not yet
    login text,                         -- the requester's tailnet login
    settings text,                      -- JSON, filled in
    comment text,                       -- for the far side's own log
    constraint hold_pk primary key (key, request_id)
);
create index hold_by_until on hold (phase, until);
create index hold_by_request on hold (request_id);

insert into hold (key, request_id, until, phase, waits)
    select holder.key, holder.request_id, max(holder.until), case max(holder.live) when 1 then 'held' else 'releasing' end, 1
    from holder join request on request.id = holder.request_id
    where holder.live = 1 or request.state in ('activating', 'active', 'ending')
    group by holder.key, holder.request_id;

-- Every end the far side may have been told, by key: how we recognise what we wrote. Those that have long passed go.
create table told_end (
    key text not null,
    until bigint not null,
    constraint told_end_pk primary key (key, until)
);
insert into told_end (key, until) select distinct key, until from holder;
drop table holder;

-- 1: one of our ends was read back since the first touch. Of keys from before nothing is known, so none is taken for ours.
alter table held_key add column confirmed bigint not null default 1;
