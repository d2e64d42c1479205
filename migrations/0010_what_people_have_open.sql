-- What somebody has asked for and is not over is looked up each time they ask: among what is open, however much they ever asked for.
create index request_open on request (requester, workflow) where state <> 'ended';
