-- Processing: a job for each stage of each asset, and every attempt at it.
-- Locks: creates tables; the foreign key takes a short SHARE ROW EXCLUSIVE lock on asset. Size: new tables. Deploy order: before the first upload-ingest.

CREATE TABLE job (
    id uuid PRIMARY KEY,
    asset_id uuid NOT NULL REFERENCES asset (id),
    kind text NOT NULL CHECK (kind IN ('probe', 'poster', 'transcode', 'playlist', 'variants', 'publish')),
    position smallint NOT NULL CHECK (position >= 0),
    required boolean NOT NULL DEFAULT true,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'retry_wait', 'done', 'dead', 'cancelled')),
    attempt integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    max_attempts integer NOT NULL DEFAULT 5 CHECK (max_attempts > 0),
    epoch bigint NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    worker text,
    lease_until timestamptz,
    not_before timestamptz,
    progress real NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
    error_code text,
    error_text text,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    heartbeat_at timestamptz,
    ended_at timestamptz,
    UNIQUE (asset_id, kind),
    CHECK ((state = 'running') = (worker IS NOT NULL)),
    CHECK ((worker IS NULL) = (lease_until IS NULL)),
    CHECK ((state = 'retry_wait') = (not_before IS NOT NULL)),
    CHECK ((state IN ('done', 'dead', 'cancelled')) = (ended_at IS NOT NULL)),
    CHECK ((error_code IS NULL) = (error_text IS NULL))
);
CREATE INDEX ix_job_open ON job (created_at) WHERE state IN ('queued', 'running', 'retry_wait');
CREATE INDEX ix_job_dead ON job (ended_at) WHERE state = 'dead';
COMMENT ON TABLE job IS 'The stages of an asset''s processing. The rows are the truth; messages only wake workers.';
COMMENT ON COLUMN job.id IS 'UUID version 7.';
COMMENT ON COLUMN job.asset_id IS 'What is processed.';
COMMENT ON COLUMN job.kind IS 'The stage.';
COMMENT ON COLUMN job.position IS 'Stages of an asset run in this order; one waits until all required ones before it are done.';
COMMENT ON COLUMN job.required IS 'Whether the asset fails when this stage does.';
COMMENT ON COLUMN job.state IS 'queued, running under a lease, retry_wait until not_before, done, dead after its last attempt, cancelled with its asset.';
COMMENT ON COLUMN job.attempt IS 'Attempts begun.';
COMMENT ON COLUMN job.max_attempts IS 'Attempts granted; a retry by hand grants more.';
COMMENT ON COLUMN job.epoch IS 'Rises with every claim; a worker of an older epoch changes nothing any more.';
COMMENT ON COLUMN job.worker IS 'Which worker runs it.';
COMMENT ON COLUMN job.lease_until IS 'Until when that worker may be taken to be alive.';
COMMENT ON COLUMN job.not_before IS 'When the next attempt may begin.';
COMMENT ON COLUMN job.progress IS 'Of the attempt that runs, 0 to 1.';
COMMENT ON COLUMN job.error_code IS 'Stable code of the last failure.';
COMMENT ON COLUMN job.error_text IS 'The same for the asset''s owner, one sentence.';
COMMENT ON COLUMN job.created_at IS 'When it was planned.';
COMMENT ON COLUMN job.started_at IS 'When the last attempt began.';
COMMENT ON COLUMN job.heartbeat_at IS 'Last sign of life of the worker.';
COMMENT ON COLUMN job.ended_at IS 'When it was done, given up or cancelled.';

CREATE TABLE job_attempt (
    job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    epoch bigint NOT NULL CHECK (epoch > 0),
    attempt integer NOT NULL CHECK (attempt > 0),
    worker text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    outcome text CHECK (outcome IN ('done', 'failed', 'lost', 'cancelled')),
    error_code text,
    error_text text,
    PRIMARY KEY (job_id, epoch),
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK ((error_code IS NULL) = (error_text IS NULL))
);
COMMENT ON TABLE job_attempt IS 'Every attempt at a job, for the timeline that its owner sees.';
COMMENT ON COLUMN job_attempt.job_id IS 'The job.';
COMMENT ON COLUMN job_attempt.epoch IS 'The claim it ran under.';
COMMENT ON COLUMN job_attempt.attempt IS 'Which attempt it was.';
COMMENT ON COLUMN job_attempt.worker IS 'Which worker ran it.';
COMMENT ON COLUMN job_attempt.started_at IS 'When it began.';
COMMENT ON COLUMN job_attempt.ended_at IS 'When it ended, or was found to have been lost.';
COMMENT ON COLUMN job_attempt.outcome IS 'How it ended; lost: its worker gave no sign of life any more.';
COMMENT ON COLUMN job_attempt.error_code IS 'Stable code of its failure.';
COMMENT ON COLUMN job_attempt.error_text IS 'The same for the asset''s owner, one sentence.';
