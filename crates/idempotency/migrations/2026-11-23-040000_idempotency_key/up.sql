-- Lock: none on existing tables. Size: one row per unsafe POST of the retention (a day), purged in the background.
-- Deploy: before the first release that accepts Idempotency-Key; older releases do not know the table.
CREATE TABLE idempotency_key (
    scope       text        NOT NULL,
    key         text        NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint bytea       NOT NULL CHECK (length(fingerprint) = 32),
    status      smallint    NOT NULL CHECK (status BETWEEN 100 AND 599),
    headers     jsonb       NOT NULL,
    body        bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key)
);

CREATE INDEX idempotency_key_created_at ON idempotency_key (created_at);

COMMENT ON TABLE idempotency_key IS 'Answers to requests with an Idempotency-Key, written in the transaction of their effect';
COMMENT ON COLUMN idempotency_key.scope IS 'Digest of who used the key and for which operation; keys of different scopes have nothing to do with each other';
COMMENT ON COLUMN idempotency_key.key IS 'The value of Idempotency-Key, unquoted';
COMMENT ON COLUMN idempotency_key.fingerprint IS 'Keyed BLAKE3 over method, path, content type and body of the first request';
COMMENT ON COLUMN idempotency_key.status IS 'Status code of the answer';
COMMENT ON COLUMN idempotency_key.headers IS 'Header fields of the answer, as an array of [name, value] in their order';
COMMENT ON COLUMN idempotency_key.body IS 'Body of the answer, before any content coding';
COMMENT ON COLUMN idempotency_key.created_at IS 'Start of the transaction that had the effect; counts for the purge';
