-- The directory: people, groups and devices as Slack and the tailnet last told them. It is a cache and never the truth: it draws forms,
-- suggests, and is enough to take an ask. Whatever counts a decision or switches something on is read afresh. Losing it loses nothing.

-- Members and guests of the workspace.
create table directory_person (
    slack_id text not null constraint directory_person_pk primary key,
    email text,                         -- in lower case
    name text not null,
    standing text not null              -- member, guest
);
create index directory_person_by_email on directory_person (email);

-- Users of the tailnet.
create table directory_user (
    login text not null constraint directory_user_pk primary key,   -- in lower case
    spelled text not null,              -- as the tailnet spells it
    user_id text not null,              -- u...CNTRL: one user is read by it
    may_act bigint not null             -- 1: nothing shuts them out
);

-- Devices that belong to a person: not those with tags, and not those shared in.
create table directory_device (
    node_id text not null constraint directory_device_pk primary key,
    owner text not null,                -- login in lower case
    name text not null,                 -- the first part of its DNS name
    hostname text not null,
    os text not null,
    search text not null,               -- what is searched when somebody types, in lower case
    seen_at bigint not null             -- when it was last seen; connected now: the largest number; never: 0
);
create index directory_device_by_owner on directory_device (owner, seen_at desc, name);

-- Slack's user groups, and the groups of the policy file, each with its members.
create table directory_group (
    kind text not null,                 -- slack, tailnet
    name text not null,                 -- handle in lower case without @; group:dba
    group_id text not null,             -- S...; '' in the tailnet
    constraint directory_group_pk primary key (kind, name)
);
create table directory_member (
    kind text not null,
    name text not null,
    member text not null,               -- Slack id; login in lower case
    constraint directory_member_pk primary key (kind, name, member)
);

-- When the reading of each list began that is kept here.
create table directory_list (
    list text not null constraint directory_list_pk primary key,    -- people, users, devices, policy, groups
    read_at bigint not null,
    took_ms bigint not null
);
