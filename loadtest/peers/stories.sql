-- Gyms that show 25, 100 and 500 stories by 10, 40 and 200 of their 200 members, beside 67 deleted and 667 expired ones each; 18 % of
-- the stories have been seen by each member, and two in three have a picture. A gym is known by how many stories it shows.
CREATE SCHEMA stories;
SET search_path = stories;
SELECT setseed(0.20251122);

CREATE TABLE users (
  id bigint PRIMARY KEY,
  name text NOT NULL,
  avatar_url text NOT NULL
);
CREATE TABLE stories (
  id bigint PRIMARY KEY,
  gym_id bigint NOT NULL,
  user_id bigint NOT NULL REFERENCES users,
  story_type text NOT NULL,
  media_url text,
  caption text NOT NULL,
  view_count integer NOT NULL,
  is_deleted boolean NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE TABLE story_views (
  story_id bigint NOT NULL REFERENCES stories,
  viewer_id bigint NOT NULL,
  viewed_at timestamptz NOT NULL,
  PRIMARY KEY (story_id, viewer_id)
);

INSERT INTO users
SELECT n, (ARRAY['Ana','Luis','Marta','Jorge','Sofia','Pedro','Elena','Andres'])[1 + n % 8] || ' Garcia ' || n,
  'https://media.example/avatars/' || md5(n::text) || '.webp'
FROM generate_series(1, 200) AS n;

INSERT INTO stories
SELECT gym * 10000 + n, gym, 1 + n % CASE WHEN n < gym THEN authors ELSE 200 END,
  CASE WHEN n % 3 = 0 THEN 'text' ELSE 'image' END,
  CASE WHEN n % 3 <> 0 THEN 'https://media.example/stories/' || md5(gym || '-' || n) || '.jpg' END,
  (SELECT string_agg((ARRAY['rutina','pierna','espalda','fuerza','record','nuevo','hoy','clase','yoga','cardio','equipo','meta',
      'reto','dieta','semana','coach'])[1 + floor(random() * 16)::integer], ' ')
    FROM generate_series(1, 3 + (gym + n) % 11)),
  floor(random() * 200)::integer, n >= gym AND n < gym + 67, made_at, made_at, made_at + interval '24 hours'
FROM (SELECT gym, authors, n,
    now() - (1 + random() * 1199 + CASE WHEN n < gym + 67 THEN 0 ELSE 2880 END) * interval '1 minute' AS made_at
  FROM (VALUES (25, 10), (100, 40), (500, 200)) AS shape(gym, authors)
  CROSS JOIN LATERAL generate_series(0, gym + 67 + 667 - 1) AS n) AS made;

INSERT INTO story_views
SELECT stories.id, users.id, now() FROM stories CROSS JOIN users WHERE random() < 0.18;

-- What the list needs; the primary key of the views serves the rest.
CREATE INDEX stories_shown ON stories (gym_id, created_at DESC) WHERE NOT is_deleted;
