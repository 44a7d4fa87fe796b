//! What a server has to tell the Redis that its room is on, in order: threads of members put it
//! here and wait, and one thread writes it to Redis.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use proto::chat::{Reason, Text};
use proto::name::Name;
use proto::refusal::{Code, Refusal};

/// How long a member waits until its request is done. Some calls to Redis may take that long in a
/// bad moment, and a new connection.
pub const PATIENCE: Duration = Duration::from_secs(4);

/// Something to be done to the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// This member of this server joins under this name.
    Join(u64, Name),
    /// It says its line of this number.
    Say(u64, Name, u64, Text),
    /// It leaves.
    Leave(u64, Name, Reason),
    /// The server goes, with all of its members.
    Depart,
}

/// What became of a task, for who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It has come back from the stream, to all members.
    Heard,
    /// Redis has it, and so have as many replicas as must.
    Written,
    /// It was refused.
    Refused(Refusal),
}

/// A task on its way.
#[derive(Debug)]
pub struct Job {
    id: u64,
    /// The task.
    pub task: Task,
    /// Who waits for it, and until when. What nobody waits for is done when it can be.
    pub asker: Option<(Sender<News>, Instant)>,
    /// Whether Redis may have it, though the answer did not come.
    was_sent: bool,
}

/// A task that is waited for.
#[derive(Debug)]
pub struct Waiting {
    id: u64,
    by: Instant,
    news: Receiver<News>,
}

/// The tasks, in their order.
#[derive(Debug, Default)]
pub struct Queue {
    state: Mutex<State>,
    has_changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    next_id: u64,
    /// Why Redis cannot be asked, while it cannot.
    down: Option<String>,
    has_stopped: bool,
}

impl Job {
    /// Tells who waits for it, if somebody does.
    pub fn tell(&self, news: News) {
        if let Some((asker, _)) = &self.asker {
            // It may have given up.
            let _ = asker.send(news);
        }
    }

    /// Tells who waits for it that it is refused for this reason.
    pub fn refuse(&self, reason: &str) {
        self.tell(News::Refused(self.refusal(reason)));
    }

    /// Nothing was done; or that is not known, since Redis may have had it before, and lost it when
    /// members had heard it.
    fn refusal(&self, reason: &str) -> Refusal {
        match self.was_sent {
            true => not_known(reason),
            false => unavailable(reason),
        }
    }

    fn is_given_up(&self) -> bool {
        let by = self.asker.as_ref().map(|(_, by)| *by);
        by.is_some_and(|by| by <= Instant::now())
    }
}

impl Queue {
    /// Has this done when it can be, however long that takes.
    pub fn leave(&self, task: Task) {
        self.push(&mut self.lock(), task, None);
    }

    /// Has this done, to be waited for; news of it may be sent with the second.
    ///
    /// # Errors
    /// When Redis cannot be asked: nothing was done.
    pub fn ask(&self, task: Task) -> Result<(Waiting, Sender<News>), Refusal> {
        let mut state = self.lock();
        if let Some(reason) = &state.down {
            return Err(unavailable(reason));
        }
        let (sender, news) = mpsc::channel();
        let by = Instant::now() + PATIENCE;
        let id = self.push(&mut state, task, Some((sender.clone(), by)));
        Ok((Waiting { id, by, news }, sender))
    }

    fn push(&self, state: &mut State, task: Task, asker: Option<(Sender<News>, Instant)>) -> u64 {
        let id = state.next_id;
        state.next_id += 1;
        state.jobs.push_back(Job {
            id,
            task,
            asker,
            was_sent: false,
        });
        self.has_changed.notify_all();
        id
    }

    /// Waits until it is written, and heard where it must be too. What is written and not heard in
    /// time will be.
    ///
    /// # Errors
    /// When it was refused; or [`Code::Internal`] when that is not known.
    pub fn wait(&self, waiting: Waiting, until: &[News]) -> Result<(), Refusal> {
        let mut news = Vec::new();
        while !until.iter().all(|awaited| news.contains(awaited)) {
            let left = waiting.by.saturating_duration_since(Instant::now());
            match waiting.news.recv_timeout(left) {
                Ok(News::Refused(refusal)) => return Err(refusal),
                Ok(other) => news.push(other),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return match news.contains(&News::Written) {
                        true => Ok(()),
                        false => Err(self.withdraw(waiting.id)),
                    };
                }
            }
        }
        Ok(())
    }

    /// Takes a task back; says whether it certainly was not done.
    fn withdraw(&self, id: u64) -> Refusal {
        let mut state = self.lock();
        let reason = state.down.clone();
        let reason = reason.unwrap_or_else(|| "Redis does not answer".into());
        let place = state.jobs.iter().position(|job| job.id == id);
        let job = place.and_then(|place| state.jobs.remove(place));
        job.map_or_else(|| not_known(&reason), |job| job.refusal(&reason))
    }

    /// Up to so many tasks, from the first; none when none came until this moment. `None` when there
    /// is nothing more to do.
    pub fn take(&self, most: usize, until: Instant) -> Option<Vec<Job>> {
        let wait = until.saturating_duration_since(Instant::now());
        let is_idle = |state: &mut State| state.jobs.is_empty() && !state.has_stopped;
        let waited = self
            .has_changed
            .wait_timeout_while(self.lock(), wait, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.has_stopped && state.jobs.is_empty() {
            return None;
        }
        let most = most.min(state.jobs.len());
        Some(state.jobs.drain(..most).collect())
    }

    /// Waits until this moment, or until there is nothing more to do, which it says.
    pub fn pause(&self, until: Instant) -> bool {
        let wait = until.saturating_duration_since(Instant::now());
        let waited = self
            .has_changed
            .wait_timeout_while(self.lock(), wait, |state| !state.has_stopped);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.has_stopped
    }

    /// Puts tasks back in front, which are to be done again, unless nobody waits for them any more.
    pub fn put_back(&self, jobs: impl DoubleEndedIterator<Item = Job>, were_sent: bool) {
        let mut state = self.lock();
        for mut job in jobs.rev().filter(|job| !job.is_given_up()) {
            job.was_sent |= were_sent;
            state.jobs.push_front(job);
        }
    }

    /// Redis cannot be asked: whoever waits for what was not sent is told, and whoever asks. Says
    /// whether that is new.
    pub fn set_down(&self, reason: &str) -> bool {
        let mut state = self.lock();
        let can_wait = |job: &Job| job.was_sent || job.asker.is_none();
        let (kept, refused) = std::mem::take(&mut state.jobs)
            .into_iter()
            .partition(can_wait);
        state.jobs = kept;
        let was_up = state.down.replace(reason.to_owned()).is_none();
        drop(state);
        let refused: VecDeque<Job> = refused;
        for job in refused {
            job.refuse(reason);
        }
        was_up
    }

    /// Redis can be asked again; says whether that is new.
    pub fn set_up(&self) -> bool {
        self.lock().down.take().is_some()
    }

    /// There will be no more tasks.
    pub fn stop(&self) {
        self.lock().has_stopped = true;
        self.has_changed.notify_all();
    }

    /// Whether there will be no more tasks.
    pub fn has_stopped(&self) -> bool {
        self.lock().has_stopped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing was done.
fn unavailable(reason: &str) -> Refusal {
    Refusal::new(Code::Unavailable, format!("{reason}; nothing was done"))
}

fn not_known(reason: &str) -> Refusal {
    let words = format!("{reason}; whether this was done is not known");
    Refusal::new(Code::Internal, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(number: u64) -> Task {
        Task::Join(number, "Joty".parse().unwrap())
    }

    fn take(queue: &Queue) -> Vec<Job> {
        queue.take(10, Instant::now()).unwrap()
    }

    #[test]
    fn what_may_have_been_done_before_is_not_refused_as_if_it_was_not() {
        for (were_sent, code) in [(false, Code::Unavailable), (true, Code::Internal)] {
            let queue = Queue::default();
            let (waiting, _asker) = queue.ask(join(1)).unwrap();
            queue.put_back(take(&queue).into_iter(), were_sent);
            take(&queue)[0].refuse("away");
            let refusal = queue.wait(waiting, &[News::Written]).unwrap_err();
            assert_eq!(refusal.code, code, "{refusal:?}");
        }
    }

    fn tasks(jobs: &[Job]) -> Vec<Task> {
        jobs.iter().map(|job| job.task.clone()).collect()
    }

    #[test]
    fn what_is_done_is_told_to_who_waits() {
        let queue = Queue::default();
        let (waiting, heard) = queue.ask(join(1)).unwrap();
        take(&queue)[0].tell(News::Written);
        heard.send(News::Heard).unwrap();
        let both = [News::Heard, News::Written];
        queue.wait(waiting, &both).unwrap();

        let (waiting, _) = queue.ask(join(2)).unwrap();
        let refusal = unavailable("full");
        take(&queue)[0].tell(News::Refused(refusal.clone()));
        assert_eq!(queue.wait(waiting, &both), Err(refusal));
    }

    #[test]
    fn tasks_that_are_to_be_done_again_come_first_and_in_their_order() {
        let queue = Queue::default();
        (1..=3).for_each(|number| queue.leave(join(number)));
        let jobs = queue.take(2, Instant::now()).unwrap();
        queue.put_back(jobs.into_iter(), true);
        assert_eq!(tasks(&take(&queue)), [join(1), join(2), join(3)]);
    }

    #[test]
    fn when_redis_is_away_who_asks_is_refused_at_once_and_what_nobody_waits_for_is_kept() {
        let queue = Queue::default();
        let (sent, _) = queue.ask(join(1)).unwrap();
        queue.put_back(take(&queue).into_iter(), true);
        let (unsent, _) = queue.ask(join(2)).unwrap();
        queue.leave(join(3));
        assert!(queue.set_down("it is away"));
        assert!(!queue.set_down("it is away"));
        let refusal = queue.wait(unsent, &[News::Written]).unwrap_err();
        assert_eq!(refusal.code, Code::Unavailable);
        assert_eq!(refusal.words, "it is away; nothing was done");
        assert_eq!(queue.ask(join(4)).unwrap_err(), refusal);
        assert_eq!(tasks(&take(&queue)), [join(1), join(3)]);
        assert!(queue.set_up());
        queue.ask(join(5)).unwrap();
        drop(sent);
    }

    #[test]
    fn whether_what_was_sent_was_done_is_not_known_and_it_is_not_done_later() {
        let queue = Queue::default();
        for (was_sent, code) in [(true, Code::Internal), (false, Code::Unavailable)] {
            let (mut waiting, _) = queue.ask(join(1)).unwrap();
            queue.put_back(take(&queue).into_iter(), was_sent);
            waiting.by = Instant::now();
            let refusal = queue.wait(waiting, &[News::Written]).unwrap_err();
            assert_eq!(refusal.code, code);
            assert!(take(&queue).is_empty());
        }
        let (waiting, _) = queue.ask(join(2)).unwrap();
        let mut jobs = take(&queue);
        jobs[0].asker.as_mut().unwrap().1 = Instant::now();
        queue.put_back(jobs.into_iter(), true);
        assert!(take(&queue).is_empty(), "nobody waits for it");
        drop(waiting);
    }

    #[test]
    fn a_stopped_queue_is_emptied_first() {
        let queue = Queue::default();
        queue.leave(Task::Depart);
        queue.stop();
        assert!(queue.pause(Instant::now() + PATIENCE));
        assert_eq!(tasks(&take(&queue)), [Task::Depart]);
        assert!(queue.take(1, Instant::now() + PATIENCE).is_none());
    }
}
