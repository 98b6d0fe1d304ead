-- One row for each video that comes.
CREATE SCHEMA uploads;
CREATE TABLE uploads.videos (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint NOT NULL,
  title text NOT NULL,
  filename text NOT NULL,
  status text NOT NULL,
  stored_path text,
  size_bytes bigint,
  correlation_id uuid,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_video_user_status ON uploads.videos (user_id, status);
