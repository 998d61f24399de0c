use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::{Scene, until};

/// A consumer process; killed when dropped.
pub(crate) struct Member {
    child: Child,
    log: PathBuf,
    pub(crate) journal: PathBuf,
}

impl Member {
    pub(super) fn start(scene: &Scene, number: u32, arguments: &[&str]) -> Self {
        let journal = scene.directory().join(format!("{number:03}.journal"));
        let log = scene.directory().join(format!("{number:03}.log"));
        File::create_new(&journal).expect("a journal");
        let child = Command::new(env!("CARGO_BIN_EXE_harness"))
            .args(["--bootstrap", &scene.bootstrap])
            .args(["--topic", &scene.topic, "--group", &scene.group])
            .arg("--journal")
            .arg(&journal)
            .args(arguments)
            .env("NO_COLOR", "1")
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("the harness starts");
        Self {
            child,
            log,
            journal,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it logged until now.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("its log")
    }

    /// How often it was given partitions.
    pub(crate) fn assignments(&self) -> usize {
        self.log().matches("partitions assigned").count()
    }

    /// Sends a signal, by its name without `SIG`.
    pub(crate) fn signal(&self, signal: &str) {
        let script = format!("kill -{signal} {}", self.id());
        let sent = Command::new("sh").args(["-c", &script]).status();
        assert!(sent.expect("a shell").success(), "{script}");
    }

    /// SIGKILL, and it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it has ended");
    }

    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self, timeout: Duration) -> ExitStatus {
        let mut status = None;
        let log = self.log.clone();
        until(timeout, || {
            status = self.ended();
            let missing = || format!("the end of the process that logs to {}", log.display());
            status.is_none().then(missing)
        });
        status.expect("it has ended")
    }

    /// SIGTERM; it must end with 0 within `timeout`.
    pub(crate) fn stop(&mut self, timeout: Duration) {
        self.signal("TERM");
        let status = self.wait(timeout);
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// Its peak resident size until now, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kilobytes: u64 = kilobytes
            .and_then(|number| number.trim().parse().ok())
            .expect("a peak size");
        kilobytes * 1024
    }
}

impl Member {
    /// The time that processors have worked for it, in the kernel too.
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id()));
        let stat = stat.expect("it runs");
        // The name before it may hold spaces.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|it| it.parse::<u64>().expect("ticks")).sum();
        // A tick is a hundredth of a second on Linux.
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.log.display(), tail(&self.log()));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}
