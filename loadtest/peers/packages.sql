-- 200,000 packages of 20,000 customers, five minutes apart: 5 % announced, 20 % received, 70 % delivered, 5 % cancelled; 30 % have a file
-- and 10 % two. Announcements that nobody has dealt with stand by themselves, as in the system before.
CREATE SCHEMA packages;
SET search_path = packages;
SELECT setseed(0.20251122);

CREATE TABLE customers (
  id bigint PRIMARY KEY,
  name text NOT NULL,
  phone text NOT NULL,
  email text
);
CREATE TABLE packages (
  id bigint PRIMARY KEY,
  tracking_number text NOT NULL,
  guide_number text NOT NULL,
  customer_id bigint NOT NULL REFERENCES customers,
  package_type text NOT NULL,
  status text NOT NULL,
  position text,
  base_fee integer NOT NULL,
  received_at timestamptz,
  delivered_at timestamptz,
  created_at timestamptz NOT NULL
);
CREATE TABLE file_uploads (
  id bigint PRIMARY KEY,
  package_id bigint NOT NULL REFERENCES packages,
  filename text NOT NULL,
  url text NOT NULL,
  size_bytes bigint NOT NULL
);
CREATE TABLE announcements (
  id bigint PRIMARY KEY,
  customer_name text NOT NULL,
  guide_number text NOT NULL,
  is_processed boolean NOT NULL,
  announced_at timestamptz NOT NULL
);

INSERT INTO customers
SELECT n, (ARRAY['Ana','Luis','Marta','Jorge','Sofia','Pedro','Elena','Andres'])[1 + n % 8] || ' '
    || (ARRAY['Garcia','Lopez','Martinez','Rojas','Perez','Gomez','Diaz'])[1 + n % 7],
  '+573' || lpad(n::text, 9, '0'), CASE WHEN random() < 0.7 THEN 'c' || n || '@example.com' END
FROM generate_series(1, 20000) AS n;

INSERT INTO packages
SELECT n, 'PAP' || lpad(n::text, 9, '0'), 'GUIA' || lpad(n::text, 8, '0'), customer_id,
  CASE WHEN small THEN 'normal' ELSE 'extra' END, status, CASE WHEN has_come THEN 'A' || n % 90 END,
  CASE WHEN small THEN 1500 ELSE 2000 END, CASE WHEN has_come THEN received_at END,
  CASE WHEN status = 'delivered' THEN least(received_at + stays, now()) END, made_at
FROM (SELECT *, status IN ('received', 'delivered') AS has_come, least(made_at + comes_after, now()) AS received_at
  FROM (SELECT n, now() - (200000 - n + random()) * interval '300 seconds' AS made_at, random() < 0.5 AS small,
      1 + floor(random() * 20000)::bigint AS customer_id, (1 + random() * 71) * interval '1 hour' AS comes_after,
      (1 + random() * 399) * interval '1 hour' AS stays,
      (ARRAY['announced', 'received', 'received', 'received', 'received', 'delivered', 'delivered', 'delivered', 'delivered', 'delivered',
        'delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'delivered',
        'cancelled'])[1 + floor(random() * 20)::integer] AS status
    FROM generate_series(1, 200000) AS n) AS chance) AS made;

INSERT INTO file_uploads
SELECT row_number() OVER (), id, 'photo-' || k || '.jpg', '/media/' || id || '/' || k || '/original.jpg',
  20000 + floor(random() * 4000000)::bigint
FROM (SELECT id, random() AS chance FROM packages) AS package CROSS JOIN generate_series(1, 2) AS k
WHERE chance < 0.1 OR (chance < 0.4 AND k = 1);

INSERT INTO announcements
SELECT n, 'Ana Garcia ' || n, 'GUIA9' || lpad(n::text, 7, '0'), n % 20 <> 0, now() - n * interval '1 hour'
FROM generate_series(1, 4000) AS n;

-- Those that the list needs.
CREATE INDEX packages_newest ON packages (created_at DESC, id DESC);
CREATE INDEX files_of_package ON file_uploads (package_id);
CREATE INDEX announcements_open ON announcements (announced_at DESC) WHERE NOT is_processed;
