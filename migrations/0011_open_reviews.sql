-- Open reviews are found without looking through the outbox.
create index outbox_reviews on outbox (due_at) where slot = 'wake review';
