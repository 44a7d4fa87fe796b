-- From version 1 to version 2. A locked card stays locked for as long as a first lock lasts; the
-- log-ins that were remembered are forgotten.

ALTER TABLE accounts ADD COLUMN locked_until INTEGER CHECK (locked_until >= 0);
ALTER TABLE accounts ADD COLUMN lockouts INTEGER NOT NULL DEFAULT 0 CHECK (lockouts >= 0);

UPDATE accounts SET locked_until = unixepoch() + 300, lockouts = 1, wrong_pins = 0
WHERE locked = 1;

ALTER TABLE accounts DROP COLUMN locked;

ALTER TABLE transactions ADD COLUMN key TEXT CHECK (length(key) = 32);

DROP TRIGGER transactions_have_one_outcome;

CREATE TRIGGER transactions_have_one_outcome BEFORE UPDATE ON transactions
WHEN OLD.status <> 'held' OR NEW.status NOT IN ('confirmed', 'rolled back')
    OR NEW.id <> OLD.id OR NEW.card <> OLD.card OR NEW.amount <> OLD.amount
    OR NEW.available <> OLD.available OR NEW.key IS NOT OLD.key
BEGIN SELECT RAISE(ABORT, 'a transaction has one outcome'); END;

DROP TABLE logins;

CREATE TABLE logins (
    seq       INTEGER PRIMARY KEY,
    id        TEXT    NOT NULL CHECK (id GLOB 'LOGIN_*'),
    card      TEXT    NOT NULL REFERENCES accounts (card),
    succeeded INTEGER NOT NULL CHECK (succeeded IN (0, 1)),
    UNIQUE (card, id)
) STRICT;

CREATE INDEX logins_of_card ON logins (card, seq);
