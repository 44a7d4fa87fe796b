-- The ledger of a socketlab bank in PostgreSQL, version 1: the tables of the SQLite ledger. Money is
-- in hundredths, times are in milliseconds since 1970, UTC. `SET search_path = socketlab` to read it.

CREATE SCHEMA IF NOT EXISTS socketlab;
SET LOCAL search_path = socketlab;

-- One row: the version of this schema. A later program may read an earlier one's tables, never the
-- reverse.
CREATE TABLE ledger (
    one     BOOLEAN NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    version BIGINT  NOT NULL
);

-- Text is compared by its bytes, as everywhere else.
CREATE TABLE accounts (
    card         TEXT   COLLATE "C" NOT NULL PRIMARY KEY CHECK (card ~ '^[0-9]{6,19}$'),
    holder       TEXT   NOT NULL CHECK (length(holder) BETWEEN 1 AND 64),
    pin_hash     TEXT   NOT NULL,
    created_by   TEXT   COLLATE "C" NOT NULL UNIQUE CHECK (created_by LIKE 'ACC\_%'),
    opening      BIGINT NOT NULL CHECK (opening BETWEEN 0 AND 999999999999),
    posted       BIGINT NOT NULL CHECK (posted BETWEEN 0 AND 999999999999),
    held         BIGINT NOT NULL CHECK (held BETWEEN 0 AND posted),
    pending      BIGINT NOT NULL CHECK (pending BETWEEN 0 AND 999999999999 - posted),
    wrong_pins   BIGINT NOT NULL CHECK (wrong_pins BETWEEN 0 AND 4294967295),
    -- In seconds since 1970; NULL when no lock is in force or was until lately.
    locked_until BIGINT CHECK (locked_until >= 0),
    lockouts     BIGINT NOT NULL CHECK (lockouts BETWEEN 0 AND 4294967295)
)
-- Room on each page for the next state of its rows, whose index entries then stay as they are.
WITH (fillfactor = 50);

-- Withdrawals and deposits. A tombstone was rolled back before it was asked for.
CREATE TABLE transactions (
    id            TEXT   COLLATE "C" NOT NULL PRIMARY KEY
                         CHECK (id LIKE 'WITH\_%' OR id LIKE 'DEP\_%'),
    status        TEXT   COLLATE "C" NOT NULL
                         CHECK (status IN
                             ('held', 'confirmed', 'rolled back', 'declined', 'tombstone')),
    card          TEXT   COLLATE "C" REFERENCES accounts (card),
    amount        BIGINT CHECK (amount BETWEEN 1 AND 999999999999),
    available     BIGINT CHECK (available BETWEEN 0 AND 999999999999),
    terminal      TEXT,
    -- What the machine settles with; NULL when it gave none.
    key           TEXT   CHECK (length(key) = 32),
    decline_code  TEXT,
    decline_words TEXT,
    at            BIGINT NOT NULL,
    CHECK ((status = 'tombstone') = (card IS NULL)),
    CHECK ((card IS NULL) = (amount IS NULL) AND (card IS NULL) = (available IS NULL)),
    CHECK ((status = 'declined') = (decline_code IS NOT NULL)),
    CHECK ((decline_code IS NULL) = (decline_words IS NULL))
)
WITH (fillfactor = 80);

CREATE INDEX transactions_held ON transactions (at, id) WHERE status = 'held';

-- Of each card the newest 16.
CREATE TABLE logins (
    seq       BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id        TEXT    COLLATE "C" NOT NULL CHECK (id LIKE 'LOGIN\_%'),
    card      TEXT    COLLATE "C" NOT NULL REFERENCES accounts (card),
    succeeded BOOLEAN NOT NULL,
    UNIQUE (card, id)
);

CREATE INDEX logins_of_card ON logins (card, seq);

-- Numbered in the order of each account: its row is locked from before the number to the commit.
CREATE TABLE history (
    seq    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     BIGINT NOT NULL,
    event  TEXT   COLLATE "C" NOT NULL
                  CHECK (event IN ('opened', 'held', 'declined', 'confirmed', 'rolled back',
                                   'locked', 'unlocked', 'by operator')),
    card   TEXT   COLLATE "C" REFERENCES accounts (card),
    id     TEXT   COLLATE "C" REFERENCES transactions (id),
    amount BIGINT CHECK (amount BETWEEN 0 AND 999999999999)
);

CREATE INDEX history_of_card ON history (card, seq);

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$;

CREATE TRIGGER history_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON history
EXECUTE FUNCTION refuse('the history is append-only');

CREATE TRIGGER transactions_have_one_outcome BEFORE UPDATE ON transactions FOR EACH ROW
WHEN (OLD.status <> 'held' OR NEW.status NOT IN ('confirmed', 'rolled back')
    OR NEW.id <> OLD.id OR NEW.card <> OLD.card OR NEW.amount <> OLD.amount
    OR NEW.available <> OLD.available OR NEW.key IS DISTINCT FROM OLD.key)
EXECUTE FUNCTION refuse('a transaction has one outcome');

CREATE TRIGGER transactions_are_never_deleted BEFORE DELETE OR TRUNCATE ON transactions
EXECUTE FUNCTION refuse('transactions are kept');

CREATE TRIGGER accounts_keep_their_beginning BEFORE UPDATE ON accounts FOR EACH ROW
WHEN (NEW.card <> OLD.card OR NEW.created_by <> OLD.created_by OR NEW.opening <> OLD.opening)
EXECUTE FUNCTION refuse('how an account began is not changed');

CREATE TRIGGER accounts_are_never_deleted BEFORE DELETE OR TRUNCATE ON accounts
EXECUTE FUNCTION refuse('accounts are kept');

INSERT INTO ledger (version) VALUES (1);
