-- One row: who leads. Each leader takes the next epoch, and each of its transactions updates this row where the
-- epoch is still its own. That locks the row: the next leader waits for what is under way, and an old one finds none.
CREATE TABLE leadership (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  epoch BIGINT NOT NULL,
  holder TEXT NOT NULL,
  renewed_at BIGINT NOT NULL
);
INSERT INTO leadership (only_row, epoch, holder, renewed_at) VALUES (1, 0, '', 0);

-- What at most one coordinator may do at a time. Times are those of the database's clock.
CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);
