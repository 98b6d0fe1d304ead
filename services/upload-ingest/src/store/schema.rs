//! The tables as diesel sees them; a test holds them against the database.

diesel::table! {
    asset (id) {
        id -> Uuid,
        owner -> Text,
        kind -> Text,
        title -> Nullable<Text>,
        status -> Text,
        visibility -> Text,
        content_type -> Text,
        bytes -> BigInt,
        sha256 -> Binary,
        duration_ms -> Nullable<BigInt>,
        width -> Nullable<Integer>,
        height -> Nullable<Integer>,
        codec -> Nullable<Text>,
        blurhash -> Nullable<Text>,
        thumbhash -> Nullable<Binary>,
        dominant_color -> Nullable<Text>,
        error_code -> Nullable<Text>,
        error_text -> Nullable<Text>,
        correlation_id -> Uuid,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        hidden_at -> Nullable<Timestamptz>,
        hidden_by -> Nullable<Text>,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    storage_object (key) {
        key -> Text,
        backend -> Text,
        asset_id -> Uuid,
        bytes -> BigInt,
        sha256 -> Binary,
        state -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    rendition (id) {
        id -> Uuid,
        asset_id -> Uuid,
        name -> Text,
        format -> Text,
        content_type -> Text,
        object_key -> Text,
        digest -> Text,
        bytes -> BigInt,
        width -> Nullable<Integer>,
        height -> Nullable<Integer>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    owner_usage (owner) {
        owner -> Text,
        bytes -> BigInt,
        assets -> BigInt,
    }
}

diesel::table! {
    upload (id) {
        id -> Uuid,
        owner -> Text,
        kind -> Nullable<Text>,
        dialect -> Text,
        concat -> Nullable<Text>,
        concat_parts -> Nullable<Array<Uuid>>,
        title -> Nullable<Text>,
        visibility -> Text,
        metadata -> Nullable<Text>,
        declared_bytes -> Nullable<BigInt>,
        durable_bytes -> BigInt,
        expected_sha256 -> Nullable<Binary>,
        inspection -> Nullable<Jsonb>,
        storage -> Nullable<Jsonb>,
        epoch -> BigInt,
        holder -> Nullable<Text>,
        lease_until -> Nullable<Timestamptz>,
        state -> Text,
        error_code -> Nullable<Text>,
        error_text -> Nullable<Text>,
        asset_id -> Nullable<Uuid>,
        correlation_id -> Uuid,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    job (id) {
        id -> Uuid,
        asset_id -> Uuid,
        kind -> Text,
        position -> SmallInt,
        required -> Bool,
        state -> Text,
        attempt -> Integer,
        max_attempts -> Integer,
        epoch -> BigInt,
        worker -> Nullable<Text>,
        lease_until -> Nullable<Timestamptz>,
        not_before -> Nullable<Timestamptz>,
        progress -> Float,
        error_code -> Nullable<Text>,
        error_text -> Nullable<Text>,
        created_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        heartbeat_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    job_attempt (job_id, epoch) {
        job_id -> Uuid,
        epoch -> BigInt,
        attempt -> Integer,
        worker -> Text,
        started_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
        error_code -> Nullable<Text>,
        error_text -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    asset,
    storage_object,
    rendition,
    owner_usage,
    upload,
    job,
    job_attempt
);
