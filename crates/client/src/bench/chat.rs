//! A room full of members, some of whom speak: how long a line takes to everybody, whether everybody
//! is told everything, and in one order.
//!
//! The room takes 20 lines at once from each connection and then 10 a second, so each sender says 10
//! a second unless `--rate` asks for less or more; beyond that, what is measured is the room's brake.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use measure::bench::latencies::{Latencies, percentiles};
use measure::bench::load::Load;
use measure::bench::report::errors;
use measure::bench::tally::Tally;
use proto::chat::{Event, Message, Request, Text};
use proto::name::Name;
use serde_json::json;
use wire::connection::{Reader, ReceiveError, Writer};
use wire::fault::random_seed;

use super::visitors::Site;
use crate::failure::{Failure, Status};
use crate::output::{Output, say};
use crate::session::Session;

/// Lines a second that the room takes from one sender without holding it back.
const UNHINDERED: f64 = 10.0;

/// How long members wait for what was said when nothing comes any more.
const GRACE: Duration = Duration::from_secs(5);

/// The longest anybody waits without a look whether it is over.
const LOOK: Duration = Duration::from_millis(50);

const STACK: usize = 512 * 1024;

/// Says and listens until enough was said, and prints what came of it.
///
/// # Errors
/// When the room cannot be joined.
pub fn run(site: &Site, load: &Load, senders: u32, output: Output) -> Result<Status, Failure> {
    let rate = load.rate.unwrap_or(UNHINDERED * f64::from(senders));
    if rate > UNHINDERED * f64::from(senders) {
        say(&format!(
            "{rate} lines a second from {senders} senders is more than the {UNHINDERED} each that \
             the room takes: its brake is measured too"
        ));
    }
    let mut tally = Tally::default();
    let members = join(site, load.connections, &mut tally)?;
    let talk = Talk {
        base: Instant::now(),
        rate,
        senders,
        most: load.requests,
        duration: load.duration,
        said: (0..senders).map(|_| AtomicU64::new(0)).collect(),
        is_over: AtomicBool::new(false),
        site,
    };
    let heard = talk.hold(members)?;
    tally.elapsed = talk.base.elapsed();
    tally.was_interrupted = site.patience.interrupt.came();
    let load = Load {
        rate: Some(rate),
        ..load.clone()
    };
    report(&talk, &heard, tally, &load, output)
}

/// A member: its name, and both halves of its connection.
struct Member {
    reader: Reader,
    writer: Writer,
}

/// All join before anything is said.
fn join(site: &Site, count: u32, tally: &mut Tally) -> Result<Vec<Member>, Failure> {
    // A room of somebody else's may have members of another bench.
    let run = random_seed();
    let mut members = Vec::new();
    for number in 0..count {
        if site.patience.interrupt.came() {
            return Err(Failure::Interrupted);
        }
        let began = Instant::now();
        let name: Name = format!("b{run:x}-{number}")
            .parse()
            .map_err(Failure::Refused)?;
        let mut session = Session::open(&site.target())?;
        let request = Request::Join(name);
        session.ask(&request)?.map_err(Failure::Refused)?;
        let (reader, writer) = session.into_connection().split();
        members.push(Member { reader, writer });
        tally.connecting.record(began.elapsed());
    }
    Ok(members)
}

struct Talk<'a> {
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
    site: &'a Site,
}

/// What one member heard.
struct Heard {
    lines: u64,
    latency: Latencies,
    /// The order, as one number: the same for members who were told the same in the same order.
    order: u64,
    /// Lines that did not follow the last one of their sender.
    out_of_step: u64,
    errors: BTreeMap<String, u64>,
}

impl Talk<'_> {
    fn hold(&self, members: Vec<Member>) -> Result<Vec<Heard>, Failure> {
        let no_thread = |error| Failure::Resource(format!("cannot start a thread: {error}"));
        thread::scope(|scope| {
            let mut listening = Vec::new();
            let mut speaking = Vec::new();
            let mut silent = Vec::new();
            for (number, Member { reader, writer }) in (0..).zip(members) {
                let thread = thread::Builder::new().stack_size(STACK);
                let listens = thread.spawn_scoped(scope, move || self.listen(reader));
                let spoken = if number < self.senders {
                    let thread = thread::Builder::new().stack_size(STACK);
                    thread
                        .spawn_scoped(scope, move || self.speak(number, writer))
                        .map(Some)
                } else {
                    silent.push(writer);
                    Ok(None)
                };
                match (listens, spoken) {
                    (Ok(listens), Ok(speaks)) => {
                        listening.push(listens);
                        speaking.extend(speaks);
                    }
                    (Err(error), _) | (_, Err(error)) => {
                        // Those that run end by themselves.
                        self.site.patience.interrupt.raise();
                        self.is_over.store(true, Ordering::Release);
                        return Err(no_thread(error));
                    }
                }
            }
            let mut writers = Vec::new();
            let mut failed = None;
            for speaks in speaking {
                match speaks.join() {
                    Ok(Ok(writer)) => writers.push(writer),
                    Ok(Err(failure)) => failed = Some(failure),
                    Err(_) => failed = Some(Failure::Resource("a thread ended badly".into())),
                }
            }
            self.is_over.store(true, Ordering::Release);
            let heard: Result<Vec<Heard>, Failure> = listening
                .into_iter()
                .map(|listens| {
                    let lost = |_| Failure::Resource("a thread ended badly".into());
                    listens.join().map_err(lost)
                })
                .collect();
            // Nobody left before everybody had heard everything.
            drop((writers, silent));
            match failed {
                Some(failure) => Err(failure),
                None => heard,
            }
        })
    }

    /// Says one line after another, each when it is due. The senders take turns.
    fn speak(&self, sender: u32, mut writer: Writer) -> Result<Writer, Failure> {
        for number in 0.. {
            let turn = number * u64::from(self.senders) + u64::from(sender);
            if self.most.is_some_and(|most| turn >= most) {
                break;
            }
            let due = Duration::from_secs_f64(turn as f64 / self.rate);
            if self.duration.is_some_and(|duration| due >= duration) || !self.waits_until(due) {
                break;
            }
            let text = format!("{sender} {number} {}", due.as_nanos());
            let text: Text = text.parse().map_err(Failure::Refused)?;
            let said = writer.send(Request::Say(text).to_string().as_bytes());
            // Whoever listens on this connection counts that it is lost.
            if said.is_err() {
                break;
            }
            self.said[sender as usize].fetch_add(1, Ordering::Release);
        }
        Ok(writer)
    }

    /// Waits; `false` when that was ended.
    fn waits_until(&self, due: Duration) -> bool {
        loop {
            if self.site.patience.interrupt.came() {
                return false;
            }
            let left = due.saturating_sub(self.base.elapsed());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(LOOK));
        }
    }

    fn all_said(&self) -> u64 {
        self.said
            .iter()
            .map(|said| said.load(Ordering::Acquire))
            .sum()
    }

    /// Listens until everything that was said has come, or nothing comes any more.
    fn listen(&self, mut reader: Reader) -> Heard {
        let mut heard = Heard {
            lines: 0,
            latency: Latencies::default(),
            order: 0,
            out_of_step: 0,
            errors: BTreeMap::new(),
        };
        let mut next = vec![0; self.senders as usize];
        let mut last = Instant::now();
        loop {
            if self.is_over.load(Ordering::Acquire)
                && (heard.lines >= self.all_said() || last.elapsed() > GRACE)
            {
                return heard;
            }
            match reader.receive(Some(Instant::now() + LOOK)) {
                Ok(Some(message)) => {
                    last = Instant::now();
                    self.take(&message, &mut heard, &mut next);
                }
                Err(ReceiveError::DeadlinePassed) => {}
                Ok(None) | Err(_) => {
                    *heard.errors.entry("connection lost".into()).or_default() += 1;
                    return heard;
                }
            }
        }
    }

    fn take(&self, message: &[u8], heard: &mut Heard, next: &mut [u64]) {
        let text = String::from_utf8_lossy(message);
        match Message::parse(&text) {
            Some(Message::Event(Event::Said(_, text))) => {
                let Some((sender, number, due)) = read_line(text.as_str()) else {
                    return;
                };
                let Some(expected) = next.get_mut(sender as usize) else {
                    return;
                };
                heard
                    .latency
                    .record(self.base.elapsed().saturating_sub(due));
                heard.out_of_step += u64::from(*expected != number);
                *expected = number + 1;
                heard.lines += 1;
                heard.order = mixed(heard.order, u64::from(sender) << 40 ^ number);
            }
            Some(Message::Reply(Err(refusal))) => {
                let kind = format!("ERR {}", refusal.code.as_str());
                *heard.errors.entry(kind).or_default() += 1;
            }
            Some(Message::Reply(Ok(_)) | Message::Event(_)) => {}
            None => *heard.errors.entry("no message".into()).or_default() += 1,
        }
    }
}

/// Sender, number and due moment of a line of ours.
fn read_line(text: &str) -> Option<(u32, u64, Duration)> {
    let mut words = text.split(' ');
    let sender = words.next()?.parse().ok()?;
    let number = words.next()?.parse().ok()?;
    let due = Duration::from_nanos(words.next()?.parse().ok()?);
    words.next().is_none().then_some((sender, number, due))
}

/// A number that depends on all that was mixed in, and on its order.
fn mixed(order: u64, line: u64) -> u64 {
    wire::fault::generator::SplitMix64::new(order.rotate_left(1) ^ line).next_u64()
}

fn report(
    talk: &Talk,
    heard: &[Heard],
    mut tally: Tally,
    load: &Load,
    output: Output,
) -> Result<Status, Failure> {
    let description = talk.site.description();
    let said = talk.all_said();
    let mut deliveries = 0;
    for member in heard {
        deliveries += member.lines;
        tally.latency.add(&member.latency);
        for (kind, count) in &member.errors {
            *tally.errors.entry(kind.clone()).or_default() += count;
        }
    }
    let is_complete = heard.iter().all(|member| member.lines == said);
    let is_in_order = heard.iter().all(|member| member.out_of_step == 0)
        && heard.windows(2).all(|two| two[0].order == two[1].order);
    let seconds = tally.elapsed.as_secs_f64().max(1e-9);
    if output.json {
        let mut object = description.json(load, &tally);
        for (key, value) in [
            ("members", json!(heard.len())),
            ("senders", json!(talk.senders)),
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
             complete    {}: everybody was told everything\n\
             one order   {}: the same for everybody\n",
            talk.senders,
            said as f64 / seconds,
            heard.len(),
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
        let number = |lines: &[u64]| lines.iter().fold(0, |order, line| mixed(order, *line));
        assert_eq!(number(&[1, 2, 3]), number(&[1, 2, 3]));
        assert_ne!(number(&[1, 2, 3]), number(&[1, 3, 2]));
        assert_ne!(number(&[1, 2, 3]), number(&[1, 2]));
    }
}
