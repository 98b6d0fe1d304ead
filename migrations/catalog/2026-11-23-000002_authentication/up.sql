-- Signing keys and sessions.
-- Locks: creates tables only; the foreign key takes a short SHARE ROW EXCLUSIVE lock on "user".
-- Size: new tables. Deploy order: before the first service that signs tokens.

CREATE TABLE signing_key (
    kid text PRIMARY KEY,
    private_key_sealed bytea NOT NULL,
    public_jwk jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    not_before timestamptz NOT NULL,
    retired_at timestamptz,
    expires_at timestamptz,
    CHECK (retired_at IS NULL OR expires_at IS NOT NULL)
);
COMMENT ON TABLE signing_key IS 'Keys that access tokens are signed with. A handful of rows.';
COMMENT ON COLUMN signing_key.kid IS 'Name of the key: its RFC 7638 thumbprint.';
COMMENT ON COLUMN signing_key.private_key_sealed IS 'Private key, PKCS#8, sealed with AES-256-GCM under the master key.';
COMMENT ON COLUMN signing_key.public_jwk IS 'Public half as it is published.';
COMMENT ON COLUMN signing_key.created_at IS 'When it was made, and so first published.';
COMMENT ON COLUMN signing_key.not_before IS 'When it begins to sign; later than created_at, so that every verifier knows it by then.';
COMMENT ON COLUMN signing_key.retired_at IS 'When its successor begins to sign; empty while there is none.';
COMMENT ON COLUMN signing_key.expires_at IS 'When its last token has run out and it is no longer published; empty while it has no successor.';

CREATE TABLE refresh_family (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
    credential_mark bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_reason text CHECK (revoked_reason IN ('reuse', 'revoked', 'logout')),
    CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL))
);
CREATE INDEX ix_refresh_family_user_id ON refresh_family (user_id);
CREATE INDEX ix_refresh_family_expires_at ON refresh_family (expires_at);
COMMENT ON TABLE refresh_family IS 'Sessions: a sign-in and all refresh tokens that descend from it.';
COMMENT ON COLUMN refresh_family.id IS 'The session; claim sid of its access tokens.';
COMMENT ON COLUMN refresh_family.user_id IS 'Who signed in.';
COMMENT ON COLUMN refresh_family.credential_mark IS 'BLAKE3 of the password hash signed in with: a new password ends the session.';
COMMENT ON COLUMN refresh_family.created_at IS 'When the person signed in.';
COMMENT ON COLUMN refresh_family.expires_at IS 'When the session ends, however often it was refreshed.';
COMMENT ON COLUMN refresh_family.revoked_at IS 'When it was ended before its time.';
COMMENT ON COLUMN refresh_family.revoked_reason IS 'Why: a token was used twice, the client revoked it, or the person signed out everywhere.';

CREATE TABLE refresh_token (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    family_id uuid NOT NULL REFERENCES refresh_family (id) ON DELETE CASCADE,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX ix_refresh_token_family_id ON refresh_token (family_id);
CREATE INDEX ix_refresh_token_expires_at ON refresh_token (expires_at);
COMMENT ON TABLE refresh_token IS 'Refresh tokens, by hash only. Used ones stay until they expire, so that a second use is noticed.';
COMMENT ON COLUMN refresh_token.token_hash IS 'BLAKE3 of the token.';
COMMENT ON COLUMN refresh_token.family_id IS 'The session it belongs to.';
COMMENT ON COLUMN refresh_token.issued_at IS 'When it was handed out.';
COMMENT ON COLUMN refresh_token.expires_at IS 'When it can no longer be used.';
COMMENT ON COLUMN refresh_token.used_at IS 'When it was exchanged for its successor; a second use revokes the session.';
