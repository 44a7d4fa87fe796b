//! The last warnings and errors, for the live page.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::layer::Context;

use super::fields::Fields;

/// Most that are kept.
const MOST: usize = 20;

/// Characters of one that are kept.
const LONGEST: usize = 400;

/// The last of them. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Warnings(Arc<Mutex<VecDeque<String>>>);

impl Warnings {
    /// Each with the time of day (UTC), the oldest first.
    pub fn list(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() > Level::WARN {
            return;
        }
        let mut line = format!("{} ", Timestamp::now().strftime("%H:%M:%S"));
        let _ = Fields.format_fields(Writer::new(&mut line), event);
        let mut line = line.into_bytes();
        proto::atm::mask_quoted(&mut line);
        let line = String::from_utf8_lossy(&line)
            .chars()
            .take(LONGEST)
            .collect();
        let mut kept = self.lock();
        if kept.len() == MOST {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn the_last_warnings_are_kept_and_nothing_below_them() {
        let warnings = Warnings::default();
        let registry = Registry::default().with(warnings.clone());
        tracing::subscriber::with_default(registry, || {
            tracing::info!("not kept");
            for number in 0..=MOST {
                tracing::warn!(number, "kept");
            }
            tracing::error!("kept too {}", "x".repeat(2 * LONGEST));
        });
        let list = warnings.list();
        assert_eq!(list.len(), MOST);
        assert!(list[0].ends_with(" kept number=2"), "{}", list[0]);
        assert_eq!(list[MOST - 1].chars().count(), LONGEST);
    }
}
