-- How often something passed today is counted among what was asked today, however much was ever asked.
create index request_by_workflow on request (workflow, asked_at);
