-- Times are milliseconds since 1970. Sets of workers are JSON arrays, values are JSON objects.
-- The types are PostgreSQL's; SQLite takes any name that contains INT for its 64-bit integer, and DOUB for its
-- double. Where the two differ in more than that stands a placeholder (see Dialect).
CREATE TABLE jobs (
  number ${identity},
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  spec TEXT NOT NULL,
  replicas INTEGER NOT NULL,
  shards INTEGER NOT NULL,
  idempotency_key TEXT UNIQUE,
  submitted TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  reason_text TEXT NOT NULL,
  pausing INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  restarts INTEGER NOT NULL,
  maximum_restarts INTEGER NOT NULL,
  waiting TEXT NOT NULL,
  active TEXT NOT NULL,
  model_path TEXT NOT NULL,
  started_at BIGINT NOT NULL DEFAULT 0,
  ended_at BIGINT NOT NULL DEFAULT 0,
  step BIGINT NOT NULL DEFAULT 0,
  total_steps BIGINT NOT NULL DEFAULT 0,
  phase TEXT NOT NULL DEFAULT '',
  steps_per_second DOUBLE PRECISION NOT NULL DEFAULT 0,
  images_per_second DOUBLE PRECISION NOT NULL DEFAULT 0,
  value_map TEXT NOT NULL DEFAULT '{}',
  phase_seconds TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX jobs_by_state ON jobs (state, number);

CREATE TABLE attempts (
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  worker_by_rank TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  PRIMARY KEY (job_id, attempt)
);

CREATE TABLE events (
  id ${identity},
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  time BIGINT NOT NULL,
  attempt INTEGER NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL
);
CREATE INDEX events_by_job ON events (job_id, id);

CREATE TABLE metrics (
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  time BIGINT NOT NULL,
  attempt INTEGER NOT NULL,
  step BIGINT NOT NULL,
  value DOUBLE PRECISION
);
CREATE INDEX metrics_by_job ON metrics (job_id, name, time);

CREATE TABLE logs (
  id ${identity},
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  time BIGINT NOT NULL,
  attempt INTEGER NOT NULL,
  worker_id TEXT NOT NULL,
  line TEXT NOT NULL
);
CREATE INDEX logs_by_job ON logs (job_id, id);

CREATE TABLE checkpoints (
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  step BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  seconds DOUBLE PRECISION NOT NULL,
  time BIGINT NOT NULL,
  PRIMARY KEY (job_id, path)
);

-- The last report of every worker that was stored: what comes again is dropped.
CREATE TABLE reporters (
  worker_id TEXT PRIMARY KEY,
  sequence BIGINT NOT NULL
);
