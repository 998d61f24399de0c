//! Compares what is committed with what handlers did.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use kafka_integration::retry::Trail;
use kafka_integration_tests::{Entry, JournalReader, Kind};

use super::{LogReader, Logged, Scene};

/// What messages must be handled one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Partition,
    Key,
}

/// Everything the members of a scene did, as their journals have it.
#[derive(Default)]
pub(crate) struct Ledger {
    journals: BTreeMap<PathBuf, JournalReader>,
    pub(crate) entries: Vec<Entry>,
    /// By partition, the finished offsets.
    finished: BTreeMap<i32, Finished>,
    /// How often each event was finished.
    times: HashMap<u64, u64>,
}

#[derive(Default)]
struct Finished {
    /// Everything below is finished.
    low: i64,
    above: BTreeSet<i64>,
}

impl Ledger {
    /// Reads what is new.
    pub(crate) fn refresh(&mut self, directory: &Path) {
        let files = std::fs::read_dir(directory).expect("the journals' folder");
        for file in files {
            let path = file.expect("the journals' folder").path();
            if path.extension().is_some_and(|kind| kind == "journal") {
                let open = |path: &PathBuf| JournalReader::open(path).expect("a journal");
                let journal = self.journals.entry(path);
                let journal = journal.or_insert_with_key(open);
                let fresh = journal.read().expect("a journal");
                for entry in &fresh {
                    if entry.kind == Kind::Finished {
                        *self.times.entry(entry.event.id).or_default() += 1;
                        let finished = self.finished.entry(entry.partition).or_default();
                        finished.add(entry.offset);
                    }
                }
                self.entries.extend(fresh);
            }
        }
    }

    /// How many different events are finished.
    pub(crate) fn finished(&self) -> u64 {
        self.times.len() as u64
    }

    pub(crate) fn is_finished(&self, id: u64) -> bool {
        self.times.contains_key(&id)
    }

    /// How many times an event was finished again.
    pub(crate) fn duplicates(&self) -> u64 {
        self.times.values().map(|times| times - 1).sum()
    }

    /// How many messages were started by a process and came to no end there.
    pub(crate) fn abandoned(&self) -> usize {
        let mut running = BTreeSet::new();
        for entry in &self.entries {
            let message = (entry.process, entry.partition, entry.offset);
            match entry.kind {
                Kind::Started => running.insert(message),
                Kind::Finished | Kind::Failed => running.remove(&message),
            };
        }
        running.len()
    }

    /// A message that is in a retry or dead-letter topic is finished where it
    /// stood first.
    fn has_moved(&mut self, records: &[Logged]) {
        for record in records {
            let trail = Trail::of(&record.headers).expect("it says where it came from");
            let first = trail.original;
            let finished = self.finished.entry(first.partition).or_default();
            finished.add(first.offset);
        }
    }

    fn lowest_unfinished(&self, partition: i32) -> i64 {
        self.finished.get(&partition).map_or(0, |f| f.low)
    }

    /// No message was started before all earlier ones of its lane had been
    /// finished, by whichever process; and no process had two of a lane at a
    /// time.
    pub(crate) fn check_order(&self, lane: Lane) {
        self.check_predecessors(lane);
        self.check_alone(lane);
    }

    fn check_predecessors(&self, lane: Lane) {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        // Stable: what one process wrote stays in its order.
        entries.sort_by_key(|entry| entry.at);
        let mut next: HashMap<(i32, &str), u64> = HashMap::new();
        for entry in entries {
            let (key, place) = match lane {
                Lane::Partition => ("", entry.offset as u64),
                Lane::Key => (entry.event.key.as_str(), entry.event.sequence),
            };
            let next = next.entry((entry.partition, key)).or_default();
            match entry.kind {
                Kind::Started => assert!(
                    place <= *next,
                    "by {lane:?}: {entry:?} was started when {next} was not finished yet"
                ),
                Kind::Finished => *next = (*next).max(place + 1),
                Kind::Failed => {}
            }
        }
    }

    fn check_alone(&self, lane: Lane) {
        let mut running: HashMap<(u32, i32, &str), &Entry> = HashMap::new();
        for entry in &self.entries {
            let key = match lane {
                Lane::Partition => "",
                Lane::Key => entry.event.key.as_str(),
            };
            let lane = (entry.process, entry.partition, key);
            if entry.kind == Kind::Started {
                let other = running.insert(lane, entry);
                assert!(other.is_none(), "at a time: {other:?} and {entry:?}");
            } else {
                running.remove(&lane);
            }
        }
    }
}

impl Finished {
    fn add(&mut self, offset: i64) {
        if offset < self.low {
            return;
        }
        self.above.insert(offset);
        while self.above.remove(&self.low) {
            self.low += 1;
        }
    }
}

/// Watches a scene: no committed offset is ever above an unfinished message,
/// and none ever goes back.
pub(crate) struct Audit {
    scene: Arc<Scene>,
    asking: Arc<Mutex<Asking>>,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Who asks the broker. It may not answer for a while; what the journals say
/// does not wait for that.
struct Asking {
    scene: Arc<Scene>,
    /// Where messages move to when they fail.
    moved: Option<LogReader>,
}

#[derive(Default)]
struct State {
    ledger: Ledger,
    committed: BTreeMap<i32, i64>,
    samples: u64,
    violation: Option<String>,
}

impl Audit {
    /// Samples from now on, in a thread of its own.
    pub(crate) fn start(scene: &Arc<Scene>) -> Self {
        Self::start_with(scene, None)
    }

    /// The same; a message that has moved to one of those topics counts as
    /// finished where it stood first.
    pub(crate) fn with_moved(scene: &Arc<Scene>, topics: Vec<String>) -> Self {
        Self::start_with(scene, Some(LogReader::new(&scene.bootstrap, topics)))
    }

    fn start_with(scene: &Arc<Scene>, moved: Option<LogReader>) -> Self {
        let asking = Arc::new(Mutex::new(Asking {
            scene: Arc::clone(scene),
            moved,
        }));
        let state = Arc::new(Mutex::new(State::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (asking, state, stop) =
                (Arc::clone(&asking), Arc::clone(&state), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    lock(&asking).sample(&state);
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        });
        Self {
            scene: Arc::clone(scene),
            asking,
            state,
            stop,
            thread: Some(thread),
        }
    }

    /// How many different events are finished; fails on what was seen wrong.
    pub(crate) fn finished(&self) -> u64 {
        let mut state = lock(&self.state);
        state.complain();
        state.ledger.refresh(self.scene.directory());
        state.ledger.finished()
    }

    /// How many handlers have failed or panicked.
    pub(crate) fn failures(&self) -> usize {
        let mut state = lock(&self.state);
        state.ledger.refresh(self.scene.directory());
        let entries = state.ledger.entries.iter();
        entries.filter(|entry| entry.kind == Kind::Failed).count()
    }

    /// When the first handler failed, as journals tell the time.
    pub(crate) fn first_failure(&self) -> Option<u64> {
        let mut state = lock(&self.state);
        state.ledger.refresh(self.scene.directory());
        let entries = state.ledger.entries.iter();
        let failed = entries.filter(|entry| entry.kind == Kind::Failed);
        failed.map(|entry| entry.at).min()
    }

    /// Compares now.
    pub(crate) fn check(&self) {
        lock(&self.asking).sample(&self.state);
        lock(&self.state).complain();
    }

    /// Compares now, while no member runs; how many messages are finished and
    /// not committed. More than `most` is a failure.
    pub(crate) fn finished_above_commits(&self, most: u64) -> u64 {
        lock(&self.asking).sample(&self.state);
        let state = lock(&self.state);
        state.complain();
        let State {
            ledger, committed, ..
        } = &*state;
        let above: u64 = ledger
            .finished
            .iter()
            .map(|(partition, finished)| {
                let committed = committed.get(partition).copied().unwrap_or(0);
                let below = u64::try_from(finished.low - committed).unwrap_or(0);
                below + finished.above.len() as u64
            })
            .sum();
        assert!(
            above <= most,
            "{above} messages are finished and not committed, {most} may be"
        );
        above
    }

    /// Compares once more; what the members did.
    pub(crate) fn finish(mut self) -> Ledger {
        self.end();
        lock(&self.asking).sample(&self.state);
        let mut state = lock(&self.state);
        state.complain();
        assert!(state.samples > 1, "the broker never told what is committed");
        println!("{}: {} samples of commits", self.scene.topic, state.samples);
        std::mem::take(&mut state.ledger)
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the audit ends");
        }
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.end();
    }
}

impl Asking {
    /// What is committed is asked first: what handlers had finished and what
    /// had moved by then is read second.
    fn sample(&mut self, state: &Mutex<State>) {
        // A broker that is down commits nothing either.
        let Ok(committed) = self.scene.try_committed() else {
            return;
        };
        let moved = self.moved.as_mut().map_or(Ok(Vec::new()), LogReader::read);
        let Ok(moved) = moved else {
            return;
        };
        let mut state = lock(state);
        state.ledger.refresh(self.scene.directory());
        state.ledger.has_moved(&moved);
        state.compare(committed);
    }
}

impl State {
    fn compare(&mut self, committed: BTreeMap<i32, i64>) {
        self.samples += 1;
        for (partition, offset) in &committed {
            let unfinished = self.ledger.lowest_unfinished(*partition);
            if *offset > unfinished {
                self.violation.get_or_insert(format!(
                    "{offset} is committed in partition {partition}, \
                     but {unfinished} is not finished"
                ));
            }
        }
        for (partition, before) in &self.committed {
            let now = committed.get(partition);
            if now.is_none_or(|now| now < before) {
                self.violation.get_or_insert(format!(
                    "the commit of partition {partition} went back from {before} to {now:?}"
                ));
            }
        }
        self.committed = committed;
    }

    fn complain(&self) {
        if let Some(violation) = &self.violation {
            panic!("{violation}");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
