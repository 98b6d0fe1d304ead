-- The models' tables and what every write keeps beside them.
-- Locks: creates tables only. Size: new tables. Deploy order: before the first start of the service.
-- The part below "models" is what `catalog ddl MODEL` prints for each declared model.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE model_clock (
    model text PRIMARY KEY,
    epoch bigint NOT NULL DEFAULT floor(random() * 9007199254740991),
    version bigint NOT NULL DEFAULT 0,
    live_count bigint NOT NULL DEFAULT 0 CHECK (live_count >= 0),
    deleted_count bigint NOT NULL DEFAULT 0,
    purged_version bigint NOT NULL DEFAULT 0,
    purged_before timestamptz NOT NULL DEFAULT 'epoch',
    digest bytea NOT NULL DEFAULT '' CHECK (octet_length(digest) IN (0, 32)),
    last_modified timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE model_clock IS 'One row a model. A writer locks it first and holds it to its commit, so positions become visible in their order.';
COMMENT ON COLUMN model_clock.model IS 'Name of the model.';
COMMENT ON COLUMN model_clock.epoch IS 'Names this history. Set a new one after a restore from a backup: older sync tokens then end in 410.';
COMMENT ON COLUMN model_clock.version IS 'Position of the latest change.';
COMMENT ON COLUMN model_clock.live_count IS 'Records that are not deleted.';
COMMENT ON COLUMN model_clock.deleted_count IS 'Tombstones that are kept.';
COMMENT ON COLUMN model_clock.purged_version IS 'Every tombstone up to this position may be gone.';
COMMENT ON COLUMN model_clock.purged_before IS 'Every tombstone set before this instant may be gone.';
COMMENT ON COLUMN model_clock.digest IS 'Sum of the hashes of the live (id, version) pairs; empty for the empty set.';
COMMENT ON COLUMN model_clock.last_modified IS 'When the latest change was made.';

CREATE TABLE digest_leaf (
    model text NOT NULL REFERENCES model_clock (model),
    bucket smallint NOT NULL CHECK (bucket BETWEEN 0 AND 4095),
    live_count bigint NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    PRIMARY KEY (model, bucket)
);
COMMENT ON TABLE digest_leaf IS 'The digest in 4096 parts, by the hash of the id: a client finds where its copy differs.';
COMMENT ON COLUMN digest_leaf.model IS 'Name of the model.';
COMMENT ON COLUMN digest_leaf.bucket IS 'First twelve bits of the BLAKE3 hash of the id.';
COMMENT ON COLUMN digest_leaf.live_count IS 'Live records of the part.';
COMMENT ON COLUMN digest_leaf.digest IS 'Sum of the hashes of their (id, version) pairs.';

CREATE TABLE model_facet (
    model text NOT NULL REFERENCES model_clock (model),
    field text NOT NULL,
    value text NOT NULL,
    live_count bigint NOT NULL,
    PRIMARY KEY (model, field, value)
);
COMMENT ON TABLE model_facet IS 'How many live records have each value of the counted fields.';
COMMENT ON COLUMN model_facet.model IS 'Name of the model.';
COMMENT ON COLUMN model_facet.field IS 'Name of the field.';
COMMENT ON COLUMN model_facet.value IS 'The value as text.';
COMMENT ON COLUMN model_facet.live_count IS 'Live records with that value.';

CREATE TABLE change_log (
    model text NOT NULL REFERENCES model_clock (model),
    version bigint NOT NULL,
    record_id uuid NOT NULL,
    change text NOT NULL CHECK (change IN ('created', 'updated', 'deleted', 'restored')),
    actor text NOT NULL,
    mutation_id text,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (model, version)
);
CREATE INDEX ix_change_log_record_id ON change_log (record_id, version);
COMMENT ON TABLE change_log IS 'Who changed what and when; rows are only added.';
COMMENT ON COLUMN change_log.model IS 'Name of the model.';
COMMENT ON COLUMN change_log.version IS 'Position of the change.';
COMMENT ON COLUMN change_log.record_id IS 'The record changed.';
COMMENT ON COLUMN change_log.change IS 'What happened.';
COMMENT ON COLUMN change_log.actor IS 'Subject of the principal.';
COMMENT ON COLUMN change_log.mutation_id IS 'The mark that the client gave to the change.';
COMMENT ON COLUMN change_log.changed_at IS 'When it happened.';

-- models

CREATE TABLE "species" (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    mutation_id text,
    digest_bucket smallint NOT NULL,
    "name" text NOT NULL CHECK (char_length("name") <= 80),
    "breeding_age_days" bigint NOT NULL CHECK ("breeding_age_days" BETWEEN 1 AND 5000),
    search_text text NOT NULL GENERATED ALWAYS AS (lower(coalesce("name", ''))) STORED
);
CREATE UNIQUE INDEX uq_species_version ON "species" (version);
CREATE INDEX ix_species_created_at ON "species" (created_at, id);
CREATE INDEX ix_species_updated_at ON "species" (updated_at, id);
CREATE INDEX ix_species_deleted_at ON "species" (deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX ix_species_digest_bucket ON "species" (digest_bucket, id);
CREATE UNIQUE INDEX uq_species_name ON "species" ("name") WHERE deleted_at IS NULL;
CREATE INDEX ix_species_name ON "species" ("name", id);
CREATE INDEX ix_species_search ON "species" USING gin (search_text gin_trgm_ops);
COMMENT ON TABLE "species" IS 'A kind of livestock.';
COMMENT ON COLUMN "species".id IS 'For good; a UUID version 7 unless the client chose it.';
COMMENT ON COLUMN "species".version IS 'Position of the last change in the history of the model; unique, and rising in commit order.';
COMMENT ON COLUMN "species".created_at IS 'When the record was made.';
COMMENT ON COLUMN "species".updated_at IS 'When the record was last changed; never falls as version rises.';
COMMENT ON COLUMN "species".deleted_at IS 'When the record was deleted; the row is its tombstone until it is purged.';
COMMENT ON COLUMN "species".mutation_id IS 'The mark that the client gave to the last change.';
COMMENT ON COLUMN "species".digest_bucket IS 'First twelve bits of the BLAKE3 hash of the id: the leaf of the sync digest.';
COMMENT ON COLUMN "species"."name" IS 'Common name in English.';
COMMENT ON COLUMN "species"."breeding_age_days" IS 'Youngest age at which an animal of this species can become a parent, in days.';
COMMENT ON COLUMN "species".search_text IS 'What ?search= looks into.';
INSERT INTO model_clock (model) VALUES ('species');

CREATE TABLE "breed" (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    mutation_id text,
    digest_bucket smallint NOT NULL,
    "name" text NOT NULL CHECK (char_length("name") <= 120),
    "species_id" uuid NOT NULL REFERENCES "species" (id),
    search_text text NOT NULL GENERATED ALWAYS AS (lower(coalesce("name", ''))) STORED
);
CREATE UNIQUE INDEX uq_breed_version ON "breed" (version);
CREATE INDEX ix_breed_created_at ON "breed" (created_at, id);
CREATE INDEX ix_breed_updated_at ON "breed" (updated_at, id);
CREATE INDEX ix_breed_deleted_at ON "breed" (deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX ix_breed_digest_bucket ON "breed" (digest_bucket, id);
CREATE UNIQUE INDEX uq_breed_species_id_name ON "breed" ("species_id", "name") WHERE deleted_at IS NULL;
CREATE INDEX ix_breed_name ON "breed" ("name", id);
CREATE INDEX ix_breed_species_id ON "breed" ("species_id", id);
CREATE INDEX ix_breed_search ON "breed" USING gin (search_text gin_trgm_ops);
COMMENT ON TABLE "breed" IS 'A breed within a species.';
COMMENT ON COLUMN "breed".id IS 'For good; a UUID version 7 unless the client chose it.';
COMMENT ON COLUMN "breed".version IS 'Position of the last change in the history of the model; unique, and rising in commit order.';
COMMENT ON COLUMN "breed".created_at IS 'When the record was made.';
COMMENT ON COLUMN "breed".updated_at IS 'When the record was last changed; never falls as version rises.';
COMMENT ON COLUMN "breed".deleted_at IS 'When the record was deleted; the row is its tombstone until it is purged.';
COMMENT ON COLUMN "breed".mutation_id IS 'The mark that the client gave to the last change.';
COMMENT ON COLUMN "breed".digest_bucket IS 'First twelve bits of the BLAKE3 hash of the id: the leaf of the sync digest.';
COMMENT ON COLUMN "breed"."name" IS 'Name as breeders write it.';
COMMENT ON COLUMN "breed"."species_id" IS 'The species it belongs to.';
COMMENT ON COLUMN "breed".search_text IS 'What ?search= looks into.';
INSERT INTO model_clock (model) VALUES ('breed');

CREATE TABLE "user" (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    mutation_id text,
    digest_bucket smallint NOT NULL,
    "identification" text NOT NULL CHECK (char_length("identification") <= 40),
    "fullname" text NOT NULL CHECK (char_length("fullname") <= 200),
    "email" text NOT NULL CHECK (char_length("email") <= 254),
    "phone" text CHECK (char_length("phone") <= 40),
    "address" text CHECK (char_length("address") <= 500),
    "role" text NOT NULL CHECK ("role" IN ('apprentice', 'instructor', 'administrator')),
    "active" boolean NOT NULL,
    "password_hash" text,
    search_text text NOT NULL GENERATED ALWAYS AS (lower(coalesce("identification", '') || ' ' || coalesce("fullname", '') || ' ' || coalesce("email", ''))) STORED
);
CREATE UNIQUE INDEX uq_user_version ON "user" (version);
CREATE INDEX ix_user_created_at ON "user" (created_at, id);
CREATE INDEX ix_user_updated_at ON "user" (updated_at, id);
CREATE INDEX ix_user_deleted_at ON "user" (deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX ix_user_digest_bucket ON "user" (digest_bucket, id);
CREATE UNIQUE INDEX uq_user_identification ON "user" ("identification") WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_user_email ON "user" ("email") WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_user_phone ON "user" ("phone") WHERE deleted_at IS NULL;
CREATE INDEX ix_user_identification ON "user" ("identification", id);
CREATE INDEX ix_user_fullname ON "user" ("fullname", id);
CREATE INDEX ix_user_role ON "user" ("role", id);
CREATE INDEX ix_user_search ON "user" USING gin (search_text gin_trgm_ops);
COMMENT ON TABLE "user" IS 'A person who uses the product.';
COMMENT ON COLUMN "user".id IS 'For good; a UUID version 7 unless the client chose it.';
COMMENT ON COLUMN "user".version IS 'Position of the last change in the history of the model; unique, and rising in commit order.';
COMMENT ON COLUMN "user".created_at IS 'When the record was made.';
COMMENT ON COLUMN "user".updated_at IS 'When the record was last changed; never falls as version rises.';
COMMENT ON COLUMN "user".deleted_at IS 'When the record was deleted; the row is its tombstone until it is purged.';
COMMENT ON COLUMN "user".mutation_id IS 'The mark that the client gave to the last change.';
COMMENT ON COLUMN "user".digest_bucket IS 'First twelve bits of the BLAKE3 hash of the id: the leaf of the sync digest.';
COMMENT ON COLUMN "user"."identification" IS 'Number of the person''s identity document.';
COMMENT ON COLUMN "user"."fullname" IS 'Full name.';
COMMENT ON COLUMN "user"."email" IS 'E-mail address.';
COMMENT ON COLUMN "user"."phone" IS 'Telephone number.';
COMMENT ON COLUMN "user"."address" IS 'Postal address.';
COMMENT ON COLUMN "user"."role" IS 'What the person may do.';
COMMENT ON COLUMN "user"."active" IS 'Whether the person may sign in.';
COMMENT ON COLUMN "user"."password_hash" IS 'Password; accepted, never shown.';
COMMENT ON COLUMN "user".search_text IS 'What ?search= looks into.';
INSERT INTO model_clock (model) VALUES ('user');

CREATE TABLE "animal" (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    mutation_id text,
    digest_bucket smallint NOT NULL,
    "record" text NOT NULL CHECK (char_length("record") <= 64),
    "sex" text NOT NULL CHECK ("sex" IN ('female', 'male')),
    "birth_date" date NOT NULL,
    "weight_g" bigint NOT NULL CHECK ("weight_g" BETWEEN 1 AND 3000000),
    "status" text NOT NULL CHECK ("status" IN ('alive', 'sold', 'dead')),
    "breed_id" uuid NOT NULL REFERENCES "breed" (id),
    "father_id" uuid REFERENCES "animal" (id),
    "mother_id" uuid REFERENCES "animal" (id),
    "notes" text CHECK (char_length("notes") <= 2000),
    search_text text NOT NULL GENERATED ALWAYS AS (lower(coalesce("record", ''))) STORED
);
CREATE UNIQUE INDEX uq_animal_version ON "animal" (version);
CREATE INDEX ix_animal_created_at ON "animal" (created_at, id);
CREATE INDEX ix_animal_updated_at ON "animal" (updated_at, id);
CREATE INDEX ix_animal_deleted_at ON "animal" (deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX ix_animal_digest_bucket ON "animal" (digest_bucket, id);
CREATE UNIQUE INDEX uq_animal_record ON "animal" ("record") WHERE deleted_at IS NULL;
CREATE INDEX ix_animal_record ON "animal" ("record", id);
CREATE INDEX ix_animal_sex ON "animal" ("sex", id);
CREATE INDEX ix_animal_birth_date ON "animal" ("birth_date", id);
CREATE INDEX ix_animal_weight_g ON "animal" ("weight_g", id);
CREATE INDEX ix_animal_status ON "animal" ("status", id);
CREATE INDEX ix_animal_breed_id ON "animal" ("breed_id", id);
CREATE INDEX ix_animal_father_id ON "animal" ("father_id", id);
CREATE INDEX ix_animal_mother_id ON "animal" ("mother_id", id);
CREATE INDEX ix_animal_breed_id_status ON "animal" ("breed_id", "status", id);
CREATE INDEX ix_animal_search ON "animal" USING gin (search_text gin_trgm_ops);
COMMENT ON TABLE "animal" IS 'An animal of the herd.';
COMMENT ON COLUMN "animal".id IS 'For good; a UUID version 7 unless the client chose it.';
COMMENT ON COLUMN "animal".version IS 'Position of the last change in the history of the model; unique, and rising in commit order.';
COMMENT ON COLUMN "animal".created_at IS 'When the record was made.';
COMMENT ON COLUMN "animal".updated_at IS 'When the record was last changed; never falls as version rises.';
COMMENT ON COLUMN "animal".deleted_at IS 'When the record was deleted; the row is its tombstone until it is purged.';
COMMENT ON COLUMN "animal".mutation_id IS 'The mark that the client gave to the last change.';
COMMENT ON COLUMN "animal".digest_bucket IS 'First twelve bits of the BLAKE3 hash of the id: the leaf of the sync digest.';
COMMENT ON COLUMN "animal"."record" IS 'Tag that identifies the animal on the farm.';
COMMENT ON COLUMN "animal"."sex" IS 'Sex at birth.';
COMMENT ON COLUMN "animal"."birth_date" IS 'Date of birth; not in the future.';
COMMENT ON COLUMN "animal"."weight_g" IS 'Live weight in grams.';
COMMENT ON COLUMN "animal"."status" IS 'Where the animal stands; `sold` and `dead` are final.';
COMMENT ON COLUMN "animal"."breed_id" IS 'Its breed, and by it its species.';
COMMENT ON COLUMN "animal"."father_id" IS 'Its father: male, older, of the same species.';
COMMENT ON COLUMN "animal"."mother_id" IS 'Its mother: female, older, of the same species.';
COMMENT ON COLUMN "animal"."notes" IS 'Free text.';
COMMENT ON COLUMN "animal".search_text IS 'What ?search= looks into.';
INSERT INTO model_clock (model) VALUES ('animal');

CREATE TABLE "disease" (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    mutation_id text,
    digest_bucket smallint NOT NULL,
    "name" text NOT NULL CHECK (char_length("name") <= 160),
    "symptoms" text CHECK (char_length("symptoms") <= 4000),
    "details" text CHECK (char_length("details") <= 4000),
    search_text text NOT NULL GENERATED ALWAYS AS (lower(coalesce("name", '') || ' ' || coalesce("symptoms", ''))) STORED
);
CREATE UNIQUE INDEX uq_disease_version ON "disease" (version);
CREATE INDEX ix_disease_created_at ON "disease" (created_at, id);
CREATE INDEX ix_disease_updated_at ON "disease" (updated_at, id);
CREATE INDEX ix_disease_deleted_at ON "disease" (deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX ix_disease_digest_bucket ON "disease" (digest_bucket, id);
CREATE UNIQUE INDEX uq_disease_name ON "disease" ("name") WHERE deleted_at IS NULL;
CREATE INDEX ix_disease_name ON "disease" ("name", id);
CREATE INDEX ix_disease_search ON "disease" USING gin (search_text gin_trgm_ops);
COMMENT ON TABLE "disease" IS 'A disease that animals can have.';
COMMENT ON COLUMN "disease".id IS 'For good; a UUID version 7 unless the client chose it.';
COMMENT ON COLUMN "disease".version IS 'Position of the last change in the history of the model; unique, and rising in commit order.';
COMMENT ON COLUMN "disease".created_at IS 'When the record was made.';
COMMENT ON COLUMN "disease".updated_at IS 'When the record was last changed; never falls as version rises.';
COMMENT ON COLUMN "disease".deleted_at IS 'When the record was deleted; the row is its tombstone until it is purged.';
COMMENT ON COLUMN "disease".mutation_id IS 'The mark that the client gave to the last change.';
COMMENT ON COLUMN "disease".digest_bucket IS 'First twelve bits of the BLAKE3 hash of the id: the leaf of the sync digest.';
COMMENT ON COLUMN "disease"."name" IS 'Its name.';
COMMENT ON COLUMN "disease"."symptoms" IS 'How it shows.';
COMMENT ON COLUMN "disease"."details" IS 'What else is known.';
COMMENT ON COLUMN "disease".search_text IS 'What ?search= looks into.';
INSERT INTO model_clock (model) VALUES ('disease');

CREATE TABLE "animal_disease" (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    mutation_id text,
    digest_bucket smallint NOT NULL,
    "animal_id" uuid NOT NULL REFERENCES "animal" (id),
    "disease_id" uuid NOT NULL REFERENCES "disease" (id),
    "diagnosis_date" date NOT NULL,
    "instructor_id" uuid REFERENCES "user" (id),
    "status" text NOT NULL CHECK ("status" IN ('active', 'recovered', 'chronic', 'died')),
    "closed_on" date,
    "notes" text CHECK (char_length("notes") <= 2000)
);
CREATE UNIQUE INDEX uq_animal_disease_version ON "animal_disease" (version);
CREATE INDEX ix_animal_disease_created_at ON "animal_disease" (created_at, id);
CREATE INDEX ix_animal_disease_updated_at ON "animal_disease" (updated_at, id);
CREATE INDEX ix_animal_disease_deleted_at ON "animal_disease" (deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX ix_animal_disease_digest_bucket ON "animal_disease" (digest_bucket, id);
CREATE UNIQUE INDEX uq_animal_disease_animal_id_disease_id_diagnosis_date ON "animal_disease" ("animal_id", "disease_id", "diagnosis_date") WHERE deleted_at IS NULL;
CREATE INDEX ix_animal_disease_animal_id ON "animal_disease" ("animal_id", id);
CREATE INDEX ix_animal_disease_disease_id ON "animal_disease" ("disease_id", id);
CREATE INDEX ix_animal_disease_diagnosis_date ON "animal_disease" ("diagnosis_date", id);
CREATE INDEX ix_animal_disease_instructor_id ON "animal_disease" ("instructor_id", id);
CREATE INDEX ix_animal_disease_status ON "animal_disease" ("status", id);
COMMENT ON TABLE "animal_disease" IS 'A disease found in an animal: one case.';
COMMENT ON COLUMN "animal_disease".id IS 'For good; a UUID version 7 unless the client chose it.';
COMMENT ON COLUMN "animal_disease".version IS 'Position of the last change in the history of the model; unique, and rising in commit order.';
COMMENT ON COLUMN "animal_disease".created_at IS 'When the record was made.';
COMMENT ON COLUMN "animal_disease".updated_at IS 'When the record was last changed; never falls as version rises.';
COMMENT ON COLUMN "animal_disease".deleted_at IS 'When the record was deleted; the row is its tombstone until it is purged.';
COMMENT ON COLUMN "animal_disease".mutation_id IS 'The mark that the client gave to the last change.';
COMMENT ON COLUMN "animal_disease".digest_bucket IS 'First twelve bits of the BLAKE3 hash of the id: the leaf of the sync digest.';
COMMENT ON COLUMN "animal_disease"."animal_id" IS 'The animal.';
COMMENT ON COLUMN "animal_disease"."disease_id" IS 'The disease.';
COMMENT ON COLUMN "animal_disease"."diagnosis_date" IS 'When it was diagnosed.';
COMMENT ON COLUMN "animal_disease"."instructor_id" IS 'Who diagnosed it; the writer where it is left out.';
COMMENT ON COLUMN "animal_disease"."status" IS 'Where the case stands.';
COMMENT ON COLUMN "animal_disease"."closed_on" IS 'When the case was closed: by recovery, or because the animal left the herd.';
COMMENT ON COLUMN "animal_disease"."notes" IS 'Free text.';
INSERT INTO model_clock (model) VALUES ('animal_disease');

CREATE TABLE "medication" (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    mutation_id text,
    digest_bucket smallint NOT NULL,
    "name" text NOT NULL CHECK (char_length("name") <= 160),
    "withdrawal_days" bigint NOT NULL CHECK ("withdrawal_days" BETWEEN 0 AND 1000),
    "details" text CHECK (char_length("details") <= 2000),
    search_text text NOT NULL GENERATED ALWAYS AS (lower(coalesce("name", ''))) STORED
);
CREATE UNIQUE INDEX uq_medication_version ON "medication" (version);
CREATE INDEX ix_medication_created_at ON "medication" (created_at, id);
CREATE INDEX ix_medication_updated_at ON "medication" (updated_at, id);
CREATE INDEX ix_medication_deleted_at ON "medication" (deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX ix_medication_digest_bucket ON "medication" (digest_bucket, id);
CREATE UNIQUE INDEX uq_medication_name ON "medication" ("name") WHERE deleted_at IS NULL;
CREATE INDEX ix_medication_name ON "medication" ("name", id);
CREATE INDEX ix_medication_search ON "medication" USING gin (search_text gin_trgm_ops);
COMMENT ON TABLE "medication" IS 'A remedy with its withdrawal period.';
COMMENT ON COLUMN "medication".id IS 'For good; a UUID version 7 unless the client chose it.';
COMMENT ON COLUMN "medication".version IS 'Position of the last change in the history of the model; unique, and rising in commit order.';
COMMENT ON COLUMN "medication".created_at IS 'When the record was made.';
COMMENT ON COLUMN "medication".updated_at IS 'When the record was last changed; never falls as version rises.';
COMMENT ON COLUMN "medication".deleted_at IS 'When the record was deleted; the row is its tombstone until it is purged.';
COMMENT ON COLUMN "medication".mutation_id IS 'The mark that the client gave to the last change.';
COMMENT ON COLUMN "medication".digest_bucket IS 'First twelve bits of the BLAKE3 hash of the id: the leaf of the sync digest.';
COMMENT ON COLUMN "medication"."name" IS 'Its name.';
COMMENT ON COLUMN "medication"."withdrawal_days" IS 'Days after a treatment in which nothing of the animal may be sold.';
COMMENT ON COLUMN "medication"."details" IS 'What it is for.';
COMMENT ON COLUMN "medication".search_text IS 'What ?search= looks into.';
INSERT INTO model_clock (model) VALUES ('medication');

CREATE TABLE "treatment" (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    mutation_id text,
    digest_bucket smallint NOT NULL,
    "animal_id" uuid NOT NULL REFERENCES "animal" (id),
    "medication_id" uuid NOT NULL REFERENCES "medication" (id),
    "given_on" date NOT NULL,
    "instructor_id" uuid REFERENCES "user" (id),
    "notes" text CHECK (char_length("notes") <= 2000)
);
CREATE UNIQUE INDEX uq_treatment_version ON "treatment" (version);
CREATE INDEX ix_treatment_created_at ON "treatment" (created_at, id);
CREATE INDEX ix_treatment_updated_at ON "treatment" (updated_at, id);
CREATE INDEX ix_treatment_deleted_at ON "treatment" (deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX ix_treatment_digest_bucket ON "treatment" (digest_bucket, id);
CREATE INDEX ix_treatment_animal_id ON "treatment" ("animal_id", id);
CREATE INDEX ix_treatment_medication_id ON "treatment" ("medication_id", id);
CREATE INDEX ix_treatment_given_on ON "treatment" ("given_on", id);
CREATE INDEX ix_treatment_instructor_id ON "treatment" ("instructor_id", id);
COMMENT ON TABLE "treatment" IS 'A remedy given to an animal.';
COMMENT ON COLUMN "treatment".id IS 'For good; a UUID version 7 unless the client chose it.';
COMMENT ON COLUMN "treatment".version IS 'Position of the last change in the history of the model; unique, and rising in commit order.';
COMMENT ON COLUMN "treatment".created_at IS 'When the record was made.';
COMMENT ON COLUMN "treatment".updated_at IS 'When the record was last changed; never falls as version rises.';
COMMENT ON COLUMN "treatment".deleted_at IS 'When the record was deleted; the row is its tombstone until it is purged.';
COMMENT ON COLUMN "treatment".mutation_id IS 'The mark that the client gave to the last change.';
COMMENT ON COLUMN "treatment".digest_bucket IS 'First twelve bits of the BLAKE3 hash of the id: the leaf of the sync digest.';
COMMENT ON COLUMN "treatment"."animal_id" IS 'The animal treated.';
COMMENT ON COLUMN "treatment"."medication_id" IS 'The remedy.';
COMMENT ON COLUMN "treatment"."given_on" IS 'The day it was given.';
COMMENT ON COLUMN "treatment"."instructor_id" IS 'Who gave it; the writer where it is left out.';
COMMENT ON COLUMN "treatment"."notes" IS 'Free text: dose, route, remarks.';
INSERT INTO model_clock (model) VALUES ('treatment');
