-- Assets, what was made of them, the objects that hold them, and how much each owner keeps.
-- Locks: creates tables only. Size: new tables. Deploy order: before the first upload-ingest.

CREATE TABLE asset (
    id uuid PRIMARY KEY,
    owner text NOT NULL CHECK (length(owner) BETWEEN 1 AND 512),
    kind text NOT NULL CHECK (kind IN ('video', 'image')),
    title text CHECK (length(title) BETWEEN 1 AND 200),
    status text NOT NULL CHECK (status IN ('processing', 'processed', 'published', 'failed', 'deleted')),
    visibility text NOT NULL CHECK (visibility IN ('private', 'public')),
    content_type text NOT NULL,
    bytes bigint NOT NULL CHECK (bytes > 0),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    duration_ms bigint CHECK (duration_ms >= 0),
    width integer CHECK (width > 0),
    height integer CHECK (height > 0),
    codec text,
    blurhash text,
    thumbhash bytea,
    dominant_color text CHECK (dominant_color ~ '^#[0-9a-f]{6}$'),
    error_code text,
    error_text text,
    correlation_id uuid NOT NULL,
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    hidden_at timestamptz,
    hidden_by text,
    deleted_at timestamptz,
    CHECK ((status = 'failed') = (error_code IS NOT NULL)),
    CHECK ((error_code IS NULL) = (error_text IS NULL)),
    CHECK ((hidden_at IS NULL) = (hidden_by IS NULL)),
    CHECK ((status = 'deleted') = (deleted_at IS NOT NULL)),
    CHECK (status <> 'published' OR visibility = 'public')
);
-- U-A9: an owner's assets by status, and all by age. The first also serves an owner's list, which ends in the id.
CREATE INDEX ix_asset_owner_status ON asset (owner, status);
CREATE INDEX ix_asset_owner_kind_id ON asset (owner, kind, id);
CREATE INDEX ix_asset_created_at ON asset (created_at);
CREATE INDEX ix_asset_deleted_at ON asset (deleted_at) WHERE status = 'deleted';
COMMENT ON TABLE asset IS 'Photos and videos, from the moment their bytes are safe.';
COMMENT ON COLUMN asset.id IS 'UUID version 7; part of every address of its media.';
COMMENT ON COLUMN asset.owner IS 'Subject of whoever uploaded it; of a foreign issuer, with the issuer before it.';
COMMENT ON COLUMN asset.kind IS 'What it is treated as.';
COMMENT ON COLUMN asset.title IS 'As its owner calls it.';
COMMENT ON COLUMN asset.status IS 'processing until all stages are done; then processed, or published where it is public; failed when a stage was given up; deleted for good.';
COMMENT ON COLUMN asset.visibility IS 'Who may see its media once it is processed: its owner, or anybody.';
COMMENT ON COLUMN asset.content_type IS 'Media type that the bytes were found to be.';
COMMENT ON COLUMN asset.bytes IS 'Length of the original.';
COMMENT ON COLUMN asset.sha256 IS 'SHA-256 of the original, taken while it came in.';
COMMENT ON COLUMN asset.duration_ms IS 'Of a video, in milliseconds, once it was probed.';
COMMENT ON COLUMN asset.width IS 'In pixels, as it is shown, once it was probed.';
COMMENT ON COLUMN asset.height IS 'In pixels, as it is shown, once it was probed.';
COMMENT ON COLUMN asset.codec IS 'Video codec, or the format of a picture.';
COMMENT ON COLUMN asset.blurhash IS 'BlurHash of the picture or poster.';
COMMENT ON COLUMN asset.thumbhash IS 'ThumbHash of the picture or poster.';
COMMENT ON COLUMN asset.dominant_color IS 'Dominant colour of the picture or poster, #rrggbb.';
COMMENT ON COLUMN asset.error_code IS 'Stable code of what it failed of.';
COMMENT ON COLUMN asset.error_text IS 'The same for its owner, one sentence.';
COMMENT ON COLUMN asset.correlation_id IS 'Ties upload, processing, events and log lines together; the client may choose it.';
COMMENT ON COLUMN asset.version IS 'Rises with each change; its entity tag.';
COMMENT ON COLUMN asset.created_at IS 'When its bytes were safe.';
COMMENT ON COLUMN asset.updated_at IS 'When it last changed.';
COMMENT ON COLUMN asset.hidden_at IS 'When a moderator took it from view.';
COMMENT ON COLUMN asset.hidden_by IS 'Subject of that moderator.';
COMMENT ON COLUMN asset.deleted_at IS 'When it was deleted; the row stays for a while so that its objects can be removed.';

CREATE TABLE storage_object (
    key text PRIMARY KEY,
    backend text NOT NULL CHECK (backend IN ('local', 's3')),
    asset_id uuid NOT NULL REFERENCES asset (id),
    bytes bigint NOT NULL CHECK (bytes >= 0),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    state text NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'doomed')),
    created_at timestamptz NOT NULL
);
CREATE INDEX ix_storage_object_asset_id ON storage_object (asset_id);
CREATE INDEX ix_storage_object_doomed ON storage_object (created_at) WHERE state = 'doomed';
COMMENT ON TABLE storage_object IS 'What lies in the object store: a row for each object and an object for each row, as the reconciler checks.';
COMMENT ON COLUMN storage_object.key IS 'Its key in the store.';
COMMENT ON COLUMN storage_object.backend IS 'Which store.';
COMMENT ON COLUMN storage_object.asset_id IS 'Whose it is.';
COMMENT ON COLUMN storage_object.bytes IS 'Its length.';
COMMENT ON COLUMN storage_object.sha256 IS 'SHA-256 of its content.';
COMMENT ON COLUMN storage_object.state IS 'doomed: no longer referred to, to be removed from the store.';
COMMENT ON COLUMN storage_object.created_at IS 'When it was written.';

CREATE TABLE rendition (
    id uuid PRIMARY KEY,
    asset_id uuid NOT NULL REFERENCES asset (id),
    name text NOT NULL CHECK (name ~ '^[a-z0-9_]{1,40}$'),
    format text NOT NULL CHECK (format ~ '^[a-z0-9]{1,10}$'),
    content_type text NOT NULL,
    object_key text NOT NULL UNIQUE REFERENCES storage_object (key) DEFERRABLE INITIALLY DEFERRED,
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{32}$'),
    bytes bigint NOT NULL CHECK (bytes > 0),
    width integer CHECK (width > 0),
    height integer CHECK (height > 0),
    created_at timestamptz NOT NULL,
    UNIQUE (asset_id, name, format)
);
COMMENT ON TABLE rendition IS 'What was made of an asset: sizes and formats of a picture, poster and renditions of a video. One that stands never changes.';
COMMENT ON COLUMN rendition.id IS 'UUID version 7.';
COMMENT ON COLUMN rendition.asset_id IS 'What it was made of.';
COMMENT ON COLUMN rendition.name IS 'Which one: thumb, preview, full, poster, video_720p, …';
COMMENT ON COLUMN rendition.format IS 'File extension: webp, avif, jpg, mp4, m3u8.';
COMMENT ON COLUMN rendition.content_type IS 'Media type it is sent with.';
COMMENT ON COLUMN rendition.object_key IS 'Where it lies; of a playlist, the master, with its segments beside it.';
COMMENT ON COLUMN rendition.digest IS 'First half of the SHA-256 of its content in hexadecimal; part of its address, so that an address never changes what it means.';
COMMENT ON COLUMN rendition.bytes IS 'Its length; of a playlist, with its segments.';
COMMENT ON COLUMN rendition.width IS 'In pixels.';
COMMENT ON COLUMN rendition.height IS 'In pixels.';
COMMENT ON COLUMN rendition.created_at IS 'When it was made.';

CREATE TABLE owner_usage (
    owner text PRIMARY KEY,
    bytes bigint NOT NULL CHECK (bytes >= 0),
    assets bigint NOT NULL CHECK (assets >= 0)
);
COMMENT ON TABLE owner_usage IS 'What each owner keeps, for quotas; changed in the transaction that adds or deletes.';
COMMENT ON COLUMN owner_usage.owner IS 'Subject, as in asset.';
COMMENT ON COLUMN owner_usage.bytes IS 'Bytes of originals.';
COMMENT ON COLUMN owner_usage.assets IS 'Number of assets.';
