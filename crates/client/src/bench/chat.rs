//! A room full of members, some of whom speak: how long a line takes to each member, whether every
//! line is delivered to all, and in one order.
//!
//! Each sender says 10 lines a second unless `--rate` asks for less or more. A room takes no more
//! than that by default, after 20 at once; a server of our own takes all, so that the room is measured
//! and not its brake.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use measure::bench::latencies::percentiles;
use measure::bench::load::{Load, POLL_INTERVAL, STACK_SIZE};
use measure::bench::report::errors;
use measure::bench::tally::{ErrorKind, OperationError, Tally};
use proto::chat::{Event, Message, Request, Text};
use proto::name::Name;
use serde_json::json;
use wire::connection::{Reader, ReceiveError, Writer};
use wire::fault::random_seed;

use super::workload::Workload;
use crate::failure::{Failure, Status};
use crate::output::{Output, say};
use crate::session::Session;

/// Lines a second that a room takes from one sender by default, without throttling it.
const LINES_PER_SECOND: f64 = 10.0;

/// How long members wait for the rest when nothing comes any more.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Says and listens until enough was said, and prints what came of it.
pub fn run(
    workload: &Workload,
    load: &Load,
    senders: u32,
    output: Output,
) -> Result<Status, Failure> {
    let rate = load.rate.unwrap_or(LINES_PER_SECOND * f64::from(senders));
    if !workload.is_own_server && rate > LINES_PER_SECOND * f64::from(senders) {
        say(&format!(
            "{rate} lines a second from {senders} senders is more than the {LINES_PER_SECOND} each that \
             a room takes by default: unless the server runs with --chat-rate 0, its brake is measured too"
        ));
    }
    let mut tally = Tally::default();
    let members = join(workload, load.connections, &mut tally)?;
    let room = RoomRun {
        base: Instant::now(),
        rate,
        senders,
        most: load.requests,
        duration: load.duration,
        said: (0..senders).map(|_| AtomicU64::new(0)).collect(),
        is_over: AtomicBool::new(false),
        workload,
    };
    let deliveries = room.run(members)?;
    tally.elapsed = room.base.elapsed();
    tally.was_interrupted = workload.patience.interrupt.came();
    let load = Load {
        rate: Some(rate),
        ..load.clone()
    };
    report(&room, &deliveries, tally, &load, output)
}

/// All join before anything is said.
fn join(
    workload: &Workload,
    count: u32,
    tally: &mut Tally,
) -> Result<Vec<(Reader, Writer)>, Failure> {
    // A room may have members of another bench.
    let run = random_seed();
    let mut members = Vec::new();
    for number in 0..count {
        if workload.patience.interrupt.came() {
            return Err(Failure::Interrupted);
        }
        let began = Instant::now();
        let name: Name = format!("b{run:x}-{number}")
            .parse()
            .map_err(Failure::Refused)?;
        let mut session = Session::open(&workload.target(number))?;
        let request = Request::Join(name);
        session.ask(&request)?.map_err(Failure::Refused)?;
        members.push(session.into_connection().split());
        tally.connecting.record(began.elapsed());
    }
    Ok(members)
}

struct RoomRun<'a> {
    /// What the moments in the lines are counted from.
    base: Instant,
    /// Lines a second, of all senders together.
    rate: f64,
    senders: u32,
    most: Option<u64>,
    duration: Option<Duration>,
    /// What each sender has said so far.
    said: Vec<AtomicU64>,
    /// Whether all has been said.
    is_over: AtomicBool,
    workload: &'a Workload,
}

#[derive(Default)]
struct Deliveries {
    lines: u64,
    tally: Tally,
    /// The order, as one number: the same for members with the same lines in the same order.
    order: u64,
    /// Lines that did not follow the last one of their sender.
    out_of_order: u64,
}

impl RoomRun<'_> {
    fn run(&self, members: Vec<(Reader, Writer)>) -> Result<Vec<Deliveries>, Failure> {
        // The writers are dropped last: no member leaves before all have received everything.
        let (readers, mut writers): (Vec<Reader>, Vec<Writer>) = members.into_iter().unzip();
        thread::scope(|scope| {
            let thread = || thread::Builder::new().stack_size(STACK_SIZE);
            let readers = readers.into_iter();
            let listening = readers.map(|reader| {
                let listen = move || self.listen(reader);
                thread().spawn_scoped(scope, listen)
            });
            let senders = (0..self.senders).zip(&mut writers);
            let speaking = senders.map(|(number, writer)| {
                let speak = move || self.speak(number, writer);
                thread().spawn_scoped(scope, speak)
            });
            let listening: io::Result<Vec<_>> = listening.collect();
            let started = listening.and_then(|all| Ok((all, speaking.collect::<io::Result<_>>()?)));
            let (listening, speaking): (Vec<_>, Vec<_>) = started.map_err(|error| {
                // The threads that run end by themselves.
                self.workload.patience.interrupt.raise();
                self.is_over.store(true, Ordering::Release);
                Failure::Resource(format!("cannot start a thread: {error}"))
            })?;
            let spoken = speaking.into_iter().map(|thread| joined(thread).flatten());
            let spoken: Vec<Result<(), Failure>> = spoken.collect();
            self.is_over.store(true, Ordering::Release);
            let deliveries: Result<_, Failure> = listening.into_iter().map(joined).collect();
            spoken.into_iter().collect::<Result<(), Failure>>()?;
            deliveries
        })
    }

    /// Says one line after another, each when it is due. The senders take turns.
    fn speak(&self, sender: u32, writer: &mut Writer) -> Result<(), Failure> {
        for number in 0.. {
            let turn = number * u64::from(self.senders) + u64::from(sender);
            if self.most.is_some_and(|most| turn >= most) {
                break;
            }
            let due = Duration::from_secs_f64(turn as f64 / self.rate);
            if self.duration.is_some_and(|duration| due >= duration) || !self.wait_until(due) {
                break;
            }
            let text = format!("{sender} {number} {}", due.as_nanos());
            let text: Text = text.parse().map_err(Failure::Refused)?;
            let said = writer.send(Request::Say(text).to_string().as_bytes());
            // The thread that listens on this connection counts that it is lost.
            if said.is_err() {
                break;
            }
            self.said[sender as usize].fetch_add(1, Ordering::Release);
        }
        Ok(())
    }

    /// Whether the wait was not interrupted.
    fn wait_until(&self, due: Duration) -> bool {
        loop {
            if self.workload.patience.interrupt.came() {
                return false;
            }
            let left = due.saturating_sub(self.base.elapsed());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(POLL_INTERVAL));
        }
    }

    fn all_said(&self) -> u64 {
        self.said
            .iter()
            .map(|said| said.load(Ordering::Acquire))
            .sum()
    }

    /// Listens until everything that was said has come, or nothing comes any more.
    fn listen(&self, mut reader: Reader) -> Deliveries {
        let mut deliveries = Deliveries::default();
        let mut next = vec![0; self.senders as usize];
        let mut last = Instant::now();
        loop {
            if self.is_over.load(Ordering::Acquire)
                && (deliveries.lines >= self.all_said() || last.elapsed() > DRAIN_TIMEOUT)
            {
                return deliveries;
            }
            match reader.receive(Some(Instant::now() + POLL_INTERVAL)) {
                Ok(Some(message)) => {
                    last = Instant::now();
                    self.count(&message, &mut deliveries, &mut next);
                }
                Err(ReceiveError::DeadlinePassed) => {}
                Ok(None) | Err(_) => {
                    deliveries.tally.failed(ErrorKind::Lost);
                    return deliveries;
                }
            }
        }
    }

    fn count(&self, message: &[u8], deliveries: &mut Deliveries, next: &mut [u64]) {
        let text = String::from_utf8_lossy(message);
        let tally = &mut deliveries.tally;
        match Message::parse(&text) {
            Some(Message::Event(Event::Said(_, text))) => {
                let Some((sender, number, due)) = read_line(text.as_str()) else {
                    return;
                };
                let Some(expected) = next.get_mut(sender as usize) else {
                    return;
                };
                let latency = self.base.elapsed().saturating_sub(due);
                tally.latency.record(latency);
                deliveries.out_of_order += u64::from(*expected != number);
                *expected = number + 1;
                deliveries.lines += 1;
                deliveries.order = chained(deliveries.order, u64::from(sender) << 40 ^ number);
            }
            Some(Message::Reply(Err(refusal))) => tally.failed(Failure::Refused(refusal).kind()),
            Some(Message::Reply(Ok(_)) | Message::Event(_)) => {}
            None => tally.error("no message"),
        }
    }
}

fn joined<T>(thread: ScopedJoinHandle<T>) -> Result<T, Failure> {
    let lost = |_| Failure::Resource("a thread ended badly".into());
    thread.join().map_err(lost)
}

/// Sender, number and due moment of a line of ours.
fn read_line(text: &str) -> Option<(u32, u64, Duration)> {
    let mut words = text.split(' ');
    let sender = words.next()?.parse().ok()?;
    let number = words.next()?.parse().ok()?;
    let due = Duration::from_nanos(words.next()?.parse().ok()?);
    words.next().is_none().then_some((sender, number, due))
}

/// A number that depends on all lines so far, and on their order.
fn chained(order: u64, line: u64) -> u64 {
    wire::fault::generator::SplitMix64::new(order.rotate_left(1) ^ line).next_u64()
}

fn report(
    run: &RoomRun,
    members: &[Deliveries],
    mut tally: Tally,
    load: &Load,
    output: Output,
) -> Result<Status, Failure> {
    let description = run.workload.description();
    let said = run.all_said();
    let mut deliveries = 0;
    for member in members {
        deliveries += member.lines;
        tally.add(&member.tally);
    }
    let is_complete = members.iter().all(|member| member.lines == said);
    let is_in_order = members.iter().all(|member| member.out_of_order == 0)
        && members.windows(2).all(|two| two[0].order == two[1].order);
    let seconds = tally.elapsed.as_secs_f64().max(1e-9);
    if output.json {
        let mut object = description.json(load, &tally);
        for (key, value) in [
            ("members", json!(members.len())),
            ("senders", json!(run.senders)),
            ("said", json!(said)),
            ("deliveries", json!(deliveries)),
            ("deliveries_per_s", json!(deliveries as f64 / seconds)),
            ("everybody_was_told_everything", json!(is_complete)),
            ("everybody_in_one_order", json!(is_in_order)),
            ("delivery_latency_ms", tally.latency.json()),
        ] {
            object[key] = value;
        }
        if let Some(members) = object.as_object_mut() {
            // They count answers, and deliveries are none.
            for key in ["answered", "throughput_per_s", "latency_ms"] {
                members.remove(key);
            }
        }
        output.line(&object.to_string())?;
    } else {
        let yes = |is: bool| if is { "yes" } else { "NO" };
        let mut text = description.heading(load, &tally);
        text += &format!(
            "said        {said} by {} senders in {seconds:.2} s: {:.1} per s\n\
             deliveries  {deliveries} to {} members: {:.0} per s\n\
             complete    {}: every member received every line\n\
             one order   {}: the same for everybody\n",
            run.senders,
            said as f64 / seconds,
            members.len(),
            deliveries as f64 / seconds,
            yes(is_complete),
            yes(is_in_order),
        );
        text += &errors(&tally.errors);
        text += &percentiles(&[
            ("delivery", &tally.latency),
            ("connecting", &tally.connecting),
        ]);
        text += &tally.latency.bars();
        output.line(text.trim_end())?;
    }
    Ok(if is_complete && is_in_order {
        Status::Done
    } else {
        Status::Refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_which_and_when_and_others_are_not_ours() {
        let due = Duration::from_nanos(1_500);
        assert_eq!(read_line("3 14 1500"), Some((3, 14, due)));
        for text in ["", "hello", "3 14", "3 14 1500 92", "-3 14 1500"] {
            assert_eq!(read_line(text), None, "{text:?}");
        }
    }

    #[test]
    fn another_order_is_another_number() {
        let number = |lines: &[u64]| lines.iter().fold(0, |order, line| chained(order, *line));
        assert_eq!(number(&[1, 2, 3]), number(&[1, 2, 3]));
        assert_ne!(number(&[1, 2, 3]), number(&[1, 3, 2]));
        assert_ne!(number(&[1, 2, 3]), number(&[1, 2]));
    }
}
