CREATE EXTENSION pg_trgm;
CREATE TABLE number (value bigint PRIMARY KEY, name text NOT NULL);
CREATE INDEX number_name ON number USING gin (name gin_trgm_ops);
