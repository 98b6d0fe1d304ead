-- Deadlines, messages to customers, claims.
-- Locks: creates tables only. Size: new tables. Deploy order: before the first package-ledger.

CREATE TABLE deadline (
    package_id uuid NOT NULL REFERENCES package (id),
    kind text NOT NULL CHECK (kind IN ('free_time_ends', 'reminder', 'hold_ends', 'abandonment_due')),
    ordinal integer NOT NULL CHECK (ordinal >= 0),
    due_at timestamptz NOT NULL,
    fired_at timestamptz,
    cancelled_at timestamptz,
    PRIMARY KEY (package_id, kind, ordinal),
    CHECK (fired_at IS NULL OR cancelled_at IS NULL)
);
CREATE INDEX ix_deadline_open ON deadline (due_at, package_id) WHERE fired_at IS NULL AND cancelled_at IS NULL;
COMMENT ON TABLE deadline IS 'What happens to a package with time alone: each fires once (P-D9).';
COMMENT ON COLUMN deadline.package_id IS 'The package.';
COMMENT ON COLUMN deadline.kind IS 'free_time_ends, reminder, hold_ends or abandonment_due.';
COMMENT ON COLUMN deadline.ordinal IS 'Which of several of a kind.';
COMMENT ON COLUMN deadline.due_at IS 'When it is due, by the policy of the package''s tariff.';
COMMENT ON COLUMN deadline.fired_at IS 'When it fired.';
COMMENT ON COLUMN deadline.cancelled_at IS 'When the package ended before it.';

CREATE TABLE notification (
    id uuid PRIMARY KEY,
    package_id uuid REFERENCES package (id),
    customer_id uuid REFERENCES customer (id),
    channel text NOT NULL CHECK (channel IN ('sms', 'email', 'whatsapp', 'push', 'call')),
    template text NOT NULL CHECK (length(template) BETWEEN 1 AND 60),
    language text NOT NULL CHECK (language IN ('es', 'en')),
    recipient text NOT NULL CHECK (length(recipient) BETWEEN 1 AND 254),
    data jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(data) = 'object'),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'delivered', 'failed')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 3),
    next_attempt_at timestamptz,
    provider_id text CHECK (length(provider_id) BETWEEN 1 AND 200),
    cost_minor bigint CHECK (cost_minor >= 0),
    error_code text CHECK (length(error_code) BETWEEN 1 AND 60),
    created_by uuid,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    delivered_at timestamptz,
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX ix_notification_due ON notification (next_attempt_at, id) WHERE status = 'pending';
CREATE INDEX ix_notification_package_id ON notification (package_id, id);
CREATE INDEX ix_notification_customer_id ON notification (customer_id);
CREATE INDEX ix_notification_provider_id ON notification (provider_id) WHERE provider_id IS NOT NULL;
COMMENT ON TABLE notification IS 'A message to a customer: written in the transaction of what it tells of, sent after it. It holds no pickup code: that is made when the message is sent.';
COMMENT ON COLUMN notification.id IS 'UUID version 7; what a provider knows it by, so that it is sent once.';
COMMENT ON COLUMN notification.package_id IS 'What it is about.';
COMMENT ON COLUMN notification.customer_id IS 'Whom it is for.';
COMMENT ON COLUMN notification.channel IS 'sms, email, whatsapp, push, or call (made by an operator, and only noted here).';
COMMENT ON COLUMN notification.template IS 'What it says, by name.';
COMMENT ON COLUMN notification.language IS 'es or en.';
COMMENT ON COLUMN notification.recipient IS 'Number or address at the time of writing.';
COMMENT ON COLUMN notification.data IS 'What the template is filled with.';
COMMENT ON COLUMN notification.status IS 'pending, sent (taken by the provider), delivered, or failed.';
COMMENT ON COLUMN notification.attempts IS 'How often it was tried, 3 times at most.';
COMMENT ON COLUMN notification.next_attempt_at IS 'When it is tried next.';
COMMENT ON COLUMN notification.provider_id IS 'The provider''s name for it.';
COMMENT ON COLUMN notification.cost_minor IS 'What the provider asked for it, in minor units.';
COMMENT ON COLUMN notification.error_code IS 'Why it last failed.';
COMMENT ON COLUMN notification.created_by IS 'Who had it sent; nobody where the clock did.';
COMMENT ON COLUMN notification.created_at IS 'When it was written.';
COMMENT ON COLUMN notification.sent_at IS 'When the provider took it.';
COMMENT ON COLUMN notification.delivered_at IS 'When it reached the customer.';

CREATE TABLE claim (
    id uuid PRIMARY KEY,
    package_id uuid NOT NULL REFERENCES package (id),
    kind text NOT NULL CHECK (kind IN ('lost', 'damaged', 'other')),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'read', 'answered', 'closed')),
    description text NOT NULL CHECK (length(description) BETWEEN 1 AND 2000),
    answer text CHECK (length(answer) BETWEEN 1 AND 2000),
    liability_minor bigint NOT NULL CHECK (liability_minor >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    opened_by uuid NOT NULL,
    answer_due_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_claim_package_id ON claim (package_id);
CREATE INDEX ix_claim_created_at ON claim (created_at DESC, id DESC);
COMMENT ON TABLE claim IS 'Something went wrong with a package, and somebody has to answer for it.';
COMMENT ON COLUMN claim.id IS 'UUID version 7.';
COMMENT ON COLUMN claim.package_id IS 'The package.';
COMMENT ON COLUMN claim.kind IS 'lost, damaged or other.';
COMMENT ON COLUMN claim.status IS 'open, read, answered or closed.';
COMMENT ON COLUMN claim.description IS 'What happened.';
COMMENT ON COLUMN claim.answer IS 'What the desk says.';
COMMENT ON COLUMN claim.liability_minor IS 'Most that the desk answers for, in minor units: the lesser of 200,000 COP and ten times the fee.';
COMMENT ON COLUMN claim.currency IS 'ISO 4217.';
COMMENT ON COLUMN claim.opened_by IS 'Who opened it.';
COMMENT ON COLUMN claim.answer_due_at IS 'Until when the desk has to answer: 5 business days.';
COMMENT ON COLUMN claim.version IS 'Rises with each change; its entity tag.';
COMMENT ON COLUMN claim.created_at IS 'When it was opened.';
COMMENT ON COLUMN claim.updated_at IS 'When it last changed.';
