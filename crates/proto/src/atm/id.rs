//! The ids by which the bank recognises a repeat: a prefix and a UUID, as in
//! `WITH_018f4e6c-52d8-7cc3-9a0e-6f2b8d1c4a57`.
//!
//! A client generates them before it sends anything, preferably from version 7 UUIDs: keys that
//! ascend in time are stored faster. The text is the identity, so there is one form only: lower
//! case, with hyphens.

use core::fmt;
use core::str::FromStr;

use uuid::Uuid;

use crate::refusal::Refusal;

/// The kind of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A withdrawal: notes go out.
    Withdrawal,
    /// A deposit: notes come in.
    Deposit,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Kind::Withdrawal => "WITH_",
            Kind::Deposit => "DEP_",
        }
    }
}

/// The id of a withdrawal, `WITH_…`, or a deposit, `DEP_…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId {
    /// The kind of the transaction.
    pub kind: Kind,
    /// The number, unique among its kind.
    pub uuid: Uuid,
}

macro_rules! id {
    ($(#[$doc:meta])* $id:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $id(pub Uuid);

        impl FromStr for $id {
            type Err = Refusal;

            fn from_str(text: &str) -> Result<$id, Refusal> {
                uuid($prefix, text).map($id).ok_or_else(|| malformed($prefix))
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.hyphenated())
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id! {
    /// The id of a new account, `ACC_…`.
    CreationId, "ACC_"
}

id! {
    /// The id of one attempt to log in, `LOGIN_…`.
    LoginId, "LOGIN_"
}

/// The id that a request carries, and that every answer to it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestId {
    /// Of a withdrawal or deposit, or of its settlement.
    Transaction(TransactionId),
    /// Of a new account.
    Creation(CreationId),
    /// Of an attempt to log in.
    Login(LoginId),
}

impl TransactionId {
    /// The id of a withdrawal.
    pub fn withdrawal(uuid: Uuid) -> TransactionId {
        TransactionId {
            kind: Kind::Withdrawal,
            uuid,
        }
    }

    /// The id of a deposit.
    pub fn deposit(uuid: Uuid) -> TransactionId {
        TransactionId {
            kind: Kind::Deposit,
            uuid,
        }
    }
}

impl FromStr for TransactionId {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<TransactionId, Refusal> {
        [Kind::Withdrawal, Kind::Deposit]
            .into_iter()
            .find_map(|kind| {
                Some(TransactionId {
                    kind,
                    uuid: uuid(kind.prefix(), text)?,
                })
            })
            .ok_or_else(|| malformed("WITH_ or DEP_"))
    }
}

impl FromStr for RequestId {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<RequestId, Refusal> {
        let transaction = text.parse().map(RequestId::Transaction);
        transaction
            .or_else(|_| text.parse().map(RequestId::Creation))
            .or_else(|_| text.parse().map(RequestId::Login))
            .map_err(|_: Refusal| malformed("WITH_, DEP_, ACC_ or LOGIN_"))
    }
}

fn uuid(prefix: &str, text: &str) -> Option<Uuid> {
    let text = text.strip_prefix(prefix)?;
    let uuid = Uuid::try_parse(text).ok()?;
    // The parser accepts other forms of the same number as well.
    let mut canonical = Uuid::encode_buffer();
    (uuid.hyphenated().encode_lower(&mut canonical) == text).then_some(uuid)
}

fn malformed(prefix: &str) -> Refusal {
    // The text itself is left out: it may be a card number or a PIN.
    let words = alloc::format!("an id is {prefix} and a UUID in lower case with hyphens");
    Refusal::malformed(words)
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind.prefix(), self.uuid.hyphenated())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestId::Transaction(id) => id.fmt(f),
            RequestId::Creation(id) => id.fmt(f),
            RequestId::Login(id) => id.fmt(f),
        }
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Code;
    use alloc::format;
    use alloc::string::ToString;

    const UUID: &str = "018f4e6c-52d8-7cc3-9a0e-6f2b8d1c4a57";

    #[test]
    fn every_id_has_its_own_prefix() {
        let with: TransactionId = format!("WITH_{UUID}").parse().unwrap();
        let dep: TransactionId = format!("DEP_{UUID}").parse().unwrap();
        assert_eq!((with.kind, dep.kind), (Kind::Withdrawal, Kind::Deposit));
        assert_eq!(with.to_string(), format!("WITH_{UUID}"));
        assert_eq!(dep.to_string(), format!("DEP_{UUID}"));
        assert_ne!(with, dep);
        let acc: CreationId = format!("ACC_{UUID}").parse().unwrap();
        assert_eq!(acc.to_string(), format!("ACC_{UUID}"));
        let login: LoginId = format!("LOGIN_{UUID}").parse().unwrap();
        assert_eq!(login.to_string(), format!("LOGIN_{UUID}"));
        for id in [
            RequestId::Transaction(with),
            RequestId::Transaction(dep),
            RequestId::Creation(acc),
            RequestId::Login(login),
        ] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert!(format!("KEY_{UUID}").parse::<RequestId>().is_err());
    }

    #[test]
    fn one_uuid_has_one_text() {
        for text in [
            UUID.to_string(),
            format!("with_{UUID}"),
            format!("WITH_{}", UUID.to_uppercase()),
            format!("WITH_{}", UUID.replace('-', "")),
            format!("WITH_{{{UUID}}}"),
            format!("WITH_urn:uuid:{UUID}"),
            format!("WITH_{UUID} "),
            format!("WITH_{UUID}0"),
            format!("ACC_{UUID}"),
            "WITH_".into(),
            "".into(),
        ] {
            let refusal = text.parse::<TransactionId>().unwrap_err();
            assert_eq!(refusal.code, Code::Malformed, "{text}");
        }
        let refusal = "123456789".parse::<LoginId>().unwrap_err();
        assert!(!refusal.words.contains("123456789"));
        assert!(format!("WITH_{UUID}").parse::<CreationId>().is_err());
        assert!(format!("ACC_{UUID}").parse::<LoginId>().is_err());
    }
}
