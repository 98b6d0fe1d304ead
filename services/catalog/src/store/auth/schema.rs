//! The columns that signing in touches.

diesel::table! {
    /// Of the model `user`, whose table has more.
    #[sql_name = "user"]
    account (id) {
        id -> Uuid,
        deleted_at -> Nullable<Timestamptz>,
        identification -> Text,
        email -> Text,
        role -> Text,
        active -> Bool,
        password_hash -> Nullable<Text>,
    }
}

diesel::table! {
    signing_key (kid) {
        kid -> Text,
        private_key_sealed -> Binary,
        public_jwk -> Jsonb,
        created_at -> Timestamptz,
        not_before -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    refresh_family (id) {
        id -> Uuid,
        user_id -> Uuid,
        credential_mark -> Binary,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        revoked_reason -> Nullable<Text>,
    }
}

diesel::table! {
    refresh_token (token_hash) {
        token_hash -> Binary,
        family_id -> Uuid,
        issued_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(refresh_family -> account (user_id));
diesel::joinable!(refresh_token -> refresh_family (family_id));
diesel::allow_tables_to_appear_in_same_query!(account, refresh_family, refresh_token);
