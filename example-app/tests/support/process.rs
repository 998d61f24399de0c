use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use super::{Answer, Store, wait_for};

/// What the application is started with; nothing of the caller's settings.
pub struct Setup<'a> {
    store: &'a Store,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
}

impl<'a> Setup<'a> {
    pub fn new(store: &'a Store, arguments: &[&str]) -> Self {
        Self {
            store,
            arguments: arguments.iter().map(ToString::to_string).collect(),
            variables: vec![("DATABASE_URL".to_owned(), store.url.clone())],
        }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// On those brokers instead of the embedded one.
    pub fn on(self, brokers: Option<&str>) -> Self {
        match brokers {
            Some(brokers) => self.env("KAFKA__BOOTSTRAP_SERVERS", brokers),
            None => self,
        }
    }

    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(set, _)| set != name);
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_app"));
        for (name, _) in std::env::vars_os() {
            let inherited = name.to_string_lossy();
            if inherited.starts_with("KAFKA_")
                || ["RUST_LOG", "DATABASE_URL"].contains(&&*inherited)
            {
                command.env_remove(&name);
            }
        }
        command
            .current_dir(self.store.folder.path())
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end: exit code, and all it printed.
    pub fn run(&self) -> (Option<i32>, String) {
        let output = self.command().output().expect("the application starts");
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        (output.status.code(), text)
    }

    /// Starts it and goes on.
    pub fn start(&self) -> App {
        let mut child = self.command().spawn().expect("the application starts");
        let printed = Arc::new(Mutex::new(String::new()));
        collect(child.stdout.take().expect("its stdout"), &printed);
        collect(child.stderr.take().expect("its stderr"), &printed);
        App {
            child,
            printed,
            url: String::new(),
        }
    }

    /// Starts it and waits until its web server listens.
    pub fn serve(&self) -> App {
        let mut app = self.start();
        app.url = wait_for("the line that says where it listens", || {
            app.assert_running();
            let printed = app.printed();
            let (_, rest) = printed.split_once("listening on ")?;
            let (url, _) = rest.split_once('\n')?;
            Some(url.to_owned())
        });
        app
    }
}

fn collect(stream: impl Read + Send + 'static, into: &Arc<Mutex<String>>) {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut text = into.lock().expect("no reader panicked");
            text.push_str(&line);
            text.push('\n');
        }
    });
}

/// A running application; killed when dropped.
pub struct App {
    child: Child,
    printed: Arc<Mutex<String>>,
    pub url: String,
}

impl App {
    /// All it printed so far.
    pub fn printed(&self) -> String {
        self.printed.lock().expect("no reader panicked").clone()
    }

    pub fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().expect("its state") {
            panic!("the application ended with {status}:\n{}", self.printed());
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        let response = minreq::get(format!("{}{path}", self.url)).send();
        Answer::of(&response.expect("an answer"))
    }

    /// Posts JSON.
    pub fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = minreq::post(format!("{}{path}", self.url))
            .with_header("content-type", "application/json")
            .with_body(body);
        Answer::of(&request.send().expect("an answer"))
    }

    /// Posts the fields of a form, written as they travel: `a=1&b=2`.
    pub fn post_form(&self, path: &str, fields: &str) -> Answer {
        let request = minreq::post(format!("{}{path}", self.url))
            .with_header("content-type", "application/x-www-form-urlencoded")
            .with_body(fields);
        Answer::of(&request.send().expect("an answer"))
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        wait_for("its end", || self.child.try_wait().expect("its state"))
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the application printed:\n{}", self.printed());
        }
    }
}
