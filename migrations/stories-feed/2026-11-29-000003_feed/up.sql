-- The position of each gym's feed, and what led to it: what sockets are told, and told again after they were cut.
-- Locks: creates tables only. Size: new tables. Deploy order: before the first stories-feed.

CREATE TABLE feed_clock (
    gym_id uuid PRIMARY KEY REFERENCES gym (id),
    epoch uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq >= 0)
) WITH (fillfactor = 70);
COMMENT ON TABLE feed_clock IS 'The position of a gym''s feed (S-D4). Its row is locked by whoever changes what the feed shows, so that positions rise in the order of commits.';
COMMENT ON COLUMN feed_clock.gym_id IS 'The gym.';
COMMENT ON COLUMN feed_clock.epoch IS 'Another one after a restore: positions of different epochs cannot be compared.';
COMMENT ON COLUMN feed_clock.seq IS 'Rises by one with each event.';

CREATE TABLE feed_event (
    gym_id uuid NOT NULL REFERENCES gym (id),
    seq bigint NOT NULL CHECK (seq > 0),
    action text NOT NULL CHECK (action IN ('prepend_story', 'update_story', 'remove_story', 'reaction_counts', 'refetch')),
    story_id uuid,
    author_id uuid,
    privacy text CHECK (privacy IN ('public', 'followers', 'close_friends', 'private')),
    viewer_id uuid,
    data jsonb NOT NULL,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (gym_id, seq)
);
CREATE INDEX ix_feed_event_occurred_at ON feed_event (occurred_at);
COMMENT ON TABLE feed_event IS 'What changed in a gym''s feed, in order; kept long enough to bring cut sockets up to date.';
COMMENT ON COLUMN feed_event.gym_id IS 'The gym.';
COMMENT ON COLUMN feed_event.seq IS 'Its position.';
COMMENT ON COLUMN feed_event.action IS 'What a client is to do: prepend_story, update_story, remove_story, reaction_counts, or refetch.';
COMMENT ON COLUMN feed_event.story_id IS 'The story it is about.';
COMMENT ON COLUMN feed_event.author_id IS 'Its author: with privacy, what decides who is told.';
COMMENT ON COLUMN feed_event.privacy IS 'Who may see it after the event, beside its author.';
COMMENT ON COLUMN feed_event.viewer_id IS 'Set where it concerns this viewer alone.';
COMMENT ON COLUMN feed_event.data IS 'What is told, without anything that only the author may know.';
COMMENT ON COLUMN feed_event.occurred_at IS 'When.';
