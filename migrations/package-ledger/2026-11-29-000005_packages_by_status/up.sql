-- Lists of one status, the newest first (P-A10).
-- Locks: none that readers or writers wait for; alone, for it runs outside of a transaction. Size: any. Deploy order: any time.

CREATE INDEX CONCURRENTLY idx_packages_status_created_customer ON package (status, created_at DESC, customer_id);
