-- When the last report of a step was stored; what goodput and recovery times are made of, as a JSON object.
ALTER TABLE jobs ADD COLUMN reported_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN effort TEXT NOT NULL DEFAULT '{}';
