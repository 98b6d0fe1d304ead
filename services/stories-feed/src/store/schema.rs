//! The tables as diesel sees them; a test holds them against the database.

diesel::table! {
    gym (id) {
        id -> Uuid,
        name -> Text,
        emojis -> Array<Text>,
        max_stories_per_day -> Integer,
        archive_days -> Integer,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    person (id) {
        id -> Uuid,
        name -> Text,
        is_active -> Bool,
        avatar_asset_id -> Nullable<Uuid>,
        catalog_version -> BigInt,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    member (gym_id, user_id) {
        gym_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
        joined_at -> Timestamptz,
    }
}

diesel::table! {
    follow (follower_id, followee_id) {
        follower_id -> Uuid,
        followee_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    close_friend (owner_id, friend_id) {
        owner_id -> Uuid,
        friend_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    block (blocker_id, blocked_id) {
        blocker_id -> Uuid,
        blocked_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    media (asset_id) {
        asset_id -> Uuid,
        owner_id -> Uuid,
        kind -> Text,
        state -> Text,
        asset_version -> BigInt,
        is_hidden -> Bool,
        width -> Nullable<Integer>,
        height -> Nullable<Integer>,
        duration_ms -> Nullable<BigInt>,
        blurhash -> Nullable<Text>,
        thumbhash -> Nullable<Text>,
        dominant_color -> Nullable<Text>,
        renditions -> Jsonb,
        error_code -> Nullable<Text>,
        error_text -> Nullable<Text>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    story (id) {
        id -> Uuid,
        gym_id -> Uuid,
        author_id -> Uuid,
        kind -> Text,
        caption -> Nullable<Text>,
        privacy -> Text,
        workout -> Nullable<Jsonb>,
        asset_id -> Nullable<Uuid>,
        state -> Text,
        duration_hours -> Integer,
        display_secs -> Integer,
        can_reply -> Bool,
        can_react -> Bool,
        is_pinned -> Bool,
        error_code -> Nullable<Text>,
        error_text -> Nullable<Text>,
        mutation_id -> Nullable<Text>,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        published_at -> Nullable<Timestamptz>,
        expires_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    story_count (story_id) {
        story_id -> Uuid,
        views -> Integer,
        replies -> Integer,
        reactions -> Jsonb,
    }
}

diesel::table! {
    story_view (story_id, viewer_id) {
        story_id -> Uuid,
        viewer_id -> Uuid,
        gym_id -> Uuid,
        first_seen_at -> Timestamptz,
        max_watch_ms -> Integer,
        device -> Nullable<Text>,
        merged_at -> Timestamptz,
    }
}

diesel::table! {
    story_reaction (story_id, user_id) {
        story_id -> Uuid,
        user_id -> Uuid,
        gym_id -> Uuid,
        emoji -> Text,
        message -> Nullable<Text>,
        reacted_at -> Timestamptz,
    }
}

diesel::table! {
    story_reply (id) {
        id -> Uuid,
        story_id -> Uuid,
        author_id -> Uuid,
        message -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    story_report (story_id, reporter_id) {
        story_id -> Uuid,
        reporter_id -> Uuid,
        gym_id -> Uuid,
        reason -> Text,
        message -> Nullable<Text>,
        created_at -> Timestamptz,
        decision -> Nullable<Text>,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    highlight (id) {
        id -> Uuid,
        gym_id -> Uuid,
        owner_id -> Uuid,
        title -> Text,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    highlight_item (highlight_id, story_id) {
        highlight_id -> Uuid,
        story_id -> Uuid,
        position -> Integer,
    }
}

diesel::table! {
    feed_clock (gym_id) {
        gym_id -> Uuid,
        epoch -> Uuid,
        seq -> BigInt,
    }
}

diesel::table! {
    feed_event (gym_id, seq) {
        gym_id -> Uuid,
        seq -> BigInt,
        action -> Text,
        story_id -> Nullable<Uuid>,
        author_id -> Nullable<Uuid>,
        privacy -> Nullable<Text>,
        viewer_id -> Nullable<Uuid>,
        data -> Jsonb,
        occurred_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    gym,
    person,
    member,
    follow,
    close_friend,
    block,
    media,
    story,
    story_count,
    story_view,
    story_reaction,
    story_reply,
    story_report,
    highlight,
    highlight_item,
    feed_clock,
    feed_event,
);
