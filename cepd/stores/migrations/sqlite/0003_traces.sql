-- Why the alert fired: JSON text. Alerts from before have none.
ALTER TABLE alert ADD COLUMN trace TEXT NOT NULL DEFAULT 'null';
