//! The drawer of a simulated cash machine: how much is in it, on disk.
//!
//! A drawer is a physical thing: it moves when it moves, whatever the journal says, and it can be
//! counted after a crash. Two slots are written in turn, each with a sequence number and a checksum,
//! so that one whole count is always there.

use std::fs::File;
use std::io::{self, Read, SeekFrom};
use std::path::Path;

use proto::atm::Money;

use super::disk::Disk;

/// A slot's length in bytes: a disk's smallest unit, so that no write touches both.
const SLOT: usize = 512;

/// An open drawer.
#[derive(Debug)]
pub struct Drawer<D = File> {
    file: D,
    sequence: u64,
    count: Money,
}

impl Drawer {
    /// Opens the drawer, or fills a new one with this much.
    ///
    /// # Errors
    /// When the file cannot be used, or holds no whole count.
    pub fn open(path: &Path, filling: Money) -> io::Result<Drawer> {
        Drawer::over(state::open(path)?.file, filling)
    }
}

impl<D: Disk> Drawer<D> {
    fn over(mut file: D, filling: Money) -> io::Result<Drawer<D>> {
        let mut slots = Vec::new();
        (&mut file).take(2 * SLOT as u64).read_to_end(&mut slots)?;
        let newest = slots
            .chunks(SLOT)
            .filter_map(read_slot)
            .max_by_key(|(sequence, _)| *sequence);
        match newest {
            Some((sequence, count)) => Ok(Drawer {
                file,
                sequence,
                count,
            }),
            // The second count would be in the first slot, so there was none, and a first was never
            // written whole.
            None if slots.iter().take(SLOT).all(|byte| *byte == 0) => {
                let mut drawer = Drawer {
                    file,
                    sequence: 0,
                    count: filling,
                };
                drawer.set(filling)?;
                Ok(drawer)
            }
            None => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the drawer has no whole count in it",
            )),
        }
    }

    /// What is in it.
    pub fn count(&self) -> Money {
        self.count
    }

    /// Moves notes such that this much is in it.
    ///
    /// # Errors
    /// When it could not be written: then whether the notes moved is not known before the drawer is
    /// opened again.
    pub fn set(&mut self, count: Money) -> io::Result<()> {
        let sequence = self.sequence + 1;
        let text = format!("{sequence} {}", count.minor());
        let sum = crc32fast::hash(text.as_bytes());
        let mut slot = format!("{text} {sum:08x}\n").into_bytes();
        slot.resize(SLOT, 0);
        let place = if sequence.is_multiple_of(2) {
            0
        } else {
            SLOT as u64
        };
        self.file.seek(SeekFrom::Start(place))?;
        self.file.write_all(&slot)?;
        self.file.sync()?;
        self.sequence = sequence;
        self.count = count;
        Ok(())
    }
}

fn read_slot(slot: &[u8]) -> Option<(u64, Money)> {
    let line = slot.split(|byte| *byte == b'\n').next()?;
    let (text, sum) = str::from_utf8(line).ok()?.rsplit_once(' ')?;
    if sum != format!("{:08x}", crc32fast::hash(text.as_bytes())) {
        return None;
    }
    let (sequence, count) = text.split_once(' ')?;
    Some((
        sequence.parse().ok()?,
        Money::from_minor(count.parse().ok()?)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cash_machine::disk::failing::Failing;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn the_count_is_there_when_the_drawer_is_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("drawer");
        let mut drawer = Drawer::open(&path, money("1000")).unwrap();
        for count in ["500", "499.99", "2000"] {
            drawer.set(money(count)).unwrap();
            drop(drawer);
            drawer = Drawer::open(&path, money("1000")).unwrap();
            assert_eq!(drawer.count(), money(count));
        }
    }

    #[test]
    fn a_torn_slot_leaves_the_count_before_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("drawer");
        let mut drawer = Drawer::open(&path, money("1000")).unwrap();
        drawer.set(money("900")).unwrap();
        drawer.set(money("800")).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        // The third count is in the second slot.
        bytes[SLOT + 3] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(
            Drawer::open(&path, money("1000")).unwrap().count(),
            money("900")
        );
        bytes[3] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(Drawer::open(&path, money("1000")).is_err());
    }

    /// Opens a drawer on this disk and counts it down from 10.00, until the disk fails or it is done.
    /// Gives the last count that was set, if any, and the one that failed.
    fn counted_down(disk: &mut Failing) -> (Option<Money>, Option<Money>) {
        let full = money("10");
        let Ok(mut drawer) = Drawer::over(disk, full) else {
            return (None, Some(full));
        };
        for minor in (996..1000).rev() {
            let count = Money::from_minor(minor).unwrap();
            if drawer.set(count).is_err() {
                return (Some(drawer.count()), Some(count));
            }
        }
        (Some(drawer.count()), None)
    }

    #[test]
    fn wherever_the_disk_fails_the_drawer_has_the_count_before_or_the_one_after() {
        for left in 0.. {
            let mut disk = Failing::holding(b"", left);
            let (last, failed) = counted_down(&mut disk);
            for found in disk.found() {
                let drawer = Drawer::over(Failing::holding(&found, 2), money("10")).unwrap();
                let count = Some(drawer.count());
                let is_new = last.is_none() && count == Some(money("10"));
                assert!(
                    is_new || count == last || count == failed,
                    "{left}: {drawer:?}"
                );
            }
            if failed.is_none() {
                // A write and a sync each.
                assert_eq!(left, 10);
                return;
            }
        }
    }
}
