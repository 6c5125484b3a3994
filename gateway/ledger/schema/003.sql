-- What a ledger is called beside its event cursors; its incarnation is now drawn at every opening.
INSERT OR IGNORE INTO meta SELECT 'epoch', value FROM meta WHERE key = 'incarnation';

-- A text too long for a device goes in numbered parts: which of how many this attempt carried.
ALTER TABLE attempts ADD COLUMN part INTEGER NOT NULL DEFAULT 1;
ALTER TABLE attempts ADD COLUMN parts INTEGER NOT NULL DEFAULT 1;
