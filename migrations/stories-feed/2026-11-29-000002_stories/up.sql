-- Stories, the media they show, and what viewers do with them.
-- Locks: creates tables only. Size: new tables. Deploy order: before the first stories-feed.

CREATE TABLE media (
    asset_id uuid PRIMARY KEY,
    owner_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('image', 'video')),
    state text NOT NULL CHECK (state IN ('processing', 'ready', 'failed', 'withdrawn')),
    asset_version bigint NOT NULL CHECK (asset_version >= 0),
    is_hidden boolean NOT NULL DEFAULT false,
    width integer CHECK (width > 0),
    height integer CHECK (height > 0),
    duration_ms bigint CHECK (duration_ms >= 0),
    blurhash text,
    thumbhash text,
    dominant_color text,
    renditions jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(renditions) = 'array'),
    error_code text,
    error_text text,
    updated_at timestamptz NOT NULL,
    CHECK ((state = 'failed') = (error_code IS NOT NULL)),
    CHECK ((error_code IS NULL) = (error_text IS NULL))
);
CREATE INDEX ix_media_updated_at ON media (updated_at);
COMMENT ON TABLE media IS 'What upload-ingest has told of its assets: a copy that may lag behind. One that no story and no person shows is forgotten after a day.';
COMMENT ON COLUMN media.asset_id IS 'The asset at upload-ingest.';
COMMENT ON COLUMN media.owner_id IS 'Who uploaded it.';
COMMENT ON COLUMN media.kind IS 'image or video.';
COMMENT ON COLUMN media.state IS 'processing, ready (all renditions there and public), failed, or withdrawn (hidden, made private or deleted).';
COMMENT ON COLUMN media.asset_version IS 'Highest version applied: what is not above it is ignored.';
COMMENT ON COLUMN media.is_hidden IS 'Whether a moderator of upload-ingest keeps it out of sight: its end of processing does not say so again.';
COMMENT ON COLUMN media.width IS 'In pixels, as it is shown.';
COMMENT ON COLUMN media.height IS 'In pixels, as it is shown.';
COMMENT ON COLUMN media.duration_ms IS 'Of a video, in milliseconds.';
COMMENT ON COLUMN media.blurhash IS 'BlurHash of the picture or poster (a hash, no data URI: T5).';
COMMENT ON COLUMN media.thumbhash IS 'ThumbHash of the same, in base64.';
COMMENT ON COLUMN media.dominant_color IS 'Its dominant colour, #rrggbb.';
COMMENT ON COLUMN media.renditions IS 'What was made of it: [{name, format, content_type, url, bytes, width, height}], the smallest first.';
COMMENT ON COLUMN media.error_code IS 'Stable code of what its processing failed of.';
COMMENT ON COLUMN media.error_text IS 'The same for its owner, one sentence.';
COMMENT ON COLUMN media.updated_at IS 'When it was last applied.';

CREATE TABLE story (
    id uuid PRIMARY KEY,
    gym_id uuid NOT NULL REFERENCES gym (id),
    author_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('image', 'video', 'text', 'workout', 'achievement')),
    caption text CHECK (length(caption) BETWEEN 1 AND 500),
    privacy text NOT NULL CHECK (privacy IN ('public', 'followers', 'close_friends', 'private')),
    workout jsonb CHECK (jsonb_typeof(workout) = 'object'),
    asset_id uuid REFERENCES media (asset_id),
    state text NOT NULL CHECK (state IN ('draft', 'processing', 'failed', 'active', 'archived', 'deleted', 'removed')),
    duration_hours integer NOT NULL CHECK (duration_hours BETWEEN 1 AND 48),
    display_secs integer NOT NULL CHECK (display_secs BETWEEN 3 AND 120),
    can_reply boolean NOT NULL DEFAULT true,
    can_react boolean NOT NULL DEFAULT true,
    is_pinned boolean NOT NULL DEFAULT false,
    error_code text,
    error_text text,
    mutation_id text CHECK (length(mutation_id) BETWEEN 1 AND 100),
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    published_at timestamptz,
    expires_at timestamptz,
    ended_at timestamptz,
    CHECK ((kind IN ('image', 'video')) = (asset_id IS NOT NULL)),
    CHECK ((kind IN ('workout', 'achievement')) = (workout IS NOT NULL)),
    CHECK (kind <> 'text' OR caption IS NOT NULL),
    CHECK ((state = 'failed') = (error_code IS NOT NULL)),
    CHECK ((error_code IS NULL) = (error_text IS NULL)),
    CHECK ((published_at IS NULL) = (expires_at IS NULL)),
    CHECK (state NOT IN ('active', 'archived') OR published_at IS NOT NULL),
    CHECK ((state IN ('archived', 'deleted', 'removed')) = (ended_at IS NOT NULL))
);
CREATE INDEX ix_story_gym_expires_at ON story (gym_id, expires_at) WHERE state = 'active';
CREATE INDEX ix_story_author_created_at ON story (author_id, created_at);
CREATE INDEX ix_story_asset_id ON story (asset_id) WHERE asset_id IS NOT NULL;
CREATE INDEX ix_story_ended_at ON story (ended_at) WHERE ended_at IS NOT NULL;
COMMENT ON TABLE story IS 'Stories. One is shown while it is active and its expiry lies ahead: nothing has to run for it to vanish.';
COMMENT ON COLUMN story.id IS 'UUID version 7.';
COMMENT ON COLUMN story.gym_id IS 'The gym it is shown in.';
COMMENT ON COLUMN story.author_id IS 'Who posted it.';
COMMENT ON COLUMN story.kind IS 'image, video, text, workout or achievement.';
COMMENT ON COLUMN story.caption IS 'What the author says; of a text story, all of it.';
COMMENT ON COLUMN story.privacy IS 'Who sees it beside the author: public (all members), followers, close_friends, private (nobody).';
COMMENT ON COLUMN story.workout IS 'Of a workout or an achievement: {exercise, value, unit, sets, reps}.';
COMMENT ON COLUMN story.asset_id IS 'Of an image or video: what it shows.';
COMMENT ON COLUMN story.state IS 'draft, processing (media), failed (media), active, archived (after expiry, for the author), deleted (by the author), removed (by a moderator).';
COMMENT ON COLUMN story.duration_hours IS 'How long it is shown once published.';
COMMENT ON COLUMN story.display_secs IS 'How long a viewer shows it before the next.';
COMMENT ON COLUMN story.can_reply IS 'Whether viewers may reply.';
COMMENT ON COLUMN story.can_react IS 'Whether viewers may react.';
COMMENT ON COLUMN story.is_pinned IS 'Shown before the author''s others.';
COMMENT ON COLUMN story.error_code IS 'Stable code of what it failed of.';
COMMENT ON COLUMN story.error_text IS 'The same for its author, one sentence.';
COMMENT ON COLUMN story.mutation_id IS 'The client''s name for the request that made it: lets it recognise its own echo.';
COMMENT ON COLUMN story.version IS 'Rises with each change; its entity tag.';
COMMENT ON COLUMN story.created_at IS 'When it was posted.';
COMMENT ON COLUMN story.updated_at IS 'When it last changed.';
COMMENT ON COLUMN story.published_at IS 'Since when it is shown.';
COMMENT ON COLUMN story.expires_at IS 'From this instant on it is shown to nobody but its author.';
COMMENT ON COLUMN story.ended_at IS 'When it was archived, deleted or removed.';

CREATE TABLE story_count (
    story_id uuid PRIMARY KEY REFERENCES story (id) ON DELETE CASCADE,
    views integer NOT NULL DEFAULT 0 CHECK (views >= 0),
    replies integer NOT NULL DEFAULT 0 CHECK (replies >= 0),
    reactions jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(reactions) = 'object')
) WITH (fillfactor = 70);
COMMENT ON TABLE story_count IS 'What is counted of a story, apart from it because it changes so much more often.';
COMMENT ON COLUMN story_count.story_id IS 'The story.';
COMMENT ON COLUMN story_count.views IS 'Viewers other than the author.';
COMMENT ON COLUMN story_count.replies IS 'Replies.';
COMMENT ON COLUMN story_count.reactions IS 'Reactions by emoji, those above zero.';

CREATE TABLE story_view (
    story_id uuid NOT NULL REFERENCES story (id) ON DELETE CASCADE,
    viewer_id uuid NOT NULL,
    gym_id uuid NOT NULL,
    first_seen_at timestamptz NOT NULL,
    max_watch_ms integer NOT NULL CHECK (max_watch_ms >= 0),
    device text CHECK (length(device) BETWEEN 1 AND 40),
    merged_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (story_id, viewer_id)
);
CREATE INDEX ix_story_view_viewer_gym ON story_view (viewer_id, gym_id, first_seen_at);
COMMENT ON TABLE story_view IS 'Who has seen what: a set that merges in any order (S-D3).';
COMMENT ON COLUMN story_view.story_id IS 'The story.';
COMMENT ON COLUMN story_view.viewer_id IS 'Who saw it; never its author.';
COMMENT ON COLUMN story_view.gym_id IS 'Its gym, again, for the seen set of one viewer in one gym.';
COMMENT ON COLUMN story_view.first_seen_at IS 'The earliest time of all that was reported.';
COMMENT ON COLUMN story_view.max_watch_ms IS 'The longest time of all that was reported.';
COMMENT ON COLUMN story_view.device IS 'Device of the earliest; of equals, the first by name.';
COMMENT ON COLUMN story_view.merged_at IS 'When it was first heard of here: pages of a feed keep the order they had before.';

CREATE TABLE story_reaction (
    story_id uuid NOT NULL REFERENCES story (id) ON DELETE CASCADE,
    user_id uuid NOT NULL,
    gym_id uuid NOT NULL,
    emoji text NOT NULL CHECK (length(emoji) BETWEEN 1 AND 16),
    message text CHECK (length(message) BETWEEN 1 AND 500),
    reacted_at timestamptz NOT NULL,
    PRIMARY KEY (story_id, user_id)
);
CREATE INDEX ix_story_reaction_user_gym ON story_reaction (user_id, gym_id);
COMMENT ON TABLE story_reaction IS 'One reaction of a viewer to a story; another one replaces it.';
COMMENT ON COLUMN story_reaction.story_id IS 'The story.';
COMMENT ON COLUMN story_reaction.user_id IS 'Who reacts.';
COMMENT ON COLUMN story_reaction.gym_id IS 'Its gym, again, for the reactions of one viewer in one gym.';
COMMENT ON COLUMN story_reaction.emoji IS 'One of the gym''s.';
COMMENT ON COLUMN story_reaction.message IS 'For the author alone.';
COMMENT ON COLUMN story_reaction.reacted_at IS 'When.';

CREATE TABLE story_reply (
    id uuid PRIMARY KEY,
    story_id uuid NOT NULL REFERENCES story (id) ON DELETE CASCADE,
    author_id uuid NOT NULL,
    message text NOT NULL CHECK (length(message) BETWEEN 1 AND 500),
    created_at timestamptz NOT NULL
);
CREATE INDEX ix_story_reply_story_id ON story_reply (story_id, id);
COMMENT ON TABLE story_reply IS 'Replies, seen by the story''s author and by who wrote them.';
COMMENT ON COLUMN story_reply.id IS 'UUID version 7.';
COMMENT ON COLUMN story_reply.story_id IS 'The story.';
COMMENT ON COLUMN story_reply.author_id IS 'Who replies.';
COMMENT ON COLUMN story_reply.message IS 'What.';
COMMENT ON COLUMN story_reply.created_at IS 'When.';

CREATE TABLE story_report (
    story_id uuid NOT NULL REFERENCES story (id) ON DELETE CASCADE,
    reporter_id uuid NOT NULL,
    gym_id uuid NOT NULL,
    reason text NOT NULL CHECK (reason IN ('spam', 'inappropriate', 'harassment', 'violence', 'false_information', 'other')),
    message text CHECK (length(message) BETWEEN 1 AND 500),
    created_at timestamptz NOT NULL,
    decision text CHECK (decision IN ('dismissed', 'removed')),
    decided_by uuid,
    decided_at timestamptz,
    PRIMARY KEY (story_id, reporter_id),
    CHECK ((decision IS NULL) = (decided_by IS NULL)),
    CHECK ((decision IS NULL) = (decided_at IS NULL))
);
CREATE INDEX ix_story_report_open ON story_report (gym_id, created_at, story_id, reporter_id) WHERE decision IS NULL;
COMMENT ON TABLE story_report IS 'Reports of stories to the moderators of their gym: one for each member and story.';
COMMENT ON COLUMN story_report.story_id IS 'The story.';
COMMENT ON COLUMN story_report.reporter_id IS 'Who reports it.';
COMMENT ON COLUMN story_report.gym_id IS 'Its gym, again, for the moderators'' list.';
COMMENT ON COLUMN story_report.reason IS 'Why.';
COMMENT ON COLUMN story_report.message IS 'In the reporter''s words.';
COMMENT ON COLUMN story_report.created_at IS 'When.';
COMMENT ON COLUMN story_report.decision IS 'dismissed, or removed (the story).';
COMMENT ON COLUMN story_report.decided_by IS 'The moderator.';
COMMENT ON COLUMN story_report.decided_at IS 'When.';

CREATE TABLE highlight (
    id uuid PRIMARY KEY,
    gym_id uuid NOT NULL REFERENCES gym (id),
    owner_id uuid NOT NULL,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 50),
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ix_highlight_owner ON highlight (gym_id, owner_id, id);
COMMENT ON TABLE highlight IS 'Stories that their author shows beyond their expiry.';
COMMENT ON COLUMN highlight.id IS 'UUID version 7.';
COMMENT ON COLUMN highlight.gym_id IS 'The gym it is shown in.';
COMMENT ON COLUMN highlight.owner_id IS 'Whose stories.';
COMMENT ON COLUMN highlight.title IS 'As its owner calls it.';
COMMENT ON COLUMN highlight.version IS 'Rises with each change; its entity tag.';
COMMENT ON COLUMN highlight.created_at IS 'When it was made.';
COMMENT ON COLUMN highlight.updated_at IS 'When it last changed.';

CREATE TABLE highlight_item (
    highlight_id uuid NOT NULL REFERENCES highlight (id) ON DELETE CASCADE,
    story_id uuid NOT NULL REFERENCES story (id) ON DELETE CASCADE,
    position integer NOT NULL CHECK (position >= 0),
    PRIMARY KEY (highlight_id, story_id)
);
CREATE INDEX ix_highlight_item_story_id ON highlight_item (story_id);
COMMENT ON TABLE highlight_item IS 'What a highlight shows; a story keeps its audience in it, and its row while it is in one.';
COMMENT ON COLUMN highlight_item.highlight_id IS 'The highlight.';
COMMENT ON COLUMN highlight_item.story_id IS 'The story, of the same owner and gym.';
COMMENT ON COLUMN highlight_item.position IS 'Its place, from 0.';
