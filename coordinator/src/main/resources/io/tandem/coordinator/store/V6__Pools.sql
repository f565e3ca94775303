-- The worker pool that a job names; empty where any will do.
ALTER TABLE jobs ADD COLUMN pool TEXT NOT NULL DEFAULT '';
