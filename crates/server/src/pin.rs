//! PINs, hashed with Argon2id so that a stolen ledger does not give them away, and behind a gate,
//! since each hash takes 19 MiB and 20 ms of a core: a flood of log-ins must not take them all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::password_hash;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use proto::atm::{CreationId, Pin};
use proto::refusal::{Code, Refusal};

use crate::connections::ConnectionStatus;
use crate::turns::{Turn, Turns};

/// Memory of one hash, in KiB: with [`PASSES`] the least that OWASP advises.
const MEMORY_KIB: u32 = 19 * 1024;

/// Passes over the memory.
const PASSES: u32 = 2;

/// How long a log-in waits for its turn. At 20 ms each, a gate of two lets 500 pass in this time;
/// a log-in that waits longer is refused. Addresses [take turns](Turns).
pub const TURN_TIMEOUT: Duration = Duration::from_secs(5);

/// A hash of no PIN, checked when the card is unknown so that this takes as long as a wrong PIN.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whether this is a hash as [`PinGate::hash`] makes it. Of another cost it would be no hash of ours:
/// who writes a file of accounts does not choose how much memory a log-in takes.
pub fn is_hash(text: &str) -> bool {
    let cost = |text: &str| text.rsplitn(3, '$').last().map(str::to_owned);
    cost(text) == cost(DUMMY) && text.len() == DUMMY.len() && PasswordHash::new(text).is_ok()
}

/// What one hash is computed in. It is kept for the next: taken from the allocator by many threads
/// in turn, as much as a hash takes would stay behind in each.
type Memory = Vec<Block>;

/// Hashes so many PINs at a time, and no more. Clones share it.
#[derive(Debug, Clone)]
pub struct PinGate {
    turns: Turns,
    /// What the last hashes were computed in, as many as have a turn at once.
    kept: Arc<Mutex<Vec<Memory>>>,
    timeout: Duration,
    whose: Option<ConnectionStatus>,
}

impl PinGate {
    /// A gate as wide as there are cores.
    pub fn new() -> PinGate {
        PinGate::with(Turns::new(), TURN_TIMEOUT)
    }

    fn with(turns: Turns, timeout: Duration) -> PinGate {
        PinGate {
            turns,
            kept: Arc::default(),
            timeout,
            whose: None,
        }
    }

    /// The gate as this connection has it, which takes turns with those from other addresses.
    #[must_use]
    pub fn of(&self, whose: ConnectionStatus) -> PinGate {
        PinGate {
            whose: Some(whose),
            ..self.clone()
        }
    }

    /// Whether this is the PIN that was hashed. Without a hash it is not, and that takes as long.
    pub fn verify(&self, pin: &Pin, hash: Option<&str>) -> Result<bool, Refusal> {
        let mut permit = self.enter()?;
        match permit.matches(pin, hash.unwrap_or(DUMMY)) {
            Ok(matches) => Ok(matches && hash.is_some()),
            Err(error) => {
                tracing::error!(%error, "a PIN could not be checked");
                let words = "the PIN cannot be checked now";
                Err(Refusal::new(Code::Unavailable, words))
            }
        }
    }

    /// The hash of a new account's PIN, as a PHC string. The id is the salt: no two accounts have
    /// the same, and the same request repeated gives the same hash, by which it is recognised.
    pub fn hash(&self, pin: &Pin, id: CreationId) -> Result<String, Refusal> {
        let mut permit = self.enter()?;
        permit
            .hash(pin, id.0.as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| {
                tracing::error!(%error, "a PIN could not be hashed");
                Refusal::new(Code::Unavailable, "the PIN cannot be kept now")
            })
    }

    fn enter(&self) -> Result<Permit<'_>, Refusal> {
        let turn = self.turns.take(self.whose.as_ref(), self.timeout);
        let busy = || Refusal::new(Code::Busy, "too many log-ins at once; try again");
        let turn = turn.ok_or_else(busy)?;
        Ok(Permit {
            gate: self,
            memory: self.kept().pop().unwrap_or_default(),
            _turn: turn,
        })
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Memory>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to compute one hash.
struct Permit<'a> {
    gate: &'a PinGate,
    memory: Memory,
    // Given back behind the memory, which is there for the next turn.
    _turn: Turn,
}

impl Permit<'_> {
    fn matches(&mut self, pin: &Pin, hash: &str) -> password_hash::Result<bool> {
        let known = PasswordHash::new(hash)?;
        let algorithm = Algorithm::try_from(known.algorithm.as_str())?;
        let version = known
            .version
            .map_or(Ok(Version::default()), Version::try_from)?;
        let argon2 = Argon2::new(algorithm, version, Params::try_from(&known)?);
        let salt = known.salt.ok_or(password_hash::Error::SaltInvalid)?;
        // Compared in constant time.
        Ok(known.hash == Some(self.output(&argon2, pin, &salt)?))
    }

    fn hash(&mut self, pin: &Pin, salt: &[u8]) -> password_hash::Result<PasswordHash> {
        // Constant and in range; the defaults are the same today.
        let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or_default();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(argon2.params())?,
            salt: Some(Salt::new(salt)?),
            hash: Some(self.output(&argon2, pin, salt)?),
        })
    }

    fn output(&mut self, argon2: &Argon2, pin: &Pin, salt: &[u8]) -> password_hash::Result<Output> {
        let blocks = argon2.params().block_count();
        if self.memory.len() < blocks {
            self.memory.resize(blocks, Block::new());
        }
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        let pin = pin.reveal().as_bytes();
        argon2.hash_password_into_with_memory(pin, salt, &mut output, &mut self.memory)?;
        Ok(Output::new(&output)?)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.gate.kept().push(std::mem::take(&mut self.memory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(text: &str) -> Pin {
        text.parse().unwrap()
    }

    fn id(number: u128) -> CreationId {
        CreationId(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn a_hash_knows_its_pin_and_no_other() {
        let gate = PinGate::new();
        let hash = gate.hash(&pin("1234"), id(1)).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(gate.verify(&pin("1234"), Some(&hash)), Ok(true));
        assert_eq!(gate.verify(&pin("12345"), Some(&hash)), Ok(false));
        let refused = gate.verify(&pin("1234"), Some("nonsense")).unwrap_err();
        assert_eq!(refused.code, Code::Unavailable);
    }

    #[test]
    fn a_hash_is_what_argon2id_makes_of_it_whatever_was_hashed_before() {
        use argon2::PasswordHasher;
        let gate = PinGate::with(Turns::with(1), TURN_TIMEOUT);
        gate.hash(&pin("9999"), id(9)).unwrap();
        let hash = gate.hash(&pin("1234"), id(1)).unwrap();
        let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap();
        let expected = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_with_salt(b"1234", id(1).0.as_bytes())
            .unwrap();
        assert_eq!(hash, expected.to_string());
    }

    #[test]
    fn the_same_request_gives_the_same_hash_and_another_account_another() {
        let gate = PinGate::new();
        let hash = gate.hash(&pin("1234"), id(1)).unwrap();
        assert_eq!(gate.hash(&pin("1234"), id(1)).unwrap(), hash);
        assert_ne!(gate.hash(&pin("1234"), id(2)).unwrap(), hash);
    }

    #[test]
    fn no_pin_opens_an_unknown_card_and_the_dummy_is_a_full_hash() {
        let gate = PinGate::new();
        assert_eq!(gate.verify(&pin("0000"), None), Ok(false));
        let hash = gate.hash(&pin("0000"), id(1)).unwrap();
        let cost = |hash: &str| hash.rsplitn(3, '$').last().unwrap().to_owned();
        assert_eq!(cost(&hash), cost(DUMMY));
        assert_eq!(hash.len(), DUMMY.len());
    }

    #[test]
    fn a_log_in_that_waits_too_long_is_refused_as_busy() {
        let gate = PinGate::with(Turns::with(1), Duration::from_millis(1));
        let permit = gate.enter().unwrap();
        let refused = gate.verify(&pin("1234"), None).unwrap_err();
        assert_eq!(refused.code, Code::Busy);
        drop(permit);
        assert_eq!(gate.verify(&pin("1234"), None), Ok(false));
    }
}
