-- Customers, and who works at the desk.
-- Locks: creates tables only. Size: new tables. Deploy order: before the first package-ledger.

CREATE TABLE customer (
    id uuid PRIMARY KEY,
    user_id uuid UNIQUE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    search_name text NOT NULL CHECK (length(search_name) BETWEEN 1 AND 400),
    phone text NOT NULL UNIQUE CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
    email text CHECK (length(email) BETWEEN 3 AND 254),
    document_type text CHECK (document_type IN ('cc', 'ce', 'nit', 'passport', 'ti', 'other')),
    document_number text CHECK (length(document_number) BETWEEN 3 AND 40),
    building text CHECK (length(building) BETWEEN 1 AND 100),
    tower text CHECK (length(tower) BETWEEN 1 AND 100),
    apartment text CHECK (length(apartment) BETWEEN 1 AND 100),
    language text NOT NULL DEFAULT 'es' CHECK (language IN ('es', 'en')),
    by_sms boolean NOT NULL DEFAULT true,
    by_email boolean NOT NULL DEFAULT true,
    by_whatsapp boolean NOT NULL DEFAULT false,
    by_push boolean NOT NULL DEFAULT false,
    is_active boolean NOT NULL DEFAULT true,
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK ((document_type IS NULL) = (document_number IS NULL))
);
CREATE INDEX ix_customer_created_at ON customer (created_at DESC, id DESC);
CREATE INDEX ix_customer_search_name ON customer (search_name text_pattern_ops);
COMMENT ON TABLE customer IS 'Somebody whom parcels are for.';
COMMENT ON COLUMN customer.id IS 'UUID version 7.';
COMMENT ON COLUMN customer.user_id IS 'Who signs in as this customer, if anybody does.';
COMMENT ON COLUMN customer.name IS 'As it stands on labels.';
COMMENT ON COLUMN customer.search_name IS 'The name folded for searching: lower case, no accents.';
COMMENT ON COLUMN customer.phone IS 'E.164; a customer is found by it.';
COMMENT ON COLUMN customer.email IS 'Where mail goes.';
COMMENT ON COLUMN customer.document_type IS 'Of the identity document.';
COMMENT ON COLUMN customer.document_number IS 'Of the identity document; shown at hand-over where there is no code.';
COMMENT ON COLUMN customer.building IS 'Where the customer lives.';
COMMENT ON COLUMN customer.tower IS 'Where the customer lives.';
COMMENT ON COLUMN customer.apartment IS 'Where the customer lives.';
COMMENT ON COLUMN customer.language IS 'Of messages: es or en.';
COMMENT ON COLUMN customer.by_sms IS 'Whether text messages are wanted.';
COMMENT ON COLUMN customer.by_email IS 'Whether mail is wanted.';
COMMENT ON COLUMN customer.by_whatsapp IS 'Whether WhatsApp messages are wanted.';
COMMENT ON COLUMN customer.by_push IS 'Whether push messages are wanted.';
COMMENT ON COLUMN customer.is_active IS 'One that is not announces nothing; what lies here is handed over all the same.';
COMMENT ON COLUMN customer.version IS 'Rises with each change; its entity tag.';
COMMENT ON COLUMN customer.created_at IS 'When it was first known.';
COMMENT ON COLUMN customer.updated_at IS 'When it last changed.';

CREATE TABLE operator (
    user_id uuid PRIMARY KEY,
    role text NOT NULL CHECK (role IN ('operator', 'admin', 'auditor')),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
COMMENT ON TABLE operator IS 'Who works at the desk, and as what; administrators of the catalog are admins without a row.';
COMMENT ON COLUMN operator.user_id IS 'The person, by the id of its token.';
COMMENT ON COLUMN operator.role IS 'operator (moves parcels), admin (decides on tariffs, slots, waivers, people), or auditor (reads everything, changes nothing).';
COMMENT ON COLUMN operator.name IS 'As it stands on receipts.';
COMMENT ON COLUMN operator.created_at IS 'Since when.';
COMMENT ON COLUMN operator.updated_at IS 'When the role or name last changed.';
