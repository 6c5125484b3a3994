-- Who ended an alarm; empty when its cause went by itself.
ALTER TABLE alarms ADD COLUMN cleared_by TEXT NOT NULL DEFAULT '';
