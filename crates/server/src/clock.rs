//! The clock of the date and time service.

use jiff::Zoned;
use jiff::tz::TimeZone;

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
    /// Now.
    pub fn now(&self) -> Zoned {
        match self {
            Clock::System => Zoned::now(),
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
