//! A file of which one page after another is written in place and synced: the least work of a disk for
//! something durable.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

/// The bytes of a page.
const PAGE: usize = 4096;

/// How many there are.
const PAGES: u64 = 2048;

/// The file, which has no name.
#[derive(Debug)]
pub struct Pages {
    file: File,
    written: u64,
}

impl Pages {
    /// Creates it in this directory.
    pub fn create(directory: &Path) -> io::Result<Pages> {
        let mut file = tempfile::tempfile_in(directory)?;
        for _ in 0..PAGES {
            file.write_all(&[b'x'; PAGE])?;
        }
        file.sync_all()?;
        Ok(Pages { file, written: 0 })
    }

    /// Writes the next page, with other bytes than it has, and syncs it.
    pub fn write_next(&mut self) -> io::Result<()> {
        let page = [b'a' + (self.written % 26) as u8; PAGE];
        let offset = self.written % PAGES * PAGE as u64;
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(&page)?;
        self.written += 1;
        self.file.sync_data()
    }
}
