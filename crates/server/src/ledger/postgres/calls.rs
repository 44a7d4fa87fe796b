//! Calls of a database whose servers come and go: on a new connection where there is none, or where
//! the one that was idle is found to be gone.

use tokio_postgres::types::{ToSql, Type};

use super::super::rows::Read;
use super::super::store::StoreError;
use super::connection::Error;
use super::open::{self, OpenError, Purpose, Session};
use super::{Open, PostgresStore};

impl PostgresStore {
    pub(super) fn connect(&mut self) -> Result<(), OpenError> {
        let connected = open::connect(&self.address, self.next, self.purpose);
        let session = connected.inspect_err(|error| self.pause.begin(error))?;
        if matches!(self.purpose, Purpose::Serve { .. }) {
            let server = self.address.server(session.server);
            tracing::info!(%server, "PostgreSQL has the ledger");
            let lacks = session.durability.lacks(self.address.servers());
            if let Some(words) = lacks.filter(|_| self.durability != Some(session.durability)) {
                tracing::warn!(%server, "what is committed may not last: {words}");
            }
        }
        self.durability = Some(session.durability);
        self.next = session.server;
        self.session = Some(session);
        Ok(())
    }

    /// Gives the connection up. The server is tried last: it may have been stopped, or be a primary
    /// that another one has replaced.
    pub(super) fn disconnect(&mut self) {
        if let Some(session) = self.session.take() {
            self.next = (session.server + 1) % self.address.servers();
        }
        self.transaction = Open::None;
    }

    /// Makes a call, on a new connection if there is none, or if the one that was idle is found to be
    /// gone: nothing was done with it.
    pub(super) fn call<T>(
        &mut self,
        mut call: impl FnMut(&Session) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let may_be_stale = self.session.is_some() && matches!(self.transaction, Open::None);
        let result = match self.call_once(&mut call) {
            Err(Failure::Call(error)) if may_be_stale && error.is_lost() => {
                self.call_once(&mut call)
            }
            result => result,
        };
        result.map_err(Failure::into)
    }

    pub(super) fn call_once<T>(
        &mut self,
        call: &mut impl FnMut(&Session) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.session.is_none() {
            if let Some(why) = self.pause.why() {
                return Err(Failure::Store(StoreError::Failed(why.into())));
            }
            let connected = self.connect();
            connected.map_err(|error| StoreError::Failed(Box::new(error)))?;
        }
        let Some(session) = &self.session else {
            return Err(Failure::Store(StoreError::Failed("no connection".into())));
        };
        let result = call(session);
        if let Err(Failure::Call(error)) = &result
            && error.ends_connection()
        {
            let server = self.address.server(session.server);
            tracing::warn!(%server, %error, "the connection to PostgreSQL is given up");
            self.disconnect();
        }
        result
    }

    pub(super) fn execute(&mut self, words: &str) -> Result<(), StoreError> {
        self.call(|Session { connection, .. }| {
            Ok(connection.wait(connection.client.batch_execute(words))?)
        })
    }

    pub(super) fn find<T>(
        &mut self,
        query: &str,
        parameters: &[&str],
        read: Read<T>,
    ) -> Result<Option<T>, StoreError> {
        self.call(|Session { connection, .. }| {
            let typed: Vec<(&(dyn ToSql + Sync), Type)> = parameters
                .iter()
                .map(|text| (text as &(dyn ToSql + Sync), Type::TEXT))
                .collect();
            let rows = connection.wait(connection.client.query_typed(query, &typed))?;
            Ok(rows.first().map(|row| read(row)).transpose()?)
        })
    }

    pub(super) fn each<T>(
        &mut self,
        query: &str,
        parameters: &[&str],
        read: Read<T>,
        visit: &mut dyn FnMut(T),
    ) -> Result<(), StoreError> {
        let mut is_under_way = false;
        self.call(|Session { connection, .. }| {
            let parameters: Vec<_> = parameters
                .iter()
                .map(|text| text as &(dyn ToSql + Sync))
                .collect();
            let visited = connection.each_row(query, &parameters, |row| {
                is_under_way = true;
                visit(read(row)?);
                Ok(())
            });
            visited.map_err(|failure| match failure {
                // What was visited must not be visited again.
                Failure::Call(error) if is_under_way => Failure::Store(error.into()),
                failure => failure,
            })
        })
    }
}

/// Why something was not done with a connection.
pub(super) enum Failure {
    /// The call failed.
    Call(Error),
    /// There was no call, or what came of it is no use.
    Store(StoreError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Call(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Store(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> StoreError {
        match failure {
            Failure::Call(error) => error.into(),
            Failure::Store(error) => error,
        }
    }
}
