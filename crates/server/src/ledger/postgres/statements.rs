//! What is asked of PostgreSQL: the rows that a transaction needs, all at once, and its changes, all
//! at once. Each parameter is an array, of one column.

use futures_util::future::try_join_all;
use tokio_postgres::{Client, Error, Statement};

use super::super::rows::{accounts, logins, transactions};

/// Statements of a session, prepared.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) lock_accounts: Statement,
    pub(super) lock_transactions: Statement,
    pub(super) logins: Statement,
    pub(super) clock: Statement,
    pub(super) open_accounts: Statement,
    pub(super) change_accounts: Statement,
    pub(super) add_transactions: Statement,
    pub(super) settle_transactions: Statement,
    pub(super) put_logins: Statement,
    pub(super) forget_logins: Statement,
    pub(super) append_history: Statement,
}

/// The accounts of these cards, of the transactions with these ids, and those that these requests
/// opened. All servers lock them in the same order, and an account before its transactions, so that
/// no two wait for each other.
const LOCK_ACCOUNTS: &str = accounts!(
    "WHERE card = ANY ($1::text[]
         || ARRAY(SELECT card FROM transactions WHERE id = ANY ($2::text[]) AND card IS NOT NULL)
         || ARRAY(SELECT card FROM accounts WHERE created_by = ANY ($3::text[])))
     ORDER BY card FOR UPDATE"
);

/// A lock is written to the log of PostgreSQL. So the commit waits for the log also when nothing
/// else is written, and no reply says what a failover could still undo.
const LOCK_TRANSACTIONS: &str = transactions!("WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE");

const LOGINS: &str = logins!("WHERE card = ANY ($1::text[]) ORDER BY seq");

/// One clock for all servers, in milliseconds since 1970.
const CLOCK: &str = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

const OPEN_ACCOUNTS: &str = "
    INSERT INTO accounts (card, holder, pin_hash, created_by, opening, posted, held, pending,
                          wrong_pins, locked_until, lockouts)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[],
                         $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
                         $11::bigint[])";

const CHANGE_ACCOUNTS: &str = "
    UPDATE accounts
    SET posted = new.posted, held = new.held, pending = new.pending,
        wrong_pins = new.wrong_pins, locked_until = new.locked_until, lockouts = new.lockouts
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::bigint[])
         AS new (card, posted, held, pending, wrong_pins, locked_until, lockouts)
    WHERE accounts.card = new.card";

const ADD_TRANSACTIONS: &str = "
    INSERT INTO transactions (id, status, card, amount, available, terminal, decline_code,
                              decline_words, at, key)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
                         $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[])";

const SETTLE_TRANSACTIONS: &str = "
    UPDATE transactions SET status = new.status
    FROM unnest($1::text[], $2::text[]) AS new (id, status)
    WHERE transactions.id = new.id";

const PUT_LOGINS: &str = "
    INSERT INTO logins (id, card, succeeded)
    SELECT id, card, succeeded
    FROM unnest($1::text[], $2::text[], $3::boolean[]) WITH ORDINALITY
         AS new (id, card, succeeded, place)
    ORDER BY place
    ON CONFLICT (card, id) DO UPDATE SET succeeded = EXCLUDED.succeeded";

const FORGET_LOGINS: &str = "
    DELETE FROM logins WHERE card = ANY ($1::text[]) AND seq <=
        (SELECT seq FROM logins AS kept WHERE kept.card = logins.card
         ORDER BY seq DESC LIMIT 1 OFFSET $2)";

const APPEND_HISTORY: &str = "
    INSERT INTO history (at, event, card, id, amount)
    SELECT at, event, card, id, amount
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[]) WITH ORDINALITY
         AS new (at, event, card, id, amount, place)
    ORDER BY place";

impl Statements {
    /// Has the server prepare all of them.
    pub(super) async fn prepare(client: &Client) -> Result<Statements, Error> {
        let texts = [
            LOCK_ACCOUNTS,
            LOCK_TRANSACTIONS,
            LOGINS,
            CLOCK,
            OPEN_ACCOUNTS,
            CHANGE_ACCOUNTS,
            ADD_TRANSACTIONS,
            SETTLE_TRANSACTIONS,
            PUT_LOGINS,
            FORGET_LOGINS,
            APPEND_HISTORY,
        ];
        let prepared = try_join_all(texts.map(|text| client.prepare(text))).await?;
        let mut prepared = prepared.into_iter();
        let mut next = || prepared.next().expect("as many as there are texts");
        Ok(Statements {
            lock_accounts: next(),
            lock_transactions: next(),
            logins: next(),
            clock: next(),
            open_accounts: next(),
            change_accounts: next(),
            add_transactions: next(),
            settle_transactions: next(),
            put_logins: next(),
            forget_logins: next(),
            append_history: next(),
        })
    }
}
