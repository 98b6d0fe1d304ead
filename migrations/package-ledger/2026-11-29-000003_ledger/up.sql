-- The books: accounts, transfers that are only added, payments, waivers, receipts.
-- Locks: creates tables only. Size: new tables. Deploy order: before the first package-ledger.

CREATE TABLE ledger_account (
    id uuid PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (length(code) BETWEEN 1 AND 60),
    kind text NOT NULL CHECK (kind IN ('asset', 'liability', 'revenue', 'expense')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    debits_minor bigint NOT NULL DEFAULT 0 CHECK (debits_minor >= 0),
    credits_minor bigint NOT NULL DEFAULT 0 CHECK (credits_minor >= 0),
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE ledger_account IS 'An account of the books.';
COMMENT ON COLUMN ledger_account.id IS 'UUID version 7.';
COMMENT ON COLUMN ledger_account.code IS 'Its name, such as cash or customer/<id>.';
COMMENT ON COLUMN ledger_account.kind IS 'Decides on which side it grows.';
COMMENT ON COLUMN ledger_account.currency IS 'ISO 4217.';
COMMENT ON COLUMN ledger_account.debits_minor IS 'Sum of all transfers that debit it, in minor units.';
COMMENT ON COLUMN ledger_account.credits_minor IS 'Sum of all transfers that credit it, in minor units.';
COMMENT ON COLUMN ledger_account.created_at IS 'When it was opened.';

CREATE TABLE ledger_transfer (
    id uuid PRIMARY KEY,
    debit_account_id uuid NOT NULL REFERENCES ledger_account (id),
    credit_account_id uuid NOT NULL REFERENCES ledger_account (id),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    code text NOT NULL CHECK (code IN ('charge_base', 'charge_storage', 'waive', 'pay', 'refund', 'write_off', 'claim', 'correct')),
    package_id uuid REFERENCES package (id),
    corrects_id uuid,
    reason text CHECK (length(reason) BETWEEN 1 AND 500),
    idempotency_id text NOT NULL UNIQUE CHECK (length(idempotency_id) BETWEEN 1 AND 200),
    actor_id uuid,
    created_at timestamptz NOT NULL,
    CHECK (debit_account_id <> credit_account_id),
    CHECK ((code = 'correct') = (corrects_id IS NOT NULL))
);
CREATE UNIQUE INDEX ux_ledger_transfer_corrects_id ON ledger_transfer (corrects_id) WHERE corrects_id IS NOT NULL;
CREATE INDEX ix_ledger_transfer_debit_account_id ON ledger_transfer (debit_account_id, id DESC);
CREATE INDEX ix_ledger_transfer_credit_account_id ON ledger_transfer (credit_account_id, id DESC);
CREATE INDEX ix_ledger_transfer_created_at ON ledger_transfer (created_at DESC, id DESC);
CREATE INDEX ix_ledger_transfer_package_id ON ledger_transfer (package_id);
COMMENT ON TABLE ledger_transfer IS 'An amount that debits one account and credits another (P-D5). Rows are only added; a mistake is corrected by another transfer.';
COMMENT ON COLUMN ledger_transfer.id IS 'UUID version 7: in the order of posting.';
COMMENT ON COLUMN ledger_transfer.debit_account_id IS 'The account debited.';
COMMENT ON COLUMN ledger_transfer.credit_account_id IS 'The account credited.';
COMMENT ON COLUMN ledger_transfer.amount_minor IS 'In minor units.';
COMMENT ON COLUMN ledger_transfer.currency IS 'ISO 4217; that of both accounts.';
COMMENT ON COLUMN ledger_transfer.code IS 'What for.';
COMMENT ON COLUMN ledger_transfer.package_id IS 'The package that it is about.';
COMMENT ON COLUMN ledger_transfer.corrects_id IS 'The transfer that it takes back; each can be taken back once. No foreign key: checking one would need the right to change rows.';
COMMENT ON COLUMN ledger_transfer.reason IS 'Why, where a person decided.';
COMMENT ON COLUMN ledger_transfer.idempotency_id IS 'Says what it is posted for: the same is posted once.';
COMMENT ON COLUMN ledger_transfer.actor_id IS 'Who posted it; nobody where the clock did.';
COMMENT ON COLUMN ledger_transfer.created_at IS 'When it was posted.';
CREATE TRIGGER tr_ledger_transfer_append_only BEFORE UPDATE OR DELETE ON ledger_transfer
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER tr_ledger_transfer_keep BEFORE TRUNCATE ON ledger_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON ledger_transfer FROM CURRENT_USER;

CREATE SEQUENCE receipt_no;

CREATE TABLE payment (
    id uuid PRIMARY KEY,
    package_id uuid NOT NULL REFERENCES package (id),
    customer_id uuid REFERENCES customer (id),
    method text NOT NULL CHECK (method IN ('cash', 'transfer')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    refunded_minor bigint NOT NULL DEFAULT 0 CHECK (refunded_minor BETWEEN 0 AND amount_minor),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    receipt_no bigint NOT NULL UNIQUE DEFAULT nextval('receipt_no'),
    reference text CHECK (length(reference) BETWEEN 1 AND 100),
    received_by uuid NOT NULL,
    created_at timestamptz NOT NULL
);
ALTER SEQUENCE receipt_no OWNED BY payment.receipt_no;
CREATE INDEX ix_payment_package_id ON payment (package_id);
CREATE INDEX ix_payment_customer_id ON payment (customer_id);
COMMENT ON TABLE payment IS 'Money taken for a package.';
COMMENT ON COLUMN payment.id IS 'UUID version 7.';
COMMENT ON COLUMN payment.package_id IS 'The package.';
COMMENT ON COLUMN payment.customer_id IS 'Whose account it is booked on.';
COMMENT ON COLUMN payment.method IS 'cash or transfer.';
COMMENT ON COLUMN payment.amount_minor IS 'In minor units.';
COMMENT ON COLUMN payment.refunded_minor IS 'Given back of it, in minor units.';
COMMENT ON COLUMN payment.currency IS 'ISO 4217.';
COMMENT ON COLUMN payment.receipt_no IS 'Rises; a number may be missing where a transaction was rolled back.';
COMMENT ON COLUMN payment.reference IS 'Of a bank transfer.';
COMMENT ON COLUMN payment.received_by IS 'Who took it.';
COMMENT ON COLUMN payment.created_at IS 'When.';

CREATE TABLE waiver (
    id uuid PRIMARY KEY,
    package_id uuid NOT NULL REFERENCES package (id),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    granted_by uuid NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX ix_waiver_package_id ON waiver (package_id);
COMMENT ON TABLE waiver IS 'What the desk does not ask for; posted with the charges.';
COMMENT ON COLUMN waiver.id IS 'UUID version 7.';
COMMENT ON COLUMN waiver.package_id IS 'The package.';
COMMENT ON COLUMN waiver.amount_minor IS 'In minor units.';
COMMENT ON COLUMN waiver.reason IS 'Why.';
COMMENT ON COLUMN waiver.granted_by IS 'Who decided.';
COMMENT ON COLUMN waiver.created_at IS 'When.';

CREATE TABLE receipt (
    package_id uuid PRIMARY KEY REFERENCES package (id),
    body jsonb NOT NULL CHECK (jsonb_typeof(body) = 'object'),
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE receipt IS 'What was charged and paid when a package ended, as it was told to the customer.';
COMMENT ON COLUMN receipt.package_id IS 'The package.';
COMMENT ON COLUMN receipt.body IS 'Fee with its lines and trace, waivers, payments.';
COMMENT ON COLUMN receipt.created_at IS 'When.';
