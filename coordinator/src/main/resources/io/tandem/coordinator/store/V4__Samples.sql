-- Test images of a job's last evaluation with what the models said of them; images in base64.
CREATE TABLE samples (
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  step BIGINT NOT NULL,
  label INTEGER NOT NULL,
  student_label INTEGER NOT NULL,
  student_probability DOUBLE PRECISION NOT NULL,
  teacher_label INTEGER,
  teacher_probability DOUBLE PRECISION,
  image TEXT NOT NULL,
  PRIMARY KEY (job_id, place)
);
