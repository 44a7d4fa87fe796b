//! A ledger that fails, and what it answers.

use std::sync::Mutex;

use proto::atm::LoginId;
use proto::atm::record::Login;

use super::super::store::Visit;
use super::*;

/// What goes wrong, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Begin,
    Write,
    Panic,
    CommitNothing,
    CommitAll,
}

/// A store in memory whose next fault is set from outside.
struct Failing {
    store: MemoryStore,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Failing {
    fn fails(&self, fault: Fault) -> bool {
        let mut next = self.fault.lock().unwrap();
        let now = *next == Some(fault);
        if now {
            *next = None;
        }
        now
    }

    fn check(&self, fault: Fault) -> Result<(), StoreError> {
        match self.fails(fault) {
            true => Err(StoreError::Failed("the disk is on fire".into())),
            false => Ok(()),
        }
    }
}

/// What the store in memory does as it is.
macro_rules! delegate {
    ($($method:ident($($argument:ident: $type:ty),*) -> $result:ty;)+) => {
        $(fn $method(&mut self, $($argument: $type),*) -> $result {
            self.store.$method($($argument),*)
        })+
    };
}

impl Store for Failing {
    fn begin(&mut self, at: Timestamp, operations: &[Operation]) -> Result<(), StoreError> {
        self.check(Fault::Begin)?;
        self.store.begin(at, operations)
    }
    fn date(&mut self, at: Timestamp) {
        self.store.date(at);
    }
    fn write(&mut self, write: Write) -> Result<(), StoreError> {
        self.store.write(write)?;
        assert!(!self.fails(Fault::Panic), "a fault that was asked for");
        self.check(Fault::Write)
    }
    fn commit(&mut self) -> Result<(), CommitError> {
        if let Err(error) = self.check(Fault::CommitNothing) {
            self.store.roll_back().unwrap();
            return Err(CommitError::NothingDone(error));
        }
        self.store.commit()?;
        self.check(Fault::CommitAll).map_err(CommitError::Unknown)
    }
    delegate! {
        begin_reading() -> Result<(), StoreError>;
        roll_back() -> Result<(), StoreError>;
        accounts() -> Result<Vec<Account>, StoreError>;
        each_record(visit: Visit<'_, TransactionRecord>) -> Result<(), StoreError>;
        each_login(visit: &mut dyn FnMut(Login)) -> Result<(), StoreError>;
        each_entry(of: Option<&CardNumber>, visit: Visit<'_, Entry>) -> Result<(), StoreError>;
        unsettled() -> Result<Vec<Dated<Transaction>>, StoreError>;
    }
}

impl Rows for Failing {
    type Error = StoreError;

    delegate! {
        account(card: &CardNumber) -> Result<Option<Account>, StoreError>;
        created(id: CreationId) -> Result<Option<Account>, StoreError>;
        record(id: TransactionId) -> Result<Option<TransactionRecord>, StoreError>;
        login(card: &CardNumber, id: LoginId) -> Result<Option<Login>, StoreError>;
    }
    fn now(&self) -> u64 {
        self.store.now()
    }
}

fn failing() -> (Failing, Arc<Mutex<Option<Fault>>>) {
    let fault = Arc::new(Mutex::new(None));
    let mut failing = Failing {
        store: MemoryStore::new(),
        fault: fault.clone(),
    };
    carry_out(&mut failing, &[create(1, CARD)])
        .remove(0)
        .unwrap();
    (failing, fault)
}

#[test]
fn when_nothing_was_done_the_refusal_is_definite_and_the_bank_goes_on() {
    for kind in [
        Fault::Begin,
        Fault::Write,
        Fault::Panic,
        Fault::CommitNothing,
    ] {
        let (store, fault) = failing();
        let bank = Bank::start(store).unwrap();
        *fault.lock().unwrap() = Some(kind);
        let refusal = bank.apply(hold(with(1), 100)).unwrap_err();
        assert_eq!(refusal.code, Code::Unavailable, "{kind:?}");
        let answer = bank.apply(hold(with(1), 100)).unwrap();
        assert!(
            matches!(answer, Answer::Held { repeat: false, .. }),
            "{kind:?}: {answer}"
        );
    }
}

#[test]
fn when_the_outcome_is_open_so_is_the_refusal_and_a_repeat_tells() {
    let (store, fault) = failing();
    let bank = Bank::start(store).unwrap();
    *fault.lock().unwrap() = Some(Fault::CommitAll);
    let refusal = bank.apply(hold(with(1), 100)).unwrap_err();
    assert!(!refusal.code.is_definite());
    let answer = bank.apply(hold(with(1), 100)).unwrap();
    assert!(
        matches!(answer, Answer::Held { repeat: true, .. }),
        "{answer}"
    );
}

#[test]
fn one_operation_that_cannot_be_written_does_not_harm_the_others() {
    for kind in [Fault::Write, Fault::Panic] {
        let (mut store, fault) = failing();
        *fault.lock().unwrap() = Some(kind);
        // Together they meet the fault; one by one they are all done, each of them once.
        let replies = carry_out(&mut store, &[hold(with(1), 100), hold(with(2), 100)]);
        assert!(
            replies
                .iter()
                .all(|reply| matches!(reply, Ok(Answer::Held { repeat: false, .. })))
        );
        assert_eq!(audit(&mut store).unwrap().unsettled, 2);
    }
}

#[test]
fn a_query_that_panics_does_not_end_the_bank() {
    let (store, _) = failing();
    let bank = Bank::start(store).unwrap();
    let refusal = bank
        .query::<()>(|_| panic!("a fault that was asked for"))
        .unwrap_err();
    assert_eq!(refusal.code, Code::Unavailable);
    assert!(bank.apply(hold(with(1), 100)).is_ok());
}
