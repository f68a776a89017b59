-- Only what is queued is claimed: whoever holds a claim need not ask for the state.
alter table notification add constraint notification_claim_queued check (claim is null or state = 'QUEUED') not valid;
-- Identity gives each its own number; nothing looks one up by it alone, and each new version of a row wrote this index.
alter table notification drop constraint notification_seq_key;
