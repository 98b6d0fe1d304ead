//! The tables of the database, as the migrations make them; a test compares both.

diesel::table! {
    customer (id) {
        id -> Uuid,
        user_id -> Nullable<Uuid>,
        name -> Text,
        search_name -> Text,
        phone -> Text,
        email -> Nullable<Text>,
        document_type -> Nullable<Text>,
        document_number -> Nullable<Text>,
        building -> Nullable<Text>,
        tower -> Nullable<Text>,
        apartment -> Nullable<Text>,
        language -> Text,
        by_sms -> Bool,
        by_email -> Bool,
        by_whatsapp -> Bool,
        by_push -> Bool,
        is_active -> Bool,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    operator (user_id) {
        user_id -> Uuid,
        role -> Text,
        name -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    tariff (id) {
        id -> Uuid,
        version -> Integer,
        currency -> Text,
        valid_from -> Timestamptz,
        notice_days -> Integer,
        free_hours -> Integer,
        reminder_days -> Array<Integer>,
        max_hold_days -> Integer,
        abandon_days -> Integer,
        min_sms -> Integer,
        min_calls -> Integer,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    tariff_line (tariff_id, size_class) {
        tariff_id -> Uuid,
        size_class -> Text,
        base_minor -> BigInt,
        included_hours -> Integer,
        period_hours -> Integer,
        rate_minor -> BigInt,
        cap_minor -> BigInt,
        rounding -> Text,
    }
}

diesel::table! {
    slot (id) {
        id -> Uuid,
        code -> Text,
        size_class -> Text,
        status -> Text,
        blocked_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    announcement (id) {
        id -> Uuid,
        customer_id -> Uuid,
        name -> Text,
        phone -> Text,
        carrier -> Nullable<Text>,
        guide_number -> Text,
        expected_at -> Nullable<Timestamptz>,
        tracking_code -> Text,
        tariff_id -> Uuid,
        status -> Text,
        expires_at -> Timestamptz,
        announced_by -> Uuid,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    package (id) {
        id -> Uuid,
        tracking_no -> Text,
        carrier -> Nullable<Text>,
        guide_number -> Nullable<Text>,
        customer_id -> Nullable<Uuid>,
        announcement_id -> Nullable<Uuid>,
        size_class -> Nullable<Text>,
        weight_g -> Nullable<Integer>,
        length_mm -> Nullable<Integer>,
        width_mm -> Nullable<Integer>,
        height_mm -> Nullable<Integer>,
        condition -> Nullable<Text>,
        status -> Text,
        slot_id -> Nullable<Uuid>,
        tariff_id -> Uuid,
        announced_at -> Nullable<Timestamptz>,
        received_at -> Nullable<Timestamptz>,
        stored_at -> Nullable<Timestamptz>,
        notified_at -> Nullable<Timestamptz>,
        stopped_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        free_until -> Nullable<Timestamptz>,
        hold_until -> Nullable<Timestamptz>,
        abandon_at -> Nullable<Timestamptz>,
        total_minor -> Nullable<BigInt>,
        paid_minor -> BigInt,
        waived_minor -> BigInt,
        event_count -> Integer,
        head_hash -> Nullable<Bytea>,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    package_event (package_id, seq) {
        package_id -> Uuid,
        seq -> Integer,
        kind -> Text,
        from_status -> Nullable<Text>,
        to_status -> Text,
        actor_id -> Nullable<Uuid>,
        actor_role -> Text,
        occurred_at -> Timestamptz,
        data -> Jsonb,
        digests -> Array<Bytea>,
        prev_hash -> Bytea,
        hash -> Bytea,
    }
}

diesel::table! {
    file_upload (id) {
        id -> Uuid,
        package_id -> Uuid,
        kind -> Text,
        asset_id -> Uuid,
        sha256 -> Bytea,
        content_type -> Text,
        size_bytes -> BigInt,
        url -> Text,
        event_seq -> Integer,
        retain_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    pickup_code (package_id) {
        package_id -> Uuid,
        customer_id -> Uuid,
        nonce -> Bytea,
        wrong_guesses -> Integer,
        locked_at -> Nullable<Timestamptz>,
        used_at -> Nullable<Timestamptz>,
        issued_at -> Timestamptz,
    }
}

diesel::table! {
    wrong_guess (customer_id, guessed_at, id) {
        customer_id -> Uuid,
        guessed_at -> Timestamptz,
        id -> Uuid,
    }
}

diesel::table! {
    ledger_account (id) {
        id -> Uuid,
        code -> Text,
        kind -> Text,
        currency -> Text,
        debits_minor -> BigInt,
        credits_minor -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    ledger_transfer (id) {
        id -> Uuid,
        debit_account_id -> Uuid,
        credit_account_id -> Uuid,
        amount_minor -> BigInt,
        currency -> Text,
        code -> Text,
        package_id -> Nullable<Uuid>,
        corrects_id -> Nullable<Uuid>,
        reason -> Nullable<Text>,
        idempotency_id -> Text,
        actor_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    payment (id) {
        id -> Uuid,
        package_id -> Uuid,
        customer_id -> Nullable<Uuid>,
        method -> Text,
        amount_minor -> BigInt,
        refunded_minor -> BigInt,
        currency -> Text,
        receipt_no -> BigInt,
        reference -> Nullable<Text>,
        received_by -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    waiver (id) {
        id -> Uuid,
        package_id -> Uuid,
        amount_minor -> BigInt,
        reason -> Text,
        granted_by -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    receipt (package_id) {
        package_id -> Uuid,
        body -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    deadline (package_id, kind, ordinal) {
        package_id -> Uuid,
        kind -> Text,
        ordinal -> Integer,
        due_at -> Timestamptz,
        fired_at -> Nullable<Timestamptz>,
        cancelled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    notification (id) {
        id -> Uuid,
        package_id -> Nullable<Uuid>,
        customer_id -> Nullable<Uuid>,
        channel -> Text,
        template -> Text,
        language -> Text,
        recipient -> Text,
        data -> Jsonb,
        status -> Text,
        attempts -> Integer,
        next_attempt_at -> Nullable<Timestamptz>,
        provider_id -> Nullable<Text>,
        cost_minor -> Nullable<BigInt>,
        error_code -> Nullable<Text>,
        created_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        sent_at -> Nullable<Timestamptz>,
        delivered_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    claim (id) {
        id -> Uuid,
        package_id -> Uuid,
        kind -> Text,
        status -> Text,
        description -> Text,
        answer -> Nullable<Text>,
        liability_minor -> BigInt,
        currency -> Text,
        opened_by -> Uuid,
        answer_due_at -> Timestamptz,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    announcement,
    claim,
    customer,
    deadline,
    file_upload,
    ledger_account,
    ledger_transfer,
    notification,
    operator,
    package,
    package_event,
    payment,
    pickup_code,
    receipt,
    slot,
    tariff,
    tariff_line,
    waiver,
    wrong_guess,
);
