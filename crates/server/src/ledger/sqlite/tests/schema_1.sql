-- Version 1 of the schema, for the test of the upgrade. Money is in hundredths, times are in milliseconds
-- since 1970, UTC. Read it with any SQLite tool while the bank is open: sqlite3 -readonly FILE.

CREATE TABLE accounts (
    card       TEXT    NOT NULL PRIMARY KEY
                       CHECK (length(card) BETWEEN 6 AND 19 AND card NOT GLOB '*[^0-9]*'),
    holder     TEXT    NOT NULL CHECK (length(holder) BETWEEN 1 AND 64),
    pin_hash   TEXT    NOT NULL,
    created_by TEXT    NOT NULL UNIQUE CHECK (created_by GLOB 'ACC_*'),
    opening    INTEGER NOT NULL CHECK (opening BETWEEN 0 AND 999999999999),
    posted     INTEGER NOT NULL CHECK (posted BETWEEN 0 AND 999999999999),
    held       INTEGER NOT NULL CHECK (held BETWEEN 0 AND posted),
    pending    INTEGER NOT NULL CHECK (pending BETWEEN 0 AND 999999999999 - posted),
    wrong_pins INTEGER NOT NULL CHECK (wrong_pins >= 0),
    locked     INTEGER NOT NULL CHECK (locked IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Withdrawals and deposits. A tombstone was rolled back before it was asked for.
CREATE TABLE transactions (
    id            TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'WITH_*' OR id GLOB 'DEP_*'),
    status        TEXT    NOT NULL
                          CHECK (status IN
                              ('held', 'confirmed', 'rolled back', 'declined', 'tombstone')),
    card          TEXT    REFERENCES accounts (card),
    amount        INTEGER CHECK (amount BETWEEN 1 AND 999999999999),
    available     INTEGER CHECK (available BETWEEN 0 AND 999999999999),
    terminal      TEXT,
    decline_code  TEXT,
    decline_words TEXT,
    at            INTEGER NOT NULL,
    CHECK ((status = 'tombstone') = (card IS NULL)),
    CHECK ((card IS NULL) = (amount IS NULL) AND (card IS NULL) = (available IS NULL)),
    CHECK ((status = 'declined') = (decline_code IS NOT NULL)),
    CHECK ((decline_code IS NULL) = (decline_words IS NULL))
) STRICT, WITHOUT ROWID;

-- Of each card the newest 16.
CREATE TABLE logins (
    seq       INTEGER PRIMARY KEY,
    id        TEXT    NOT NULL UNIQUE CHECK (id GLOB 'LOGIN_*'),
    card      TEXT    NOT NULL REFERENCES accounts (card),
    succeeded INTEGER NOT NULL CHECK (succeeded IN (0, 1))
) STRICT;

CREATE INDEX logins_of_card ON logins (card, seq);

CREATE TABLE history (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    event  TEXT    NOT NULL
                   CHECK (event IN ('opened', 'held', 'declined', 'confirmed', 'rolled back',
                                    'locked', 'unlocked', 'by operator')),
    card   TEXT    REFERENCES accounts (card),
    id     TEXT    REFERENCES transactions (id),
    amount INTEGER CHECK (amount BETWEEN 0 AND 999999999999)
) STRICT;

CREATE TRIGGER history_is_never_changed BEFORE UPDATE ON history
BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;

CREATE TRIGGER history_is_never_deleted BEFORE DELETE ON history
BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;

CREATE TRIGGER transactions_have_one_outcome BEFORE UPDATE ON transactions
WHEN OLD.status <> 'held' OR NEW.status NOT IN ('confirmed', 'rolled back')
    OR NEW.id <> OLD.id OR NEW.card <> OLD.card OR NEW.amount <> OLD.amount
    OR NEW.available <> OLD.available
BEGIN SELECT RAISE(ABORT, 'a transaction has one outcome'); END;

CREATE TRIGGER transactions_are_never_deleted BEFORE DELETE ON transactions
BEGIN SELECT RAISE(ABORT, 'transactions are kept'); END;

CREATE TRIGGER accounts_keep_their_beginning BEFORE UPDATE ON accounts
WHEN NEW.card <> OLD.card OR NEW.created_by <> OLD.created_by OR NEW.opening <> OLD.opening
BEGIN SELECT RAISE(ABORT, 'how an account began is not changed'); END;

CREATE TRIGGER accounts_are_never_deleted BEFORE DELETE ON accounts
BEGIN SELECT RAISE(ABORT, 'accounts are kept'); END;
