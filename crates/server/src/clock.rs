//! The clock of the date and time service.

use std::cell::RefCell;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Where the service reads the time.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system's clock, in the system's time zone.
    #[default]
    System,
    /// Always this moment, for tests.
    Fixed(Box<Zoned>),
}

impl Clock {
    /// Now, to the second.
    pub fn now(&self) -> Zoned {
        match self {
            Clock::System => this_second(),
            Clock::Fixed(moment) => (**moment).clone(),
        }
    }

    /// The zone's name and offset, as the log states it.
    pub fn zone(&self) -> String {
        let now = self.now();
        let name = match now.time_zone().iana_name() {
            Some(name) => name.to_owned(),
            None if *now.time_zone() == TimeZone::UTC => "UTC".to_owned(),
            None => "local time".to_owned(),
        };
        format!("{name} (UTC{})", now.offset())
    }
}

/// The system's time. What a calendar shows is the same for a whole second, and costs a search of the
/// time zone's rules: a thread computes it once for each second.
fn this_second() -> Zoned {
    thread_local! {
        static LATEST: RefCell<Option<Zoned>> = const { RefCell::new(None) };
    }
    let second = Timestamp::now().as_second();
    LATEST.with_borrow_mut(|latest| {
        let is_current = |latest: &&Zoned| latest.timestamp().as_second() == second;
        match latest.as_ref().filter(is_current) {
            Some(latest) => latest.clone(),
            None => latest.insert(Zoned::now()).clone(),
        }
    })
}
