//! The rows of accounts that are opened from a file when the bank starts.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use uuid::Uuid;

use crate::bank;
use crate::customers::accounts_file;
use crate::rows::HASHES;
use crate::run::{OURS, Run, Side};

/// The accounts of the file: enough to occupy all cores, and few enough to wait for.
const ACCOUNTS: usize = 24;

/// The memory of one of the bank's hashes, in KiB.
const MEMORY_KIB: u32 = 19 * 1024;

/// Its passes over the memory.
const PASSES: u32 = 2;

/// Opens the accounts in a new ledger, and starts a bank whose ledger has them already.
pub fn opening(run: &mut Run) -> Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("speed-accounts-")
        .tempdir_in(&run.directory)?;
    let file = directory.path().join("accounts");
    fs::write(&file, accounts_file(ACCOUNTS))?;
    let programs = Arc::clone(&run.programs);
    let start = |ledger: &str| {
        let begun = Instant::now();
        let bank = bank::open(&programs, &directory.path().join(ledger), &file)?;
        let taken = begun.elapsed().as_secs_f64();
        drop(bank);
        Ok::<_, anyhow::Error>(taken)
    };
    if run.wants("accounts") {
        let mut ledgers = 0;
        let ours = || {
            ledgers += 1;
            let taken = start(&format!("new{ledgers}.db"))?;
            Ok(vec![ACCOUNTS as f64 / taken])
        };
        let hashes = || Ok(vec![ACCOUNTS as f64 / hash_all()?]);
        let sides = vec![Side::new(OURS, ours), Side::new(HASHES, hashes)];
        run.compare("accounts", sides)?;
    }
    if run.wants("accounts-again") {
        start("again.db")?;
        let again = || Ok(vec![start("again.db")? * 1e3]);
        run.compare("accounts-again", vec![Side::new(OURS, again)])?;
    }
    Ok(())
}

/// Hashes as many PINs as there are accounts, on all cores, as the bank does; the time in seconds.
fn hash_all() -> Result<f64> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|error| anyhow!("{error}"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    thread::scope(|scope| {
        let hash = || {
            let mut memory = vec![Block::default(); argon2.params().block_count()];
            while next.fetch_add(1, Ordering::Relaxed) < ACCOUNTS {
                let (salt, mut hash) = (Uuid::now_v7(), [0; 32]);
                argon2
                    .hash_password_into_with_memory(
                        b"1234",
                        salt.as_bytes(),
                        &mut hash,
                        &mut memory,
                    )
                    .map_err(|error| anyhow!("{error}"))?;
            }
            Ok::<_, anyhow::Error>(())
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(hash)).collect();
        let mut joined = threads.into_iter().map(|thread| thread.join());
        joined.try_for_each(|joined| joined.map_err(|_| anyhow!("a hash panicked"))?)
    })?;
    Ok(begun.elapsed().as_secs_f64())
}
