-- Tariffs, slots, announcements, packages with their chain of custody, files, pickup codes.
-- Locks: creates tables only. Size: new tables. Deploy order: before the first package-ledger.

CREATE TABLE tariff (
    id uuid PRIMARY KEY,
    version integer NOT NULL UNIQUE CHECK (version > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    valid_from timestamptz NOT NULL UNIQUE,
    notice_days integer NOT NULL CHECK (notice_days BETWEEN 0 AND 365),
    free_hours integer NOT NULL CHECK (free_hours BETWEEN 0 AND 8760),
    reminder_days integer[] NOT NULL CHECK (cardinality(reminder_days) <= 20),
    max_hold_days integer NOT NULL CHECK (max_hold_days BETWEEN 1 AND 3650),
    abandon_days integer NOT NULL CHECK (abandon_days >= max_hold_days AND abandon_days <= 3650),
    min_sms integer NOT NULL CHECK (min_sms BETWEEN 0 AND 100),
    min_calls integer NOT NULL CHECK (min_calls BETWEEN 0 AND 100),
    created_by uuid,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE tariff IS 'What storage costs and how long it lasts: one version after the other, never changed (P-D3).';
COMMENT ON COLUMN tariff.id IS 'UUID version 7; of the first version a fixed one.';
COMMENT ON COLUMN tariff.version IS 'Counts from 1.';
COMMENT ON COLUMN tariff.currency IS 'ISO 4217.';
COMMENT ON COLUMN tariff.valid_from IS 'In force from this instant to that of the next version.';
COMMENT ON COLUMN tariff.notice_days IS 'How long before it is in force the version after this one has to be published.';
COMMENT ON COLUMN tariff.free_hours IS 'Hours after reception in which the customer is not reminded of costs.';
COMMENT ON COLUMN tariff.reminder_days IS 'Days after reception at which the customer is reminded, rising.';
COMMENT ON COLUMN tariff.max_hold_days IS 'Days after reception after which the package is overdue.';
COMMENT ON COLUMN tariff.abandon_days IS 'Days after reception after which it may be abandoned.';
COMMENT ON COLUMN tariff.min_sms IS 'Text messages that must have reached the customer before.';
COMMENT ON COLUMN tariff.min_calls IS 'Calls that must have been made before.';
COMMENT ON COLUMN tariff.created_by IS 'Who published it.';
COMMENT ON COLUMN tariff.created_at IS 'When it was published.';

CREATE TABLE tariff_line (
    tariff_id uuid NOT NULL REFERENCES tariff (id),
    size_class text NOT NULL CHECK (size_class IN ('small', 'extra')),
    base_minor bigint NOT NULL CHECK (base_minor >= 0),
    included_hours integer NOT NULL CHECK (included_hours >= 0),
    period_hours integer NOT NULL CHECK (period_hours BETWEEN 1 AND 8760),
    rate_minor bigint NOT NULL CHECK (rate_minor >= 0),
    cap_minor bigint NOT NULL CHECK (cap_minor >= 0),
    rounding text NOT NULL CHECK (rounding IN ('started', 'completed')),
    PRIMARY KEY (tariff_id, size_class)
);
COMMENT ON TABLE tariff_line IS 'What a version of the tariff asks for a size.';
COMMENT ON COLUMN tariff_line.tariff_id IS 'The version.';
COMMENT ON COLUMN tariff_line.size_class IS 'small (to 30 x 30 x 30 cm and below 5 kg) or extra.';
COMMENT ON COLUMN tariff_line.base_minor IS 'For handling, in minor units.';
COMMENT ON COLUMN tariff_line.included_hours IS 'Storage that the base pays for, in whole periods.';
COMMENT ON COLUMN tariff_line.period_hours IS 'Length of a period.';
COMMENT ON COLUMN tariff_line.rate_minor IS 'For each further period, in minor units.';
COMMENT ON COLUMN tariff_line.cap_minor IS 'Most that storage costs, in minor units.';
COMMENT ON COLUMN tariff_line.rounding IS 'Whether a period counts when it has started, or when it is completed.';

INSERT INTO tariff (id, version, currency, valid_from, notice_days, free_hours, reminder_days, max_hold_days, abandon_days, min_sms, min_calls, created_at)
VALUES ('00000000-0000-7000-8000-000000000001', 1, 'COP', '2000-01-01T00:00:00Z', 15, 24, '{1,3,7,15,25}', 30, 45, 3, 2, '2000-01-01T00:00:00Z');
INSERT INTO tariff_line (tariff_id, size_class, base_minor, included_hours, period_hours, rate_minor, cap_minor, rounding)
VALUES ('00000000-0000-7000-8000-000000000001', 'small', 150000, 24, 24, 100000, 3000000, 'started'),
       ('00000000-0000-7000-8000-000000000001', 'extra', 200000, 24, 24, 100000, 3000000, 'started');

CREATE TABLE slot (
    id uuid PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code ~ '^[A-Z0-9][A-Z0-9-]{0,19}$'),
    size_class text NOT NULL CHECK (size_class IN ('small', 'extra')),
    status text NOT NULL DEFAULT 'free' CHECK (status IN ('free', 'held', 'blocked')),
    blocked_reason text CHECK (length(blocked_reason) BETWEEN 1 AND 200),
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK ((status = 'blocked') = (blocked_reason IS NOT NULL))
);
CREATE INDEX ix_slot_free ON slot (size_class, code) WHERE status = 'free';
COMMENT ON TABLE slot IS 'A place on the shelf; one package at a time (P-D8).';
COMMENT ON COLUMN slot.id IS 'UUID version 7.';
COMMENT ON COLUMN slot.code IS 'As it stands on the shelf.';
COMMENT ON COLUMN slot.size_class IS 'Largest size that it takes.';
COMMENT ON COLUMN slot.status IS 'free, held (a package lies there), or blocked.';
COMMENT ON COLUMN slot.blocked_reason IS 'Why it is out of use.';
COMMENT ON COLUMN slot.version IS 'Rises with each change by hand; its entity tag.';
COMMENT ON COLUMN slot.created_at IS 'When it was put up.';
COMMENT ON COLUMN slot.updated_at IS 'When it last changed.';

CREATE TABLE announcement (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customer (id),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    phone text NOT NULL CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
    carrier text CHECK (length(carrier) BETWEEN 1 AND 50),
    guide_number text NOT NULL CHECK (guide_number ~ '^[A-Z0-9]{4,40}$'),
    expected_at timestamptz,
    tracking_code text NOT NULL UNIQUE CHECK (length(tracking_code) BETWEEN 6 AND 20),
    tariff_id uuid NOT NULL REFERENCES tariff (id),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'matched', 'expired', 'cancelled')),
    expires_at timestamptz NOT NULL,
    announced_by uuid NOT NULL,
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX ux_announcement_open_guide ON announcement (guide_number) WHERE status = 'pending';
CREATE INDEX ix_announcement_created_at ON announcement (created_at DESC, id DESC);
CREATE INDEX ix_announcement_customer_id ON announcement (customer_id, created_at DESC, id DESC);
CREATE INDEX ix_announcement_status ON announcement (status, created_at DESC, id DESC);
CREATE INDEX ix_announcement_open_phone ON announcement (phone) WHERE status = 'pending';
CREATE INDEX ix_announcement_open_expiry ON announcement (expires_at) WHERE status = 'pending';
CREATE INDEX ix_announcement_tariff_id ON announcement (tariff_id);
COMMENT ON TABLE announcement IS 'A parcel that somebody expects: its package exists since, in status announced.';
COMMENT ON COLUMN announcement.id IS 'UUID version 7.';
COMMENT ON COLUMN announcement.customer_id IS 'Whom it is for.';
COMMENT ON COLUMN announcement.name IS 'As it will stand on the label.';
COMMENT ON COLUMN announcement.phone IS 'As it will stand on the label, E.164.';
COMMENT ON COLUMN announcement.carrier IS 'Who brings it.';
COMMENT ON COLUMN announcement.guide_number IS 'The carrier''s number, normalised; open once at a time.';
COMMENT ON COLUMN announcement.expected_at IS 'When it should come.';
COMMENT ON COLUMN announcement.tracking_code IS 'Ours, to ask by.';
COMMENT ON COLUMN announcement.tariff_id IS 'The version in force when it was announced: the package keeps it (P-D3).';
COMMENT ON COLUMN announcement.status IS 'pending, matched (its parcel is here), expired, or cancelled.';
COMMENT ON COLUMN announcement.expires_at IS 'When it is not waited for any more.';
COMMENT ON COLUMN announcement.announced_by IS 'Who announced it.';
COMMENT ON COLUMN announcement.version IS 'Rises with each change; its entity tag.';
COMMENT ON COLUMN announcement.created_at IS 'When it was announced.';
COMMENT ON COLUMN announcement.updated_at IS 'When it last changed.';

CREATE TABLE package (
    id uuid PRIMARY KEY,
    tracking_no text NOT NULL UNIQUE CHECK (length(tracking_no) BETWEEN 6 AND 20),
    carrier text CHECK (length(carrier) BETWEEN 1 AND 50),
    guide_number text CHECK (guide_number ~ '^[A-Z0-9]{4,40}$'),
    customer_id uuid REFERENCES customer (id),
    announcement_id uuid REFERENCES announcement (id),
    size_class text CHECK (size_class IN ('small', 'extra')),
    weight_g integer CHECK (weight_g BETWEEN 1 AND 1000000),
    length_mm integer CHECK (length_mm BETWEEN 1 AND 10000),
    width_mm integer CHECK (width_mm BETWEEN 1 AND 10000),
    height_mm integer CHECK (height_mm BETWEEN 1 AND 10000),
    condition text CHECK (condition IN ('good', 'opened', 'damaged')),
    status text NOT NULL CHECK (status IN ('announced', 'received', 'stored', 'notified', 'delivered', 'returned', 'abandoned', 'cancelled', 'lost', 'damaged')),
    slot_id uuid REFERENCES slot (id),
    tariff_id uuid NOT NULL REFERENCES tariff (id),
    announced_at timestamptz,
    received_at timestamptz,
    stored_at timestamptz,
    notified_at timestamptz,
    stopped_at timestamptz,
    ended_at timestamptz,
    free_until timestamptz,
    hold_until timestamptz,
    abandon_at timestamptz,
    total_minor bigint CHECK (total_minor >= 0),
    paid_minor bigint NOT NULL DEFAULT 0 CHECK (paid_minor >= 0),
    waived_minor bigint NOT NULL DEFAULT 0 CHECK (waived_minor >= 0),
    event_count integer NOT NULL DEFAULT 0 CHECK (event_count >= 0),
    head_hash bytea CHECK (octet_length(head_hash) = 32),
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK (status NOT IN ('stored', 'notified') OR slot_id IS NOT NULL),
    CHECK (status NOT IN ('delivered', 'returned', 'abandoned', 'cancelled', 'lost') OR (slot_id IS NULL AND ended_at IS NOT NULL)),
    CHECK (status IN ('announced', 'cancelled') OR (received_at IS NOT NULL AND size_class IS NOT NULL AND condition IS NOT NULL))
);
CREATE UNIQUE INDEX ux_package_slot_id ON package (slot_id) WHERE slot_id IS NOT NULL;
CREATE UNIQUE INDEX ux_package_announcement_id ON package (announcement_id) WHERE status <> 'cancelled';
CREATE INDEX ix_package_announcement_id ON package (announcement_id);
CREATE INDEX ix_package_created_at ON package (created_at DESC, id DESC);
CREATE INDEX ix_package_customer_id ON package (customer_id, created_at DESC, id DESC);
CREATE INDEX ix_package_guide_number ON package (guide_number text_pattern_ops);
CREATE INDEX ix_package_tariff_id ON package (tariff_id);
CREATE INDEX ix_package_tracking_no ON package (tracking_no text_pattern_ops);
COMMENT ON TABLE package IS 'A parcel from its announcement or reception to its end.';
COMMENT ON COLUMN package.id IS 'UUID version 7.';
COMMENT ON COLUMN package.tracking_no IS 'Ours, as it stands on our label.';
COMMENT ON COLUMN package.carrier IS 'Who brought it.';
COMMENT ON COLUMN package.guide_number IS 'The carrier''s number, normalised.';
COMMENT ON COLUMN package.customer_id IS 'Whom it is for; nobody as long as it is unidentified.';
COMMENT ON COLUMN package.announcement_id IS 'What announced it.';
COMMENT ON COLUMN package.size_class IS 'small or extra; decides on tariff line and slot.';
COMMENT ON COLUMN package.weight_g IS 'In grams.';
COMMENT ON COLUMN package.length_mm IS 'In millimetres.';
COMMENT ON COLUMN package.width_mm IS 'In millimetres.';
COMMENT ON COLUMN package.height_mm IS 'In millimetres.';
COMMENT ON COLUMN package.condition IS 'As it came: good, opened or damaged.';
COMMENT ON COLUMN package.status IS 'Where it stands in its state machine; overdue is derived from hold_until.';
COMMENT ON COLUMN package.slot_id IS 'Where it lies; nowhere else, and nothing else there.';
COMMENT ON COLUMN package.tariff_id IS 'The version that it is priced by, for good (P-D3).';
COMMENT ON COLUMN package.announced_at IS 'When it was announced.';
COMMENT ON COLUMN package.received_at IS 'When it came: the clock of the fee starts.';
COMMENT ON COLUMN package.stored_at IS 'When it was first put into a slot.';
COMMENT ON COLUMN package.notified_at IS 'When word of it first reached the customer.';
COMMENT ON COLUMN package.stopped_at IS 'When the clock of its fee stopped: at its end, or when it was lost or damaged.';
COMMENT ON COLUMN package.ended_at IS 'When it was handed over, returned, abandoned, cancelled or lost.';
COMMENT ON COLUMN package.free_until IS 'Until when storage is free.';
COMMENT ON COLUMN package.hold_until IS 'From when it is overdue.';
COMMENT ON COLUMN package.abandon_at IS 'From when it may be abandoned.';
COMMENT ON COLUMN package.total_minor IS 'What was charged in the end, without waivers, in minor units of the tariff''s currency.';
COMMENT ON COLUMN package.paid_minor IS 'Paid for it and not given back, in minor units.';
COMMENT ON COLUMN package.waived_minor IS 'Waived, in minor units.';
COMMENT ON COLUMN package.event_count IS 'Length of its chain of custody.';
COMMENT ON COLUMN package.head_hash IS 'Hash of the last event of that chain.';
COMMENT ON COLUMN package.version IS 'Rises with each change; its entity tag.';
COMMENT ON COLUMN package.created_at IS 'When it was first known.';
COMMENT ON COLUMN package.updated_at IS 'When it last changed.';

CREATE TABLE package_event (
    package_id uuid NOT NULL REFERENCES package (id),
    seq integer NOT NULL CHECK (seq > 0),
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 40),
    from_status text,
    to_status text NOT NULL,
    actor_id uuid,
    actor_role text NOT NULL CHECK (actor_role IN ('customer', 'operator', 'admin', 'system')),
    occurred_at timestamptz NOT NULL,
    data jsonb NOT NULL CHECK (jsonb_typeof(data) = 'object'),
    digests bytea[] NOT NULL DEFAULT '{}',
    prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (package_id, seq)
);
COMMENT ON TABLE package_event IS 'Everything that happened to a package: a chain in which each link holds the hash of the one before (P-D4). Rows are only added.';
COMMENT ON COLUMN package_event.package_id IS 'The package.';
COMMENT ON COLUMN package_event.seq IS 'Counts from 1 without gaps.';
COMMENT ON COLUMN package_event.kind IS 'What happened.';
COMMENT ON COLUMN package_event.from_status IS 'Status before it; none at the beginning.';
COMMENT ON COLUMN package_event.to_status IS 'Status after it.';
COMMENT ON COLUMN package_event.actor_id IS 'Who did it; nobody where the clock did.';
COMMENT ON COLUMN package_event.actor_role IS 'As what.';
COMMENT ON COLUMN package_event.occurred_at IS 'When.';
COMMENT ON COLUMN package_event.data IS 'What else is known of it, without floats.';
COMMENT ON COLUMN package_event.digests IS 'SHA-256 of each file that goes with it.';
COMMENT ON COLUMN package_event.prev_hash IS 'Hash of the event before; of the first one derived from the package.';
COMMENT ON COLUMN package_event.hash IS 'SHA-256 of this event with prev_hash in it.';

CREATE TABLE file_upload (
    id uuid PRIMARY KEY,
    package_id uuid NOT NULL REFERENCES package (id),
    kind text NOT NULL CHECK (kind IN ('photo', 'document', 'receipt', 'signature')),
    asset_id uuid NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    content_type text NOT NULL CHECK (length(content_type) BETWEEN 1 AND 100),
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    url text NOT NULL CHECK (length(url) BETWEEN 1 AND 500),
    event_seq integer NOT NULL CHECK (event_seq > 0),
    retain_until timestamptz,
    created_at timestamptz NOT NULL,
    UNIQUE (package_id, asset_id)
);
CREATE INDEX ix_file_upload_retain_until ON file_upload (retain_until) WHERE retain_until IS NOT NULL;
COMMENT ON TABLE file_upload IS 'Photos and papers of a package; their bytes are at upload-ingest.';
COMMENT ON COLUMN file_upload.id IS 'UUID version 7.';
COMMENT ON COLUMN file_upload.package_id IS 'The package.';
COMMENT ON COLUMN file_upload.kind IS 'photo, document, receipt or signature.';
COMMENT ON COLUMN file_upload.asset_id IS 'The asset at upload-ingest.';
COMMENT ON COLUMN file_upload.sha256 IS 'SHA-256 of the original.';
COMMENT ON COLUMN file_upload.content_type IS 'Media type of the original.';
COMMENT ON COLUMN file_upload.size_bytes IS 'Size of the original.';
COMMENT ON COLUMN file_upload.url IS 'Path of the original below the gateway.';
COMMENT ON COLUMN file_upload.event_seq IS 'The event of custody that it belongs to.';
COMMENT ON COLUMN file_upload.retain_until IS 'Until when it is kept at least; set when the package ends.';
COMMENT ON COLUMN file_upload.created_at IS 'When it was added.';

CREATE TABLE pickup_code (
    package_id uuid PRIMARY KEY REFERENCES package (id),
    customer_id uuid NOT NULL REFERENCES customer (id),
    nonce bytea NOT NULL CHECK (octet_length(nonce) = 16),
    wrong_guesses integer NOT NULL DEFAULT 0 CHECK (wrong_guesses >= 0),
    locked_at timestamptz,
    used_at timestamptz,
    issued_at timestamptz NOT NULL
);
CREATE INDEX ix_pickup_code_customer_id ON pickup_code (customer_id);
COMMENT ON TABLE pickup_code IS 'What the pickup code of a package is made from, with a key that is not here; the code itself is nowhere (P-D7).';
COMMENT ON COLUMN pickup_code.package_id IS 'The package.';
COMMENT ON COLUMN pickup_code.customer_id IS 'Whose code it is: for another customer it is another code.';
COMMENT ON COLUMN pickup_code.nonce IS 'Random; another one makes another code.';
COMMENT ON COLUMN pickup_code.wrong_guesses IS 'Wrong guesses since it was issued.';
COMMENT ON COLUMN pickup_code.locked_at IS 'When there were too many: a new code has to be issued.';
COMMENT ON COLUMN pickup_code.used_at IS 'When it was used: it is void since.';
COMMENT ON COLUMN pickup_code.issued_at IS 'When it was issued.';

CREATE TABLE wrong_guess (
    customer_id uuid NOT NULL REFERENCES customer (id),
    guessed_at timestamptz NOT NULL,
    id uuid NOT NULL,
    PRIMARY KEY (customer_id, guessed_at, id)
);
CREATE INDEX ix_wrong_guess_guessed_at ON wrong_guess (guessed_at);
COMMENT ON TABLE wrong_guess IS 'Wrong pickup codes of a customer in the last hour.';
COMMENT ON COLUMN wrong_guess.customer_id IS 'Whose package it was tried for.';
COMMENT ON COLUMN wrong_guess.guessed_at IS 'When.';
COMMENT ON COLUMN wrong_guess.id IS 'Tells two of one instant apart.';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only added', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END;
$$;
CREATE TRIGGER tr_package_event_append_only BEFORE UPDATE OR DELETE ON package_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER tr_package_event_keep BEFORE TRUNCATE ON package_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON package_event FROM CURRENT_USER;
