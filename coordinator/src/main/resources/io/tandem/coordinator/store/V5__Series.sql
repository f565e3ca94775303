-- For reading all of a job's series piece by piece, in the order of time.
CREATE INDEX metrics_by_time ON metrics (job_id, time, name);

-- 1 when a job was deleted: nobody finds it any more, and what belongs to it is removed piece by piece.
ALTER TABLE jobs ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_deleted ON jobs (deleted) WHERE deleted = 1;
