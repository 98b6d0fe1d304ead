-- A small herd: 5,000 animals of 50 breeds.
CREATE SCHEMA catalog;
SET search_path = catalog;
SELECT setseed(0.20251122);

CREATE TABLE breeds (
  id bigint PRIMARY KEY,
  name text NOT NULL
);
CREATE TABLE animals (
  id bigint PRIMARY KEY,
  breed_id bigint NOT NULL REFERENCES breeds,
  tag text NOT NULL,
  name text NOT NULL,
  sex text NOT NULL,
  born_on date NOT NULL,
  weight_kg numeric(6, 1) NOT NULL,
  status text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

INSERT INTO breeds SELECT n, 'Breed ' || n FROM generate_series(1, 50) AS n;

INSERT INTO animals
SELECT n, 1 + n % 50, 'CO' || lpad(n::text, 10, '0'), (ARRAY['Luna','Estrella','Canela','Paloma','Negra','Trueno'])[1 + n % 6] || ' ' || n,
  CASE WHEN random() < 0.8 THEN 'female' ELSE 'male' END, current_date - floor(random() * 3000)::integer,
  round((80 + random() * 600)::numeric, 1), 'active', made_at, made_at
FROM (SELECT n, now() - n * interval '1 hour' AS made_at FROM generate_series(1, 5000) AS n) AS made;

CREATE INDEX ix_animals_updated_at ON animals (updated_at);
CREATE INDEX ix_animals_created_at ON animals (created_at);
