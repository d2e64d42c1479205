-- Go links and how often they were followed.

-- One row a link.
create table link (
    id text not null constraint link_pk primary key,    -- the name in lower case without dashes: the one of all spellings
    short text not null,                -- the name as its owner wrote it
    long text not null,                 -- where it leads: an address or a template
    owner text not null,                -- tailnet login; '' nobody
    created_at bigint not null,
    edited_at bigint not null
);

-- Clicks, added up by the hour; written in batches.
create table link_click (
    link_id text not null,
    hour_at bigint not null,            -- start of the hour
    clicks bigint not null,
    constraint link_click_pk primary key (link_id, hour_at)
);
