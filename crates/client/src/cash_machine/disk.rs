//! What a journal and a drawer need of their file, so that a test can give them one on a disk that
//! fails.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// A file on a disk.
pub trait Disk: Read + Write + Seek {
    /// Returns when all that was written is on the disk, and the file's length.
    ///
    /// # Errors
    /// When that cannot be had: then whatever was written since the last time may be there or not.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn sync(&mut self) -> io::Result<()> {
        // Which syncs a changed length too.
        self.sync_data()
    }
}

/// A disk that fails, and what can be found on it after that.
#[cfg(test)]
pub mod failing {
    use std::io::{Cursor, Read, Seek, SeekFrom, Write};

    use super::{Disk, io};

    /// The smallest unit that a disk writes whole, in bytes.
    const SECTOR: usize = 512;

    /// A file on a disk that does so many writes and syncs, and then fails for good, as at a power
    /// cut: in the middle of a write, and with a sync not done.
    #[derive(Debug, Clone)]
    pub struct Failing {
        written: Cursor<Vec<u8>>,
        synced: Vec<u8>,
        left: usize,
        is_dead: bool,
    }

    impl Failing {
        /// A file with this content.
        pub fn holding(content: &[u8], left: usize) -> Failing {
            Failing {
                written: Cursor::new(content.to_vec()),
                synced: content.to_vec(),
                left,
                is_dead: false,
            }
        }

        /// What may be in the file after the power cut: of what was not synced nothing, all, or
        /// every other sector.
        pub fn found(&self) -> Vec<Vec<u8>> {
            let (old, new) = (&self.synced, self.written.get_ref());
            let mixed = |first: usize| {
                let (mut old, mut mixed) = (old.clone(), new.clone());
                // A sector that was never written reads as zeros.
                old.resize(mixed.len(), 0);
                let sectors = mixed.chunks_mut(SECTOR).zip(old.chunks(SECTOR));
                for (sector, old) in sectors.skip(first).step_by(2) {
                    sector.copy_from_slice(old);
                }
                mixed
            };
            vec![old.clone(), new.clone(), mixed(0), mixed(1)]
        }

        /// Whether the disk still does this.
        fn does_it(&mut self) -> bool {
            match self.left.checked_sub(1) {
                Some(left) => self.left = left,
                None => self.is_dead = true,
            }
            !self.is_dead
        }
    }

    fn power_cut<T>() -> io::Result<T> {
        Err(io::Error::other("power cut"))
    }

    impl Disk for Failing {
        fn sync(&mut self) -> io::Result<()> {
            if !self.does_it() {
                return power_cut();
            }
            self.synced.clone_from(self.written.get_ref());
            Ok(())
        }
    }

    impl Disk for &mut Failing {
        fn sync(&mut self) -> io::Result<()> {
            (**self).sync()
        }
    }

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let was_dead = self.is_dead;
            if self.does_it() {
                return self.written.write(bytes);
            }
            if !was_dead {
                self.written.write_all(&bytes[..bytes.len() / 2])?;
            }
            power_cut()
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.written.read(buffer)
        }
    }

    impl Seek for Failing {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.written.seek(to)
        }
    }
}
