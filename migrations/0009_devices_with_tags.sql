-- Devices that have tags are known too, and the addresses of every device. What was known is read anew.
alter table directory_device add column tags text not null default '';         -- each with a blank before and behind it
alter table directory_device add column addresses text not null default '';    -- with blanks between
create index directory_device_tagged on directory_device (node_id) where tags <> '';
delete from directory_device;
delete from directory_list where list = 'devices';
