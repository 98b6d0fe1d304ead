-- Upload resources: what is coming in, and how far it is safe.
-- Locks: creates a table; the foreign key takes a short SHARE ROW EXCLUSIVE lock on asset. Size: new table. Deploy order: before the first upload-ingest.

CREATE TABLE upload (
    id uuid PRIMARY KEY,
    owner text NOT NULL CHECK (length(owner) BETWEEN 1 AND 512),
    kind text CHECK (kind IN ('video', 'image')),
    dialect text NOT NULL CHECK (dialect IN ('tus', 'resumable', 'multipart', 'put')),
    concat text CHECK (concat IN ('partial', 'final')),
    concat_parts uuid[],
    title text CHECK (length(title) BETWEEN 1 AND 200),
    visibility text NOT NULL CHECK (visibility IN ('private', 'public')),
    metadata text CHECK (length(metadata) <= 4096),
    declared_bytes bigint CHECK (declared_bytes >= 0),
    durable_bytes bigint NOT NULL DEFAULT 0 CHECK (durable_bytes >= 0),
    expected_sha256 bytea CHECK (octet_length(expected_sha256) = 32),
    inspection jsonb,
    storage jsonb,
    epoch bigint NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    holder text,
    lease_until timestamptz,
    state text NOT NULL CHECK (state IN ('created', 'receiving', 'paused', 'received', 'verified', 'linked', 'rejected', 'expired', 'cancelled')),
    error_code text,
    error_text text,
    asset_id uuid UNIQUE REFERENCES asset (id) DEFERRABLE INITIALLY DEFERRED,
    correlation_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CHECK (durable_bytes <= coalesce(declared_bytes, durable_bytes)),
    CHECK ((state = 'linked') = (asset_id IS NOT NULL)),
    CHECK ((state = 'rejected') = (error_code IS NOT NULL)),
    CHECK ((error_code IS NULL) = (error_text IS NULL)),
    CHECK ((holder IS NULL) = (lease_until IS NULL))
);
CREATE INDEX ix_upload_owner_state ON upload (owner, state);
-- Rows of linked uploads stay as long as their assets: what is looked for again and again are the few others.
CREATE INDEX ix_upload_received ON upload (updated_at) WHERE state IN ('received', 'verified');
CREATE INDEX ix_upload_open_expires_at ON upload (expires_at) WHERE state IN ('created', 'receiving', 'paused', 'received');
CREATE INDEX ix_upload_ended_expires_at ON upload (expires_at) WHERE state IN ('rejected', 'expired', 'cancelled');
COMMENT ON TABLE upload IS 'Upload resources. One that arrived whole in one request has its row written with the asset''s, in the same transaction.';
COMMENT ON COLUMN upload.id IS 'UUID version 7, the end of its address.';
COMMENT ON COLUMN upload.owner IS 'Subject of whoever uploads, as in asset.';
COMMENT ON COLUMN upload.kind IS 'What the client says it will be; empty when the bytes shall tell.';
COMMENT ON COLUMN upload.dialect IS 'The protocol it was begun in; it may be continued in another.';
COMMENT ON COLUMN upload.concat IS 'tus concatenation: a part of something, or what was made of parts.';
COMMENT ON COLUMN upload.concat_parts IS 'The parts of a final upload, in order.';
COMMENT ON COLUMN upload.title IS 'Title of the asset to be.';
COMMENT ON COLUMN upload.visibility IS 'Visibility of the asset to be.';
COMMENT ON COLUMN upload.metadata IS 'Upload-Metadata as the client sent it, given back unchanged.';
COMMENT ON COLUMN upload.declared_bytes IS 'Length of the whole, once the client has said it; never changed after.';
COMMENT ON COLUMN upload.durable_bytes IS 'Upload-Offset: bytes on stable storage. Never decreases.';
COMMENT ON COLUMN upload.expected_sha256 IS 'SHA-256 of the whole, where the client announced it.';
COMMENT ON COLUMN upload.inspection IS 'State of digest, type and structure at durable_bytes, to go on from without reading again.';
COMMENT ON COLUMN upload.storage IS 'Where those bytes lie, in the object store''s own terms.';
COMMENT ON COLUMN upload.epoch IS 'Rises whenever another writer takes over; a writer of an older epoch changes nothing any more.';
COMMENT ON COLUMN upload.holder IS 'Which process writes now.';
COMMENT ON COLUMN upload.lease_until IS 'Until when it may be taken to be alive.';
COMMENT ON COLUMN upload.state IS 'created, receiving or paused; received when all bytes are safe; verified when they are what they claim; linked when the asset exists; rejected, expired or cancelled otherwise.';
COMMENT ON COLUMN upload.error_code IS 'Stable code of why it was rejected.';
COMMENT ON COLUMN upload.error_text IS 'The same for its owner, one sentence.';
COMMENT ON COLUMN upload.asset_id IS 'What it became.';
COMMENT ON COLUMN upload.correlation_id IS 'As in asset.';
COMMENT ON COLUMN upload.created_at IS 'When it was begun.';
COMMENT ON COLUMN upload.updated_at IS 'When it last got on.';
COMMENT ON COLUMN upload.expires_at IS 'When it is given up unless it gets on.';
