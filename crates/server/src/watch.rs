//! The live page: a browser shows what happens while it happens, and makes it fail.
//!
//! * [`feed`]: the last events, as lines that browsers follow; [`tally`]: what is counted of them;
//! * [`status`]: who is there;
//! * [`access`]: who may watch, and who may press the buttons;
//! * [`http`]: a request and its response;
//! * [`client`]: the same from a shell;
//! * `page/`: what the browser gets, as one file.

pub mod access;
pub mod client;
pub mod feed;
pub mod http;
pub mod status;
pub mod tally;

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use record::{EventKind, Recording};
use uuid::Uuid;
use view::ids::Ids;
use view::load::Recordings;
use view::sequence::{Selection, Sequence};
use view::svg;
use wire::fault::{FaultPlan, FaultSpec, crash, random_seed};

use self::access::{Access, Wants};
use self::client::KeyFile;
use self::feed::Feed;
use self::http::{Request, Status, WRITE_TIMEOUT, send, send_head};
use self::status::Observed;
use crate::config::Config;
use crate::faults;
use crate::listener::{Server, bind_tcp};
use crate::log::Warnings;

/// Most requests at once, those of browsers that follow included.
pub const MOST_REQUESTS: usize = 128;

/// A browser that follows hears something at least so often, and so one that is gone is noticed.
const HEARTBEAT: Duration = Duration::from_secs(10);

const HTML: &str = include_str!("watch/page/page.html");
const CSS: &str = include_str!("watch/page/page.css");
/// One script, of which each part uses those before it.
const SCRIPT: &str = concat!(
    include_str!("watch/page/rows.js"),
    include_str!("watch/page/drawing.js"),
    include_str!("watch/page/details.js"),
    include_str!("watch/page/buttons.js"),
    include_str!("watch/page/status.js"),
    include_str!("watch/page/stream.js"),
);

/// A page that is to be served.
pub struct Settings {
    /// Where; port 0 is any free one.
    pub address: SocketAddr,
    /// Where its key is left for `labserver control`, if anywhere.
    pub keys: Option<PathBuf>,
    /// Whether it may make the server crash.
    pub may_crash: bool,
    /// What happens.
    pub feed: Arc<Feed>,
    /// The last warnings of the log.
    pub warnings: Warnings,
}

/// A page that is bound.
pub struct Page {
    shared: Arc<Shared>,
    /// Removed with the page.
    _key: Option<KeyFile>,
}

struct Shared {
    listener: TcpListener,
    address: SocketAddr,
    access: Access,
    config: Arc<Config>,
    faults: FaultPlan,
    feed: Arc<Feed>,
    may_crash: bool,
    observed: Observed,
    requests: AtomicUsize,
}

impl Page {
    /// Binds the page about this server.
    ///
    /// # Errors
    /// When its address cannot be had.
    pub fn bind(server: &Server, settings: &Settings) -> anyhow::Result<Page> {
        let listener = bind_tcp(settings.address).with_context(|| {
            let address = settings.address;
            format!("cannot serve the page at {address}: choose another port with --watch")
        })?;
        let address = listener
            .local_addr()
            .context("cannot find out the page's port")?;
        let config = Arc::clone(server.config());
        let faults = config.faults.clone();
        let faults = faults.unwrap_or_else(|| FaultPlan::new(FaultSpec::default(), 0));
        let (feed, warnings) = (Arc::clone(&settings.feed), settings.warnings.clone());
        let observed = Observed::new(server, faults.clone(), feed, warnings, settings.may_crash);
        let mut access = Access::new(address);
        let key = settings.keys.as_deref();
        let key = key.map(|directory| KeyFile::create(directory, address, &mut access));
        let key = key.transpose().unwrap_or_else(|error| {
            tracing::warn!("`labserver control` will not find this server: {error:#}");
            None
        });
        let shared = Arc::new(Shared {
            listener,
            address,
            access,
            config,
            faults,
            feed: Arc::clone(&settings.feed),
            may_crash: settings.may_crash,
            observed,
            requests: AtomicUsize::new(0),
        });
        Ok(Page { shared, _key: key })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Whom it lets do what.
    pub fn access(&self) -> &Access {
        &self.shared.access
    }

    /// Serves it, in threads of its own.
    ///
    /// # Errors
    /// When there is no thread.
    pub fn start(&self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let accepting = thread::Builder::new().name("page".into());
        accepting.spawn(move || shared.accept_all()).map(drop)
    }
}

impl Shared {
    fn accept_all(self: Arc<Self>) {
        loop {
            match self.listener.accept() {
                Ok((stream, peer)) => self.serve(stream, peer),
                Err(error) => {
                    tracing::debug!(%error, "the page cannot accept a connection");
                    thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }

    /// Serves one connection, in a thread of its own.
    fn serve(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let _ = stream.set_write_timeout(Some(WRITE_TIMEOUT));
        let _ = stream.set_nodelay(true);
        let permit = Permit::of(self);
        let answering = thread::Builder::new().name("browser".into());
        let spawned = answering.spawn(move || {
            let answered = match &permit {
                Some(permit) => permit.0.answer(&stream),
                None => {
                    let words = "too many browsers at once: close one of them";
                    refuse(&stream, Status::UNAVAILABLE, words)
                }
            };
            if let Err(error) = answered {
                tracing::debug!(%peer, %error, "a browser is gone");
            }
        });
        if let Err(error) = spawned {
            tracing::debug!(%peer, %error, "no thread for a browser");
        }
    }
}

/// Leave for one of [`MOST_REQUESTS`].
struct Permit(Arc<Shared>);

impl Permit {
    fn of(shared: &Arc<Shared>) -> Option<Permit> {
        let before = shared.requests.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(Arc::clone(shared));
        (before < MOST_REQUESTS).then_some(permit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

const TEXT: (&str, &str) = ("Content-Type", "text/plain; charset=utf-8");
const JSON: (&str, &str) = ("Content-Type", "application/json");

impl Shared {
    fn answer(&self, stream: &TcpStream) -> io::Result<()> {
        let request = match Request::receive(stream) {
            Ok(request) => request,
            Err(error) => {
                if let Some(status) = error.status() {
                    refuse(stream, status, &error.to_string())?;
                    http::end_unread(stream);
                }
                return Ok(());
            }
        };
        type Answer = fn(&Shared, &Request, &TcpStream) -> io::Result<()>;
        let (method, wants, answer): (_, _, Answer) = match &request.path[..] {
            "/" => ("GET", Wants::Page, |_, _, stream| page(stream)),
            "/events" => ("GET", Wants::Watch, Shared::follow),
            "/status" => ("GET", Wants::Watch, Shared::status),
            "/recording.jsonl" => ("GET", Wants::Watch, Shared::recording),
            "/diagram.svg" => ("GET", Wants::Watch, Shared::diagram),
            "/faults" => ("POST", Wants::Control, Shared::replace_faults),
            "/crash" => ("POST", Wants::Control, Shared::crash),
            _ => return refuse(stream, Status::NOT_FOUND, "there is no such page"),
        };
        if let Err(denied) = self.access.check(wants, &request) {
            return refuse(stream, denied.status(), &denied.to_string());
        }
        if request.method != method {
            let words = format!("this is asked for with {method}");
            return refuse(stream, Status::METHOD_NOT_ALLOWED, &words);
        }
        answer(self, &request, stream)
    }

    fn status(&self, _: &Request, stream: &TcpStream) -> io::Result<()> {
        send(stream, Status::OK, &[JSON], self.observed.json().as_bytes())
    }

    fn recording(&self, _: &Request, stream: &TcpStream) -> io::Result<()> {
        let (kind, body) = (("Content-Type", "application/jsonl"), self.feed.recording());
        send(stream, Status::OK, &[kind], body.as_bytes())
    }

    /// Server-sent events, as the HTML standard has them: the header of the run, then its lines.
    /// A browser that was away says which it had last.
    fn follow(&self, request: &Request, stream: &TcpStream) -> io::Result<()> {
        let run = self.feed.run();
        let last = request.field("last-event-id");
        let last = last.and_then(|id| id.strip_prefix(&run[..])?.strip_prefix(':')?.parse().ok());
        let mut position = last.unwrap_or(0);
        send_head(stream, Status::OK, &[("Content-Type", "text/event-stream")])?;
        let _following = self.feed.follow();
        let header = self.feed.header();
        let mut text =
            format!("retry: 1000\nid: {run}:{position}\nevent: header\ndata: {header}\n\n");
        loop {
            let mut stream = stream;
            stream.write_all(text.as_bytes())?;
            let news = self.feed.wait(position, HEARTBEAT);
            text.clear();
            let mut id = news.next - news.lines.len() as u64;
            for line in &news.lines {
                id += 1;
                text += &format!("id: {run}:{id}\ndata: {line}\n\n");
            }
            position = news.next;
            if news.is_over {
                text += "event: over\ndata:\n\n";
                return stream.write_all(text.as_bytes());
            }
            if text.is_empty() {
                text += ":\n\n";
            }
        }
    }

    fn diagram(&self, _: &Request, stream: &TcpStream) -> io::Result<()> {
        let recording = Recording::read(self.feed.recording().as_bytes());
        let runs = recording.map_err(io::Error::other)?.runs.into_iter();
        let loaded = Recordings::new(runs.map(|run| (0, run)).collect());
        let sequence = Sequence::of(&loaded, Ids::of(&loaded, false), Selection::default());
        let mut picture = Vec::new();
        svg::write(&sequence, &mut picture)?;
        send(
            stream,
            Status::OK,
            &[("Content-Type", "image/svg+xml")],
            &picture,
        )
    }

    fn replace_faults(&self, request: &Request, stream: &TcpStream) -> io::Result<()> {
        let text = String::from_utf8_lossy(&request.body);
        let spec = match text.trim() {
            "" => Ok(FaultSpec::default()),
            text => text.parse().map_err(|error| format!("\n{error}")),
        };
        let spec: FaultSpec = match spec {
            Ok(spec) => spec,
            Err(words) => return refuse(stream, Status::BAD_REQUEST, &words),
        };
        if spec.crash_at.is_some() {
            let words =
                "a crash point is for the start: --fault crash-at=…; while it runs, crash now";
            return refuse(stream, Status::BAD_REQUEST, words);
        }
        let script = self.config.script.as_ref();
        let warnings = match faults::check(&spec, &self.config.role, script) {
            Ok(warnings) => warnings,
            Err(words) => return refuse(stream, Status::BAD_REQUEST, &words),
        };
        let (fault, seed) = (spec.to_string(), random_seed());
        self.faults.replace(spec, seed);
        self.observed.forget_answer();
        match fault.is_empty() {
            true => tracing::warn!("injecting no faults from here on"),
            false => tracing::warn!("injecting faults from here on: --fault {fault} --seed {seed}"),
        }
        if let Some(recorder) = &self.config.recorder {
            let fault = fault.clone();
            recorder.record(None, EventKind::Faults { fault, seed });
        }
        let answer = serde_json::json!({"fault": fault, "seed": seed, "warnings": warnings});
        send(stream, Status::OK, &[JSON], answer.to_string().as_bytes())
    }

    fn crash(&self, _: &Request, stream: &TcpStream) -> io::Result<()> {
        if !self.may_crash {
            let words = "this server is not to crash: start it with --allow-crash";
            return refuse(stream, Status::FORBIDDEN, words);
        }
        send(stream, Status::OK, &[TEXT], b"crashing\n")?;
        tracing::warn!("crashing, because the page said so");
        crash::crash_now()
    }
}

/// The page in one file. Nothing but its own script and style is used, whatever a peer says: both
/// carry a number that is drawn for each answer.
fn page(stream: &TcpStream) -> io::Result<()> {
    let nonce = Uuid::new_v4().simple().to_string();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let page = HTML
        .replace("NONCE", &nonce)
        .replace("/*CSS*/", CSS)
        .replace("/*SCRIPT*/", SCRIPT);
    let kind = ("Content-Type", "text/html; charset=utf-8");
    let fields = [kind, ("Content-Security-Policy", &policy)];
    send(stream, Status::OK, &fields, page.as_bytes())
}

fn refuse(stream: &TcpStream, status: Status, words: &str) -> io::Result<()> {
    send(
        stream,
        status,
        &[TEXT],
        format!("{}\n", words.trim()).as_bytes(),
    )
}
