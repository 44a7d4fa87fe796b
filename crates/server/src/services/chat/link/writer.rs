//! The thread that writes what members here ask for, and renews the lease of this server.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::refusal::{Code, Refusal};

use super::lease::Lease;
use super::{RETRY, connect};
use crate::config::RoomSettings;
use crate::redis::{Connection, Failure, Reply};
use crate::services::chat::queue::{Job, News, Task};
use crate::services::chat::room::{Room, Several};
use crate::services::chat::stream::{By, CALL, Outcome, Scripts};

/// How long is waited for replicas.
const REPLICAS: Duration = Duration::from_secs(1);

/// Most tasks that are sent together.
const TOGETHER: usize = 100;

/// Writes what members here ask for.
pub struct Writer {
    room: Room,
    several: Arc<Several>,
    settings: RoomSettings,
    lease: Lease,
}

/// Tasks that were sent together.
#[derive(Default)]
struct UnderWay {
    unanswered: VecDeque<Job>,
    /// Lines of which it is not known whether replicas have them.
    said: Vec<Job>,
    /// What Redis refused for now, which nobody waits for or somebody may still be granted.
    undone: Vec<Job>,
}

impl Writer {
    /// One that has not written yet.
    pub fn new(room: Room, several: Arc<Several>, settings: RoomSettings) -> Writer {
        Writer {
            room,
            several,
            lease: Lease::new(settings.lease),
            settings,
        }
    }

    /// Writes until the room is left.
    pub fn run(mut self) {
        let queue = &Arc::clone(&self.several).queue;
        let mut connection = None;
        let mut was_lost = false;
        loop {
            let Some(jobs) = queue.take(TOGETHER, self.lease.due()) else {
                return;
            };
            let opened = match connection.take() {
                Some(open) => Ok(open),
                None => connect(&self.settings),
            };
            let written = match opened {
                Ok(mut open) => self.write(&mut open, jobs).map(|()| open),
                Err(failure) => {
                    queue.put_back(jobs.into_iter(), false);
                    Err(failure)
                }
            };
            match written {
                Ok(open) => {
                    connection = Some(open);
                    was_lost = false;
                    if queue.set_up() {
                        tracing::info!("the room's Redis is there again");
                    }
                }
                // Another connection may be had at once.
                Err(Failure::Lost(error)) if !was_lost => {
                    tracing::debug!(%error, "lost the room's Redis");
                    was_lost = true;
                }
                Err(failure) => {
                    self.is_down(&failure);
                    if queue.pause(Instant::now() + RETRY) {
                        return;
                    }
                }
            }
        }
    }

    fn is_down(&mut self, failure: &Failure) {
        self.lease.has_gap();
        if self.several.queue.set_down(&failure.to_string()) {
            tracing::warn!("the room's Redis: {failure}; nobody can speak or join");
        }
    }

    /// Writes what these ask for. When it fails, what was not done, or not answered, is to be done
    /// again.
    fn write(&mut self, connection: &mut Connection, jobs: Vec<Job>) -> Result<(), Failure> {
        let mut under_way = UnderWay {
            unanswered: jobs.into(),
            ..UnderWay::default()
        };
        let written = self.write_each(connection, &mut under_way);
        let UnderWay {
            unanswered,
            said,
            undone,
        } = under_way;
        let queue = &self.several.queue;
        queue.put_back(unanswered.into_iter(), true);
        queue.put_back(said.into_iter(), true);
        queue.put_back(undone.into_iter(), false);
        written
    }

    fn write_each(
        &mut self,
        connection: &mut Connection,
        under_way: &mut UnderWay,
    ) -> Result<(), Failure> {
        let renews = self.lease.due() <= Instant::now();
        let jobs = &under_way.unanswered;
        let awaits_replicas = self.settings.replicas > 0 && jobs.iter().any(is_said);
        let mut scripts = Scripts::default();
        if renews {
            let removes = self.lease.is_without_gap();
            scripts.renew(&self.several.server, self.settings.lease, removes);
        }
        jobs.iter()
            .for_each(|job| self.add(&mut scripts, &job.task));
        let mut within = CALL;
        if awaits_replicas {
            scripts.wait(self.settings.replicas, REPLICAS);
            within += REPLICAS;
        }
        let sent = Instant::now();
        connection.send(&scripts.commands, within)?;
        let mut failed = Ok(());
        if renews {
            match refusal_apart(Outcome::of(connection.receive()?))? {
                Ok(_) => self.lease.was_renewed(sent),
                Err(words) => failed = Err(Failure::Refused(words)),
            }
        }
        while !under_way.unanswered.is_empty() {
            let outcome = refusal_apart(Outcome::of(connection.receive()?))?;
            let Some(job) = under_way.unanswered.pop_front() else {
                break;
            };
            match outcome {
                Ok(Outcome::Done) if awaits_replicas && is_said(&job) => under_way.said.push(job),
                Ok(Outcome::Done) => job.tell(News::Written),
                Ok(outcome) => self.refused(&job, &outcome),
                Err(words) if job.asker.is_none() || is_of_all(&words) => {
                    under_way.undone.push(job);
                    failed = Err(Failure::Refused(words));
                }
                Err(words) => job.refuse(&Failure::Refused(words).to_string()),
            }
        }
        if awaits_replicas {
            let have = match connection.receive()?.accepted()? {
                Reply::Integer(have) => have,
                other => return Err(Failure::unexpected(&other)),
            };
            for job in under_way.said.drain(..) {
                job.tell(self.with_replicas(have));
            }
        }
        failed
    }

    /// What to tell of a line that so many replicas have.
    fn with_replicas(&self, have: i64) -> News {
        let replicas = self.settings.replicas;
        if have >= i64::from(replicas) {
            return News::Written;
        }
        let words = format!(
            "it was said, but {have} of {replicas} replicas of Redis have it: it may be lost"
        );
        News::Refused(Refusal::new(Code::Internal, words))
    }

    fn add(&self, scripts: &mut Scripts, task: &Task) {
        let by = |member: &u64| By {
            server: Arc::clone(&self.several.server),
            member: *member,
        };
        match task {
            Task::Join(member, name) => scripts.join(&by(member), name, self.settings.lease),
            Task::Say(member, name, line, text) => scripts.say(&by(member), name, *line, text),
            Task::Leave(member, name, reason) => scripts.leave(&by(member), name, *reason),
            Task::Depart => scripts.depart(&self.several.server),
        }
    }

    fn refused(&self, job: &Job, outcome: &Outcome) {
        match (&job.task, &job.asker, outcome) {
            (Task::Join(member, _), None, _) => self.room.put_out(*member, outcome),
            (_, _, Outcome::Taken(name)) => {
                let words = format!("{name} is in the room");
                job.tell(News::Refused(Refusal::new(Code::NameTaken, words)));
            }
            (_, _, Outcome::Done | Outcome::Out) => {
                job.refuse("this server was away from the room for too long");
            }
        }
    }
}

/// What Redis refused is one thing, what cannot be known is a failure.
fn refusal_apart(outcome: Result<Outcome, Failure>) -> Result<Result<Outcome, String>, Failure> {
    match outcome {
        Ok(outcome) => Ok(Ok(outcome)),
        Err(Failure::Refused(words)) => Ok(Err(words)),
        Err(failure) => Err(failure),
    }
}

fn is_said(job: &Job) -> bool {
    matches!(job.task, Task::Say(..))
}

/// Whether nothing else would be done either: by a Redis that became a replica, or that starts.
fn is_of_all(words: &str) -> bool {
    words.starts_with("READONLY") || words.starts_with("LOADING")
}
