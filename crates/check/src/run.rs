//! Judging all cases of a suite, several side by side.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::side::Side;
use rand::SeedableRng;
use rand::rngs::StdRng;
use record::Recorder;
use record::recorder::Settings;
use view::ids::Ids;
use view::load::{Filter, load};
use view::sequence::{Selection, Sequence};
use view::terminal::{self, TerminalStyle};

use crate::case::{Case, Judge};
use crate::client::{Client, ClientCommand};
use crate::dialect::Dialect;
use crate::patience::Patience;
use crate::program::{Program, ProgramCommand, StartError};
use crate::server::Server;
use crate::verdict::{Failure, Outcome};

/// How long after its last connection a program that has died may be seen to run, as where a script
/// has started it.
const DEATH: Duration = Duration::from_secs(1);

/// How often a case of a client begins, where this computer is too slow for it.
const ATTEMPTS: usize = 5;

/// Why not all is judged of a client that is started by hand.
const NEEDS_A_COMMAND: &str = "for this, the check must start the client itself: give its command";

/// What is judged.
#[derive(Debug, Clone)]
pub enum Judged {
    /// A server that runs already.
    Running(SocketAddr),
    /// A server that is started, and kept for the next case as long as cases hold on it.
    Started(ProgramCommand),
    /// A client that is started for each case.
    Client(ClientCommand),
}

/// How it is judged.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the program speaks.
    pub dialect: Dialect,
    /// How bytes are cut into messages.
    pub framing: Framing,
    /// What varies from run to run follows from this.
    pub seed: u64,
    /// Cases side by side.
    pub jobs: usize,
    /// How long an answer is waited for, until several were waited for in vain.
    pub patience: Duration,
    /// How long a case may take.
    pub time_limit: Duration,
    /// Where the recordings of failed cases are kept.
    pub out: Option<PathBuf>,
}

/// What came of one case.
#[derive(Debug)]
pub struct Judgement {
    /// The case.
    pub case: Case,
    /// Its id, as `text.prime.squares`.
    pub id: String,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// The conversation as a diagram, where the rule does not hold.
    pub diagram: String,
    /// The recording of it, where it is kept.
    pub recording: Option<PathBuf>,
    /// The end of what the program printed, where the rule does not hold.
    pub said: String,
}

impl Plan {
    /// The arguments that choose this case.
    fn arguments_of(&self, case: &Case) -> Vec<String> {
        let id = case.id(&self.dialect);
        let chosen = self.arguments();
        let words = ["check"].into_iter().chain(chosen.split(' '));
        words.chain(["--only", &id]).map(str::to_owned).collect()
    }

    /// The arguments of `check` that choose the dialect and the framing.
    pub fn arguments(&self) -> String {
        let arguments = self.dialect.arguments();
        match self.framing {
            framing if framing == self.dialect.framing(None) => arguments,
            framing => format!("{arguments} --wire {framing}"),
        }
    }
}

/// Judges these cases, until it is interrupted. What is done is reported to `done` as it ends; the
/// judgements are in the order of the cases.
///
/// # Errors
/// When the program does not start, for any case.
pub fn judge(
    plan: &Plan,
    judged: &Judged,
    cases: &[Case],
    is_interrupted: &AtomicBool,
    done: &(dyn Fn(&Judgement) + Sync),
) -> Result<Vec<Judgement>, StartError> {
    // What does not start once is no matter of the cases.
    let first = match judged {
        Judged::Started(command) => Some(command.serve(plan.dialect.transports())?),
        Judged::Client(command) => {
            command.starts()?;
            None
        }
        Judged::Running(_) => None,
    };
    let first = Mutex::new(first);
    let mut order: Vec<usize> = (0..cases.len()).collect();
    if plan.jobs > 1 {
        // The longest first, so that none of them is waited for alone at the end.
        order.sort_by_key(|&number| std::cmp::Reverse(cases[number].seconds));
    }
    let next = AtomicUsize::new(0);
    let patience = Patience::new(plan.patience);
    let judgements = Mutex::new(BTreeMap::new());
    let work = || {
        let mut worker = Worker {
            plan,
            judged,
            patience: &patience,
            kept: first.lock().unwrap_or_else(PoisonError::into_inner).take(),
        };
        while !is_interrupted.load(Ordering::Relaxed) {
            let Some(&number) = order.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            let judgement = worker.judge(cases[number]);
            done(&judgement);
            let mut all = judgements.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(number, judgement);
        }
    };
    thread::scope(|scope| {
        for _ in 0..plan.jobs.clamp(1, cases.len().max(1)) {
            scope.spawn(work);
        }
    });
    let judgements = judgements.into_inner();
    let judgements = judgements.unwrap_or_else(PoisonError::into_inner);
    Ok(judgements.into_values().collect())
}

/// Judges one case after the other.
struct Worker<'j> {
    plan: &'j Plan,
    judged: &'j Judged,
    patience: &'j Patience,
    /// On which all cases have held that were judged on it.
    kept: Option<Program>,
}

impl Worker<'_> {
    fn judge(&mut self, case: Case) -> Judgement {
        let began = Instant::now();
        let mut judgement = Judgement {
            case,
            id: case.id(&self.plan.dialect),
            outcome: Ok(()),
            took: Duration::ZERO,
            diagram: String::new(),
            recording: None,
            said: String::new(),
        };
        match self.judged {
            Judged::Client(command) => judge_client(self.plan, command, &mut judgement),
            Judged::Running(_) | Judged::Started(_) => match self.judge_server(case) {
                Ok(trial) => self.kept = trial.conclude(self.plan, &mut judgement),
                Err(why) => judgement.outcome = Err(Failure::Undecided(why)),
            },
        }
        self.patience.learn(&judgement.outcome);
        judgement.took = began.elapsed();
        judgement
    }

    /// What does not hold on a program that has served other cases may be due to what these have left:
    /// a fresh one decides.
    fn judge_server(&mut self, case: Case) -> Result<Trial, String> {
        let command = match self.judged {
            Judged::Started(command) => command,
            Judged::Running(address) => return self.trial(case, *address, None),
            Judged::Client(_) => return Err("a client is no server".into()),
        };
        if let Some(mut program) = self.kept.take()
            && program.ended().is_none()
            && !(program.has_served && case.needs_fresh)
        {
            let is_fresh = !program.has_served;
            let trial = self.trial(case, program.address(), Some(program))?;
            if trial.outcome.is_ok() || is_fresh {
                return Ok(trial);
            }
        }
        let started = command.serve(self.plan.dialect.transports());
        let started = started.map_err(|error| format!("the server did not start: {error}"))?;
        self.trial(case, started.address(), Some(started))
    }

    fn trial(
        &self,
        case: Case,
        address: SocketAddr,
        program: Option<Program>,
    ) -> Result<Trial, String> {
        let patience = self.patience.for_a_case();
        Trial::of(case, self.plan, patience, address, program)
    }
}

fn judge_client(plan: &Plan, command: &ClientCommand, judgement: &mut Judgement) {
    let case = judgement.case;
    if let Some(hand) = &command.hand {
        if !case.by_hand {
            judgement.outcome = Err(Failure::Undecided(NEEDS_A_COMMAND.into()));
            return;
        }
        hand.begins(&judgement.id, case.rule);
    }
    let Judge::Client(judge) = case.judge else {
        judgement.outcome = Err(Failure::Undecided("this case is about servers".into()));
        return;
    };
    let by = by(plan);
    for _ in 0..ATTEMPTS {
        let random = random(plan, case);
        let client = match Client::new(&plan.dialect, plan.framing, command, by, random) {
            Ok(client) => client,
            Err(error) => {
                judgement.outcome = Err(Failure::Undecided(cannot(&error)));
                return;
            }
        };
        judgement.outcome = judge(&client).map_err(|failure| failure.caused_by(case.cause));
        if client.is_disturbed() && Instant::now() < by {
            continue;
        }
        if judgement.outcome.is_err() {
            judgement.said = client.said();
            if let Some(recording) = client.last_recording() {
                judgement.is_drawn_from(&recording, plan);
            }
        }
        break;
    }
    if let Some(hand) = &command.hand {
        hand.ends(&judgement.outcome);
    }
}

impl Judgement {
    /// Shows this recording, and keeps it where that is wanted.
    fn is_drawn_from(&mut self, recording: &Path, plan: &Plan) {
        self.diagram = diagram(recording).unwrap_or_default();
        if let Some(out) = &plan.out {
            let kept = out.join(format!("{}.jsonl", self.id));
            self.recording = std::fs::copy(recording, &kept).ok().map(|_| kept);
        }
    }
}

fn cannot(error: &std::io::Error) -> String {
    format!("this computer failed: {error}")
}

/// When a case is given up.
fn by(plan: &Plan) -> Instant {
    Instant::now() + plan.time_limit
}

/// Each case has numbers of its own, whichever others are judged.
fn random(plan: &Plan, case: Case) -> StdRng {
    let name = case.name.bytes().fold(plan.seed, |seed, byte| {
        seed.rotate_left(8) ^ u64::from(byte)
    });
    StdRng::seed_from_u64(name)
}

/// A case, judged on one server.
struct Trial {
    outcome: Outcome,
    server: Server,
    recording: PathBuf,
    directory: tempfile::TempDir,
}

impl Trial {
    /// Judges it on the server at this address, which is this program where the check has started it.
    fn of(
        case: Case,
        plan: &Plan,
        patience: Duration,
        address: SocketAddr,
        mut program: Option<Program>,
    ) -> Result<Trial, String> {
        let directory = tempfile::tempdir().map_err(|error| cannot(&error))?;
        let recording = directory.path().join("recording.jsonl");
        let recorder = Recorder::start(Settings {
            program: "labclient",
            release: env!("CARGO_PKG_VERSION"),
            side: Side::Client,
            arguments: plan.arguments_of(&case),
            faults: None,
            secrets: record::Secrets::Kept,
            file: Some(recording.clone()),
            most_bytes: None,
            trace: None,
            follower: None,
        });
        let recorder = recorder.map_err(|error| error.to_string())?;
        let recorder = recorder.ok_or("nothing is recorded")?;
        if let Some(program) = &mut program {
            program.has_served = true;
        }
        let server = Server {
            address,
            dialect: plan.dialect.clone(),
            framing: plan.framing,
            patience,
            by: by(plan),
            random: RefCell::new(random(plan, case)),
            recorder,
            connections: Cell::new(0),
            program: program.map(RefCell::new),
            is_used_up: Cell::new(false),
        };
        let outcome = match case.judge {
            Judge::Server(judge) => judge(&server),
            Judge::Client(_) => Err(Failure::Undecided("this case is about clients".into())),
        };
        server.recorder.finish();
        Ok(Trial {
            outcome,
            server,
            recording,
            directory,
        })
    }

    /// Puts down what came of it; the program, where other cases can be judged on it.
    fn conclude(self, plan: &Plan, judgement: &mut Judgement) -> Option<Program> {
        let Err(failure) = self.outcome else {
            return self.server.into_program();
        };
        let ended = match failure.shows_an_end() {
            true => self.server.ended_within(DEATH),
            false => self.server.ended(),
        };
        let failure = match ended {
            Some(how) => failure.caused_by(&format!("the server has ended: {how}")),
            None => failure,
        };
        judgement.outcome = Err(failure.caused_by(judgement.case.cause));
        if let Some(program) = &self.server.program {
            judgement.said = program.borrow().said();
        }
        judgement.is_drawn_from(&self.recording, plan);
        drop(self.directory);
        None
    }
}

/// The conversation of a recording, for a terminal.
fn diagram(recording: &Path) -> Option<String> {
    let loaded = load(&[recording.to_owned()], &Filter::default()).ok()?;
    let sequence = Sequence::of(&loaded, Ids::of(&loaded, false), Selection::default());
    let style = TerminalStyle {
        // A terminal has 80 columns, and the note around it is indented by two.
        width: 78,
        is_ascii: false,
        has_colours: false,
    };
    let mut drawn = Vec::new();
    terminal::write(&sequence, style, &mut drawn).ok()?;
    String::from_utf8(drawn).ok()
}
