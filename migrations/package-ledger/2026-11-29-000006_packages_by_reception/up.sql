-- What was received in a stretch of time, by status (P-A11).
-- Locks: none that readers or writers wait for; alone, for it runs outside of a transaction. Size: any. Deploy order: any time.

CREATE INDEX CONCURRENTLY idx_packages_received_status ON package (received_at, status) WHERE received_at IS NOT NULL;
