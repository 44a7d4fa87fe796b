//! A real browser, without a window: Chromium, driven by its DevTools protocol over two pipes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{TEST_TIMEOUT, requirement};

/// The names under which it is installed.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Ends a test that has nothing to look with because there is no browser.
#[macro_export]
macro_rules! require_browser {
    () => {
        if !$crate::browser::is_there() {
            return;
        }
    };
}

/// Whether there is a browser; see [`requirement::is_met`].
#[track_caller]
pub fn is_there() -> bool {
    requirement::is_met("chromium", name().is_some())
}

fn name() -> Option<&'static str> {
    let mut names = NAMES.into_iter();
    names.find(|name| requirement::is_installed(name))
}

/// A browser with one page. Ended when dropped.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    input: ChildStdin,
    answers: Receiver<Value>,
    session: Option<String>,
    last_id: u64,
    /// What the page's script did not catch, and what the browser reported.
    pub complaints: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// A browser that shows this page.
    pub fn open(url: &str) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        // The pipes of the protocol are its descriptors 3 and 4.
        let script = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null";
        let mut command = Command::new("sh");
        command.args(["-c", script, name().unwrap()]);
        command.args(["--headless=new", "--remote-debugging-pipe", "--disable-gpu"]);
        // In a container, as root, its sandbox does not start.
        command.args(["--no-sandbox", "--disable-dev-shm-usage", "--no-first-run"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.arg("about:blank");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while output
                .read_until(0, &mut message)
                .is_ok_and(|length| length > 0)
            {
                message.pop();
                let parsed = serde_json::from_slice(&message).unwrap_or(Value::Null);
                if sender.send(parsed).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let mut browser = Browser {
            child,
            input,
            answers,
            session: None,
            last_id: 0,
            complaints: Vec::new(),
            _profile: profile,
        };
        let targets = browser.call("Target.getTargets", json!({}));
        let targets = targets["targetInfos"].as_array().unwrap().iter();
        let page = targets
            .into_iter()
            .find(|target| target["type"] == "page")
            .unwrap();
        let attach = json!({"targetId": page["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        browser.call("Runtime.enable", json!({}));
        browser.call("Page.enable", json!({}));
        let size = json!({"width": 1300, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        browser.call("Emulation.setDeviceMetricsOverride", size);
        browser.call("Page.navigate", json!({"url": url}));
        browser.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'");
        browser
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> Value {
        let parameters =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", parameters);
        let failure = &answer["exceptionDetails"];
        assert!(failure.is_null(), "{expression}: {failure}");
        answer["result"]["value"].clone()
    }

    /// The text of an expression in the page.
    #[track_caller]
    pub fn text(&mut self, expression: &str) -> String {
        let value = self.value(expression);
        value
            .as_str()
            .unwrap_or_else(|| panic!("{expression}: {value}"))
            .to_owned()
    }

    /// Waits until this expression is true in the page.
    #[track_caller]
    pub fn wait_for(&mut self, condition: &str) {
        let seconds = TEST_TIMEOUT.as_secs();
        let promise = format!(
            "new Promise((done, fail) => {{ const began = Date.now(); const look = () => {{ \
             if ({condition}) done(true); \
             else if (Date.now() - began > {seconds}000) fail('still waiting'); \
             else setTimeout(look, 10); }}; look(); }})"
        );
        self.value(&promise);
    }

    /// Clicks the first element that this selects.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        self.value(&format!(
            "document.querySelector({}).click()",
            json!(selector)
        ));
    }

    #[track_caller]
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last_id += 1;
        let mut request = json!({"id": self.last_id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let mut bytes = request.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).unwrap();
        loop {
            let message = self.answers.recv_timeout(TEST_TIMEOUT + TEST_TIMEOUT / 2);
            let message =
                message.unwrap_or_else(|_| panic!("the browser says nothing to {method}"));
            if message["method"] == "Runtime.exceptionThrown" {
                self.complaints
                    .push(message["params"]["exceptionDetails"].to_string());
            }
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends the processes that it started, and so does the end of its pipe.
        let request = json!({"id": self.last_id + 1, "method": "Browser.close"});
        let _ = self.input.write_all(format!("{request}\0").as_bytes());
        while self.answers.recv_timeout(TEST_TIMEOUT / 10).is_ok() {}
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
