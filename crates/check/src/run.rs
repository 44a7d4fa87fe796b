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
use crate::program::{ProgramCommand, StartError};
use crate::server::Server;
use crate::verdict::{Failure, Outcome};

/// How long after its last connection a program that has died may be seen to run, as where a script
/// has started it.
const DEATH: Duration = Duration::from_secs(1);

/// Why not all is judged of a client that is started by hand.
const NEEDS_A_COMMAND: &str = "for this, the check must start the client itself: give its command";

/// What is judged.
#[derive(Debug, Clone)]
pub enum Judged {
    /// A server that runs already.
    Running(SocketAddr),
    /// A server that is started for each case.
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
    /// How long an answer is waited for.
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
    match judged {
        Judged::Started(command) => drop(command.serve(plan.dialect.transports())?),
        Judged::Client(command) => command.starts()?,
        Judged::Running(_) => {}
    }
    let mut order: Vec<usize> = (0..cases.len()).collect();
    if plan.jobs > 1 {
        // The longest first, so that none of them is waited for alone at the end.
        order.sort_by_key(|&number| std::cmp::Reverse(cases[number].seconds));
    }
    let next = AtomicUsize::new(0);
    let judgements = Mutex::new(BTreeMap::new());
    let work = || {
        while !is_interrupted.load(Ordering::Relaxed) {
            let Some(&number) = order.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            let judgement = judge_one(plan, judged, cases[number]);
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

fn judge_one(plan: &Plan, judged: &Judged, case: Case) -> Judgement {
    let began = Instant::now();
    let id = format!("{}.{}", plan.dialect.name(), case.name);
    let mut judgement = Judgement {
        case,
        id,
        outcome: Ok(()),
        took: Duration::ZERO,
        diagram: String::new(),
        recording: None,
        said: String::new(),
    };
    match judged {
        Judged::Client(command) => judge_client(plan, command, &mut judgement),
        Judged::Running(_) | Judged::Started(_) => match Trial::new(plan, judged, case) {
            Ok(trial) => trial.run(plan, &mut judgement),
            Err(why) => judgement.outcome = Err(Failure::Undecided(why)),
        },
    }
    judgement.took = began.elapsed();
    judgement
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
    let client = match Client::new(
        &plan.dialect,
        plan.framing,
        command,
        by(plan),
        random(plan, case),
    ) {
        Ok(client) => client,
        Err(error) => {
            judgement.outcome = Err(Failure::Undecided(cannot(&error)));
            return;
        }
    };
    judgement.outcome = match case.judge {
        Judge::Client(judge) => judge(&client).map_err(|failure| failure.caused_by(case.cause)),
        Judge::Server(_) => Err(Failure::Undecided("this case is about servers".into())),
    };
    if let Some(hand) = &command.hand {
        hand.ends(&judgement.outcome);
    }
    if judgement.outcome.is_err() {
        judgement.said = client.said();
        if let Some(recording) = client.last_recording() {
            judgement.is_drawn_from(&recording, plan);
        }
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

/// All that one case needs.
struct Trial {
    directory: tempfile::TempDir,
    recording: PathBuf,
    server: Server,
}

impl Trial {
    fn new(plan: &Plan, judged: &Judged, case: Case) -> Result<Trial, String> {
        let directory = tempfile::tempdir().map_err(|error| cannot(&error))?;
        let recording = directory.path().join("recording.jsonl");
        let recorder = Recorder::start(Settings {
            program: "labclient",
            release: env!("CARGO_PKG_VERSION"),
            side: Side::Client,
            arguments: vec!["check".into(), plan.dialect.name().into(), case.name.into()],
            faults: None,
            secrets: record::Secrets::Kept,
            file: Some(recording.clone()),
            trace: None,
        });
        let recorder = recorder.map_err(|error| error.to_string())?;
        let recorder = recorder.ok_or("nothing is recorded")?;
        let (address, program) = match judged {
            Judged::Running(address) => (*address, None),
            Judged::Started(command) => {
                let started = command.serve(plan.dialect.transports());
                let started =
                    started.map_err(|error| format!("the server did not start: {error}"))?;
                (started.address(), Some(RefCell::new(started)))
            }
            Judged::Client(_) => return Err("a client is no server".into()),
        };
        let server = Server {
            address,
            dialect: plan.dialect.clone(),
            framing: plan.framing,
            patience: plan.patience,
            by: by(plan),
            random: RefCell::new(random(plan, case)),
            recorder,
            connections: Cell::new(0),
            program,
        };
        Ok(Trial {
            directory,
            recording,
            server,
        })
    }

    fn run(self, plan: &Plan, judgement: &mut Judgement) {
        let case = judgement.case;
        let outcome = match case.judge {
            Judge::Server(judge) => judge(&self.server),
            Judge::Client(_) => Err(Failure::Undecided("this case is about clients".into())),
        };
        judgement.outcome = outcome.map_err(|failure| {
            let ended = match failure.shows_an_end() {
                true => self.server.ended_within(DEATH),
                false => self.server.ended(),
            };
            let failure = match ended {
                Some(how) => failure.caused_by(&format!("the server has ended: {how}")),
                None => failure,
            };
            failure.caused_by(case.cause)
        });
        self.server.recorder.finish();
        if judgement.outcome.is_ok() {
            return;
        }
        if let Some(program) = &self.server.program {
            judgement.said = program.borrow().said();
        }
        judgement.is_drawn_from(&self.recording, plan);
        drop(self.directory);
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
