-- The outbox: events waiting to be published, written in the transaction that causes them.
-- Lock: none on existing tables (new table). Size: empty. Order: before the first service that enqueues.
CREATE TABLE outbox (
    id           uuid        PRIMARY KEY,
    position     bigserial   NOT NULL,
    subject      text        NOT NULL,
    event_type   text        NOT NULL,
    source       text        NOT NULL,
    aggregate    text        NOT NULL,
    payload      bytea       NOT NULL,
    traceparent  text,
    tracestate   text,
    occurred_at  timestamptz NOT NULL,
    enqueued_at  timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);

-- What the relay reads. Small as long as the relay keeps up, whatever the retention of published rows.
CREATE INDEX outbox_unpublished_idx ON outbox (position) WHERE published_at IS NULL;
-- What the clean-up reads.
CREATE INDEX outbox_published_idx ON outbox (published_at) WHERE published_at IS NOT NULL;

COMMENT ON TABLE outbox IS 'Domain events, written with the change they tell of and published to NATS by the relay.';
COMMENT ON COLUMN outbox.id IS 'Id of the event: ce-id and Nats-Msg-Id, so a repeated publication is recognised.';
COMMENT ON COLUMN outbox.position IS 'Order of publication within an aggregate. Not a cursor: a lower position may commit later.';
COMMENT ON COLUMN outbox.subject IS 'NATS subject to publish to.';
COMMENT ON COLUMN outbox.event_type IS 'Full protobuf name of the payload (ce-type).';
COMMENT ON COLUMN outbox.source IS 'Service that speaks (ce-source).';
COMMENT ON COLUMN outbox.aggregate IS 'What the event is about (ce-subject); events of one aggregate are published in order.';
COMMENT ON COLUMN outbox.payload IS 'The event, protobuf.';
COMMENT ON COLUMN outbox.traceparent IS 'W3C trace context of the request that caused the event; null when it was not traced.';
COMMENT ON COLUMN outbox.tracestate IS 'W3C tracestate that came with traceparent; null when there was none.';
COMMENT ON COLUMN outbox.occurred_at IS 'When the change happened (ce-time).';
COMMENT ON COLUMN outbox.enqueued_at IS 'When the transaction that wrote the row began; the age of the oldest unpublished row is the lag.';
COMMENT ON COLUMN outbox.published_at IS 'When JetStream had acknowledged the message; null until then. Removed after the retention.';
