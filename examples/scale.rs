//! What a city's cash machines and a room of a million members would take, simulated from measured
//! constants: `cargo run --release --example scale`. docs/scale.md has the tables, and says where each
//! constant is from.
//!
//! Two queues with one idea: whoever is free takes all that waits, and what that costs has a part for
//! each time and a part for each request. A labserver's writer does so with commits, Redis with lines,
//! and a room's delivering thread with writes to its members.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{self, Write};

use clap::Parser;
use wire::fault::generator::Xoshiro256PlusPlus;

/// Nanoseconds since the simulation began.
type Time = u64;

/// Visits or lines of one row: more would not change its figures.
const MOST: usize = 60_000;

/// Like the peak hour, a row is simulated for no longer than this, in seconds.
const LONGEST: f64 = 3600.0;

/// What a simulated customer takes in place of what people take, in seconds: the load is the same, and
/// all steps are under way at once.
const PAUSE: f64 = 0.1;

/// A visit commits its log-in, the hold and the confirmation.
const STEPS: usize = 3;

/// Measured and assumed constants, and what is asked.
#[derive(Debug, Clone, Parser)]
#[command(about = "What many cash machines and a large room would take")]
pub struct Parameters {
    /// Cash machines of the city
    #[arg(long, default_value_t = 3000.0)]
    machines: f64,
    /// Withdrawals a day at one of them
    #[arg(long, default_value_t = 250.0)]
    withdrawals: f64,
    /// Share of a day's withdrawals in its busiest hour
    #[arg(long, default_value_t = 0.1)]
    peak: f64,
    /// Seconds that a customer takes to choose the amount, and again to take the notes
    #[arg(long, default_value_t = 15.0)]
    customer: f64,
    /// Cores of a labserver; it hashes one PIN on each
    #[arg(long, default_value_t = 2)]
    cores: usize,
    /// Milliseconds of a core for a PIN
    #[arg(long, default_value_t = 20.0)]
    hash: f64,
    /// Cores of the database
    #[arg(long, default_value_t = 8)]
    database: usize,
    /// Milliseconds of a commit that the standbys have on disk
    #[arg(long, default_value_t = 8.2)]
    commit: f64,
    /// Microseconds of a core of the database for a transaction, without its operations
    #[arg(long, default_value_t = 980.0)]
    transaction: f64,
    /// Microseconds of it for each operation in one
    #[arg(long, default_value_t = 71.0)]
    operation: f64,
    /// Milliseconds from a client to a labserver and back
    #[arg(long, default_value_t = 20.0)]
    distance: f64,
    /// Bytes of a visit, both ways
    #[arg(long, default_value_t = 530.0)]
    visit_bytes: f64,
    /// Bytes that the ledger grows by for a withdrawal
    #[arg(long, default_value_t = 290.0)]
    ledger_bytes: f64,

    /// Members of a room on one server
    #[arg(long, default_value_t = 10_000.0)]
    members: f64,
    /// Lines a second in the room
    #[arg(long, default_value_t = 1.0)]
    lines: f64,
    /// Minutes that a member stays
    #[arg(long, default_value_t = 30.0)]
    stay: f64,
    /// Microseconds of a write to a member, without what is written
    #[arg(long, default_value_t = 1.3)]
    write: f64,
    /// Microseconds for each line in it
    #[arg(long, default_value_t = 2.8)]
    line: f64,
    /// Bytes of a line
    #[arg(long, default_value_t = 80.0)]
    line_bytes: f64,
    /// Microseconds of Redis for a new line
    #[arg(long, default_value_t = 23.0)]
    append: f64,
    /// Microseconds of Redis to tell one server
    #[arg(long, default_value_t = 6.7)]
    tell: f64,
    /// KiB of memory for a connection
    #[arg(long, default_value_t = 14.0)]
    connection: f64,

    /// The seed of the arrivals
    #[arg(long, default_value_t = 2026)]
    seed: u64,
}

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(tables(&Parameters::parse()).as_bytes())
}

/// Both tables, in Markdown.
pub fn tables(all: &Parameters) -> String {
    let mut text = String::from(
        "| cities | withdrawals a second | labservers | connections | commits a second | operations \
         a commit | database busy | log-in, p50 and p99 | hold, p50 and p99 | network | ledger a day |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for cities in [1.0, 10.0, 100.0, 1000.0] {
        text += &bank_row(all, cities);
    }
    text += "\n| members | events a second | servers | memory of each | deliveries a second of each \
             | busy | Redis busy | the last member hears it after, p50 and p99 | network of each |\n\
             |---|---|---|---|---|---|---|---|---|\n";
    for members in [1e3, 1e4, 1e5, 1e6] {
        for tells_of_members in [false, true] {
            text += &room_row(all, members, tells_of_members);
        }
    }
    text
}

fn bank_row(all: &Parameters, cities: f64) -> String {
    let a_day = cities * all.machines * all.withdrawals;
    let rate = a_day * all.peak / 3600.0;
    // At most half of the time, so that a log-in rarely waits; and two may fail.
    let hashing = rate * all.hash / 1000.0 / all.cores as f64;
    let servers = ((2.0 * hashing).ceil() as usize).max(3);
    let mut bank = Bank::new(all, servers);
    let run = bank.run(&arrivals(rate, all.seed));
    // With many operations a transaction, only what each of them costs is left.
    let busy_at_least = rate * STEPS as f64 * all.operation / 1e6 / all.database as f64;
    let is_lost = busy_at_least >= 1.0;
    let waits = |step: usize| match is_lost {
        true => "ever longer".to_owned(),
        false => percentiles(&run.waits[step]),
    };
    let at_once = rate * (run.visit + 2.0 * (all.customer - PAUSE));
    format!(
        "| {} | {} | {servers} | {} | {} | {} | {} | {} | {} | {}/s | {} |\n",
        short(cities),
        short(rate),
        short(at_once),
        short(run.commits / run.seconds.max(1.0)),
        short(run.operations / run.commits.max(1.0)),
        if is_lost {
            "too much".to_owned()
        } else {
            percent(run.busy)
        },
        waits(0),
        waits(1),
        bytes(rate * all.visit_bytes),
        bytes(a_day * all.ledger_bytes),
    )
}

fn room_row(all: &Parameters, members: f64, tells_of_members: bool) -> String {
    // Each member's joining and leaving are events too.
    let moves = 2.0 * members / (all.stay * 60.0);
    let rate = all.lines + if tells_of_members { moves } else { 0.0 };
    let servers = (members / all.members).ceil();
    let here = members / servers;
    let waits = room(all, servers, here, &arrivals(rate, all.seed));
    // With many lines a write, only what each line costs is left.
    let busy_at_least = rate * here * all.line / 1e6;
    let redis_at_least = rate * all.append / 1e6;
    let is_lost = busy_at_least >= 1.0 || redis_at_least >= 1.0;
    format!(
        "| {}{} | {} | {} | {} | {} | {} | {} | {} | {}/s |\n",
        short(members),
        if tells_of_members {
            ", joining and leaving told"
        } else {
            ""
        },
        short(rate),
        short(servers),
        bytes(here * all.connection * 1024.0),
        short(rate * here),
        if is_lost {
            "too much".to_owned()
        } else {
            percent(waits.server_busy)
        },
        percent(waits.redis_busy),
        if is_lost {
            "ever longer".to_owned()
        } else {
            percentiles(&waits.last)
        },
        bytes(rate * here * all.line_bytes),
    )
}

/// When something comes, at this rate a second and independently of each other.
fn arrivals(rate: f64, seed: u64) -> Vec<Time> {
    let mut random = Xoshiro256PlusPlus::from_seed(seed);
    let mut now = 0.0;
    let next = std::iter::repeat_with(|| {
        let unit = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        now -= (1.0 - unit).ln() / rate;
        now
    });
    let in_time = next.take(MOST).take_while(|moment| *moment < LONGEST);
    in_time.map(nanos).collect()
}

/// What happens in the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The request of this step of this visit reaches its labserver.
    Asked { visit: usize, step: usize },
    /// Its PIN is hashed.
    Hashed { visit: usize },
    /// The transaction of this labserver is durable.
    Committed { server: usize },
}

#[derive(Debug, Clone, Default)]
struct Labserver {
    hashing: usize,
    to_hash: VecDeque<usize>,
    /// What waits for the next transaction, and what is in this one: visits with their steps.
    waiting: Vec<(usize, usize)>,
    committing: Vec<(usize, usize)>,
}

struct Bank<'a> {
    all: &'a Parameters,
    labservers: Vec<Labserver>,
    /// Until when each core of the database is busy.
    database: Vec<Time>,
    /// How long they have worked, all together.
    work: Time,
    events: BinaryHeap<Reverse<(Time, Event)>>,
    /// When the step that each visit is at was asked for.
    asked: Vec<Time>,
}

struct BankRun {
    /// Of each step, how long each customer waited, in milliseconds.
    waits: [Vec<f64>; STEPS],
    commits: f64,
    operations: f64,
    /// How long it took in all, and a visit on average, in seconds.
    seconds: f64,
    visit: f64,
    /// The share of the time in which the cores of the database work.
    busy: f64,
}

impl Bank<'_> {
    fn new(all: &Parameters, servers: usize) -> Bank<'_> {
        Bank {
            all,
            labservers: vec![Labserver::default(); servers],
            database: vec![0; all.database],
            work: 0,
            events: BinaryHeap::new(),
            asked: Vec::new(),
        }
    }

    fn run(&mut self, visits: &[Time]) -> BankRun {
        let one_way = nanos(self.all.distance / 2000.0);
        let customer = nanos(PAUSE);
        self.asked = visits.to_vec();
        for (visit, begun) in visits.iter().enumerate() {
            let event = Event::Asked { visit, step: 0 };
            self.events.push(Reverse((begun + one_way, event)));
        }
        let mut run = BankRun {
            waits: Default::default(),
            commits: 0.0,
            operations: 0.0,
            seconds: 0.0,
            visit: 0.0,
            busy: 0.0,
        };
        while let Some(Reverse((now, event))) = self.events.pop() {
            run.seconds = seconds(now);
            match event {
                Event::Asked { visit, step: 0 } => {
                    let server = self.server_of(visit);
                    self.labservers[server].to_hash.push_back(visit);
                    self.hash(server, now);
                }
                Event::Asked { visit, step } => self.queue(visit, step, now),
                Event::Hashed { visit } => {
                    let server = self.server_of(visit);
                    self.labservers[server].hashing -= 1;
                    self.hash(server, now);
                    self.queue(visit, 0, now);
                }
                Event::Committed { server } => {
                    let done = std::mem::take(&mut self.labservers[server].committing);
                    run.commits += 1.0;
                    run.operations += done.len() as f64;
                    for (visit, step) in done {
                        let answered = now + one_way;
                        let asked = std::mem::replace(&mut self.asked[visit], answered + customer);
                        run.waits[step].push(seconds(answered - asked) * 1000.0);
                        if step + 1 < STEPS {
                            let event = Event::Asked {
                                visit,
                                step: step + 1,
                            };
                            let at = answered + customer + one_way;
                            self.events.push(Reverse((at, event)));
                        } else {
                            run.visit += seconds(answered - visits[visit]) / visits.len() as f64;
                        }
                    }
                    self.commit(server, now);
                }
            }
        }
        let cores = self.all.database as f64;
        run.busy = seconds(self.work) / run.seconds.max(1.0) / cores;
        run
    }

    /// They are taken in turn.
    fn server_of(&self, visit: usize) -> usize {
        visit % self.labservers.len()
    }

    /// Hashes as many PINs as there are cores.
    fn hash(&mut self, server: usize, now: Time) {
        let labserver = &mut self.labservers[server];
        while labserver.hashing < self.all.cores
            && let Some(visit) = labserver.to_hash.pop_front()
        {
            labserver.hashing += 1;
            let at = now + nanos(self.all.hash / 1000.0);
            self.events.push(Reverse((at, Event::Hashed { visit })));
        }
    }

    fn queue(&mut self, visit: usize, step: usize, now: Time) {
        let server = self.server_of(visit);
        self.labservers[server].waiting.push((visit, step));
        self.commit(server, now);
    }

    /// Commits all that waits, unless a transaction is under way.
    fn commit(&mut self, server: usize, now: Time) {
        let labserver = &mut self.labservers[server];
        if !labserver.committing.is_empty() || labserver.waiting.is_empty() {
            return;
        }
        labserver.committing = std::mem::take(&mut labserver.waiting);
        let operations = labserver.committing.len() as f64 * self.all.operation;
        let work = nanos((self.all.transaction + operations) / 1e6);
        self.work += work;
        // The core that is free first.
        if let Some(core) = self.database.iter_mut().min() {
            *core = (*core).max(now) + work;
            let at = *core + nanos(self.all.commit / 1000.0);
            self.events.push(Reverse((at, Event::Committed { server })));
        }
    }
}

struct RoomRun {
    /// How long the last member of the server that is told last waited for each line, in
    /// milliseconds.
    last: Vec<f64>,
    server_busy: f64,
    redis_busy: f64,
}

/// Lines that were said at these times go through Redis to each of so many servers, and there to so
/// many members each.
fn room(all: &Parameters, servers: f64, members: f64, said: &[Time]) -> RoomRun {
    let micros = |micros: f64| nanos(micros / 1e6);
    let one_way = nanos(all.distance / 2000.0);
    let reached: Vec<Time> = said.iter().map(|said| said + one_way).collect();
    let (told, redis_busy) = in_batches(&reached, |lines| {
        micros(lines * all.append + servers * all.tell)
    });
    let (written, server_busy) = in_batches(&told, |lines| {
        micros(members * (all.write + lines * all.line))
    });
    let heard = written.iter().zip(said);
    RoomRun {
        last: heard
            .map(|(written, said)| seconds(written + one_way - said) * 1000.0)
            .collect(),
        server_busy,
        redis_busy,
    }
}

/// When each of these is done by one who takes all that waits, and the share of the time in which that
/// one is busy.
pub fn in_batches(arrivals: &[Time], cost: impl Fn(f64) -> Time) -> (Vec<Time>, f64) {
    let mut done = Vec::with_capacity(arrivals.len());
    let (mut now, mut busy) = (0, 0);
    while done.len() < arrivals.len() {
        let waiting = &arrivals[done.len()..];
        now = now.max(waiting[0]);
        let count = waiting.partition_point(|arrival| *arrival <= now);
        let takes = cost(count as f64);
        (now, busy) = (now + takes, busy + takes);
        done.resize(done.len() + count, now);
    }
    (done, busy as f64 / now.max(1) as f64)
}

fn nanos(seconds: f64) -> Time {
    (seconds * 1e9).round() as Time
}

fn seconds(time: Time) -> f64 {
    time as f64 / 1e9
}

/// Of these milliseconds.
fn percentiles(waits: &[f64]) -> String {
    if waits.is_empty() {
        return "nobody".to_owned();
    }
    let mut sorted = waits.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    format!("{} and {} ms", short(at(0.5)), short(at(0.99)))
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        share if share < 0.1 => "< 0.1 %".to_owned(),
        share => format!("{} %", short(share)),
    }
}

/// Two significant digits, and commas between thousands.
fn short(value: f64) -> String {
    if value <= 0.0 {
        return "0".to_owned();
    }
    let digits = 1 - value.log10().floor() as i32;
    let unit = 10_f64.powi(-digits);
    let rounded = (value / unit).round() * unit;
    if digits > 0 {
        let text = format!("{rounded:.*}", digits as usize);
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let mut text = format!("{rounded:.0}");
    let mut at = text.len();
    while at > 3 {
        at -= 3;
        text.insert(at, ',');
    }
    text
}

fn bytes(value: f64) -> String {
    let units = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    for (unit, size) in units {
        if value >= size {
            return format!("{} {unit}", short(value / size));
        }
    }
    format!("{} bytes", short(value))
}
