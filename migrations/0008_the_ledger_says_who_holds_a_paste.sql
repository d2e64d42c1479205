-- Who holds a paste, and until when, is in the ledger and nowhere else.
alter table paste drop column held_for;
update paste set expires_at = null where key is not null;
