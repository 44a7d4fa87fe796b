//! A class of several groups, each with a bank, a room, faults and recordings of its own.
//!
//! Each group has a process, which is a `labserver` like any other; the operating system keeps them
//! apart. In reading order:
//!
//! * [`mod@file`]: `class.toml`, which groups there are;
//! * [`files`]: what is kept on disk, and setting a group's files aside;
//! * [`accounts`]: cards and PINs;
//! * [`init`]: the file and the accounts of a new class;
//! * `process`, `group`: one group's process, and what keeps it running;
//! * [`supervisor`], [`control`]: all of them, and what is asked of them while they run;
//! * [`sheet`]: a page for each group, to be printed;
//! * [`archive`]: a whole term in one file.

pub mod accounts;
pub mod archive;
pub mod control;
pub mod file;
pub mod files;
mod group;
pub mod init;
mod process;
pub mod sheet;
pub mod supervisor;
