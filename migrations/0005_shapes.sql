-- The newest shape of each kind of JSON that may stand in this file. Written when the file is opened, before the first JSON of
-- that shape can be, so that an older version which knows only older shapes refuses the whole file instead of single rows.
create table stored_shape (
    kind text not null constraint stored_shape_pk primary key,  -- for example: request
    shape bigint not null
);
