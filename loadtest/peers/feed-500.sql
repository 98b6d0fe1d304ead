-- The least that the feed of 500 stories needs: stories, authors, and what one viewer has seen, in one statement.
\set viewer random(1, 200)
SELECT s.id, s.story_type, s.media_url, s.caption, s.view_count, s.created_at, s.expires_at, u.id, u.name, u.avatar_url,
  v.story_id IS NOT NULL AS has_viewed
FROM stories.stories s
JOIN stories.users u ON u.id = s.user_id
LEFT JOIN stories.story_views v ON v.story_id = s.id AND v.viewer_id = :viewer
WHERE s.gym_id = 500 AND NOT s.is_deleted AND s.expires_at > now()
ORDER BY s.created_at DESC
LIMIT 500;
