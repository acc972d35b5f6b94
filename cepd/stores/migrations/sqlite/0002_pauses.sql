-- A target that asked to be left alone; nothing is claimed for it until then.
CREATE TABLE pause (
  target TEXT PRIMARY KEY,
  until INTEGER NOT NULL
) STRICT;
