-- Gyms, their members, what is known of people, and how people stand to each other.
-- Locks: creates tables only. Size: new tables. Deploy order: before the first stories-feed.

CREATE TABLE gym (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    emojis text[] NOT NULL CHECK (cardinality(emojis) BETWEEN 1 AND 10),
    max_stories_per_day integer NOT NULL DEFAULT 100 CHECK (max_stories_per_day BETWEEN 1 AND 1000),
    archive_days integer NOT NULL DEFAULT 30 CHECK (archive_days BETWEEN 1 AND 3650),
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
COMMENT ON TABLE gym IS 'A gym: the tenant of everything else.';
COMMENT ON COLUMN gym.id IS 'UUID version 7.';
COMMENT ON COLUMN gym.name IS 'As its members call it.';
COMMENT ON COLUMN gym.emojis IS 'What stories may be reacted with.';
COMMENT ON COLUMN gym.max_stories_per_day IS 'Stories that a member may post in 24 hours.';
COMMENT ON COLUMN gym.archive_days IS 'How long authors keep their expired stories; those in a highlight are kept.';
COMMENT ON COLUMN gym.version IS 'Rises with each change; its entity tag.';
COMMENT ON COLUMN gym.created_at IS 'When it was opened.';
COMMENT ON COLUMN gym.updated_at IS 'When it last changed.';

CREATE TABLE person (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    is_active boolean NOT NULL,
    avatar_asset_id uuid,
    catalog_version bigint NOT NULL CHECK (catalog_version >= 0),
    updated_at timestamptz NOT NULL
);
COMMENT ON TABLE person IS 'What the catalog has told of its users: a copy that may lag behind.';
COMMENT ON COLUMN person.id IS 'The catalog''s id of the user, or one derived from issuer and subject.';
COMMENT ON COLUMN person.name IS 'Full name.';
COMMENT ON COLUMN person.is_active IS 'Whether the person may sign in; stories of one that may not are not shown.';
COMMENT ON COLUMN person.avatar_asset_id IS 'A public picture of the person''s own (media), if one was chosen here.';
COMMENT ON COLUMN person.catalog_version IS 'Highest version applied: what is not above it is ignored.';
COMMENT ON COLUMN person.updated_at IS 'When it was last applied.';

CREATE TABLE member (
    gym_id uuid NOT NULL REFERENCES gym (id),
    user_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('member', 'trainer', 'moderator', 'owner')),
    joined_at timestamptz NOT NULL,
    PRIMARY KEY (gym_id, user_id)
);
CREATE INDEX ix_member_user_id ON member (user_id);
COMMENT ON TABLE member IS 'Who belongs to a gym, and as what. A person need not be known yet: the catalog may tell later.';
COMMENT ON COLUMN member.gym_id IS 'The gym.';
COMMENT ON COLUMN member.user_id IS 'The person.';
COMMENT ON COLUMN member.role IS 'member, trainer, moderator (judges stories), or owner (decides on members and policy).';
COMMENT ON COLUMN member.joined_at IS 'Since when.';

CREATE TABLE follow (
    follower_id uuid NOT NULL,
    followee_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (follower_id, followee_id),
    CHECK (follower_id <> followee_id)
);
CREATE INDEX ix_follow_followee_id ON follow (followee_id);
COMMENT ON TABLE follow IS 'Who follows whom.';
COMMENT ON COLUMN follow.follower_id IS 'Who follows.';
COMMENT ON COLUMN follow.followee_id IS 'Who is followed.';
COMMENT ON COLUMN follow.created_at IS 'Since when.';

CREATE TABLE close_friend (
    owner_id uuid NOT NULL,
    friend_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (owner_id, friend_id),
    CHECK (owner_id <> friend_id)
);
CREATE INDEX ix_close_friend_friend_id ON close_friend (friend_id);
COMMENT ON TABLE close_friend IS 'Who counts whom among the close friends; the other is not told.';
COMMENT ON COLUMN close_friend.owner_id IS 'Whose list.';
COMMENT ON COLUMN close_friend.friend_id IS 'Who is on it.';
COMMENT ON COLUMN close_friend.created_at IS 'Since when.';

CREATE TABLE block (
    blocker_id uuid NOT NULL,
    blocked_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (blocker_id, blocked_id),
    CHECK (blocker_id <> blocked_id)
);
CREATE INDEX ix_block_blocked_id ON block (blocked_id);
COMMENT ON TABLE block IS 'Who has blocked whom: neither sees the other''s stories, whatever else there is between them.';
COMMENT ON COLUMN block.blocker_id IS 'Who blocks.';
COMMENT ON COLUMN block.blocked_id IS 'Who is blocked.';
COMMENT ON COLUMN block.created_at IS 'Since when.';
