-- The comparison with the provider's books pages through the ledger by time. reconciliation_progress.ledger_id is not
-- looked at any more: entries are not committed in the order of their ids.
create index ledger_entry_by_time on ledger_entry (created_at, id);
