use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::*;
use crate::retry::RetryPolicy;
use crate::runner::handler::Handler;
use crate::runner::raw::{OwnedMessage, RawMessage};
use crate::runner::rules::Rules;
use crate::runner::turn::Turn;

struct NoHook;

impl Handler for NoHook {
    fn topic_name(&self) -> &str {
        "topic"
    }

    fn type_name(&self) -> &'static str {
        "NoHook"
    }

    fn retry(&self) -> Option<RetryPolicy> {
        None
    }

    fn run<'a>(&'a self, _: &'a mut Turn) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async {})
    }
}

pub(super) fn most(messages: usize) -> Keep {
    Keep {
        messages,
        bytes: usize::MAX,
    }
}

pub(super) fn partition(id: i32) -> Arc<Partition> {
    let rules = Rules::for_test();
    Arc::new(Partition::new("topic".into(), id, Arc::new(NoHook), rules))
}

/// One whose failed messages are to be waited for by later ones of their key.
pub(super) fn ordered_partition(id: i32) -> Arc<Partition> {
    let mut rules = (*Rules::for_test()).clone();
    rules.policy = Arc::new(RetryPolicy {
        preserve_order: true,
        ..RetryPolicy::default()
    });
    let rules = Arc::new(rules);
    Arc::new(Partition::new("topic".into(), id, Arc::new(NoHook), rules))
}

pub(super) fn work(offset: i64, key: Option<u8>) -> Work {
    let key = key.map(|key| vec![key]);
    Work {
        message: RawMessage::Owned(Box::new(OwnedMessage::for_test(offset, key))),
        sequence: offset as u64,
        attempt: 0,
        past: None,
        size: 1,
        lane: None,
    }
}

/// A seeded sequence of numbers, so that a failure can be repeated.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// A worker as the lanes see it: a turn of which messages were started.
struct Worker {
    partition: Arc<Partition>,
    rest: VecDeque<Work>,
    running: Option<Work>,
    finished: Vec<Lane>,
    end: TurnEnd,
}

/// Lanes driven by workers that run, wait, fail and finish at random, with what
/// must hold checked at each step.
struct Model {
    lanes: Lanes,
    ordering: Ordering,
    workers: Vec<Worker>,
    hired: usize,
    parked: Vec<(Arc<Partition>, Work)>,
    /// What the lanes did not take, as the client would keep it.
    returned: Vec<(Arc<Partition>, Work)>,
    /// The last offset that finished, by what must be in order.
    last: HashMap<(i32, Option<Vec<u8>>), i64>,
    active: HashSet<(i32, Option<Vec<u8>>)>,
    finished: HashSet<(i32, i64)>,
}

impl Model {
    fn new(ordering: Ordering, concurrency: usize) -> Self {
        Self {
            // Little may wait where a lane stands still, so that giving back is
            // part of the game.
            lanes: Lanes::new(ordering, concurrency, most(4_096)),
            ordering,
            workers: Vec::new(),
            hired: 0,
            parked: Vec::new(),
            returned: Vec::new(),
            last: HashMap::new(),
            active: HashSet::new(),
            finished: HashSet::new(),
        }
    }

    /// What messages must be in order with this one; none when nothing must.
    fn order_of(&self, partition: &Partition, work: &Work) -> Option<(i32, Option<Vec<u8>>)> {
        match self.ordering {
            Ordering::Partition => Some((partition.id, None)),
            Ordering::Key => {
                let key = work.message.key()?;
                Some((partition.id, Some(key.to_vec())))
            }
            Ordering::None => None,
        }
    }

    fn hire(&mut self, count: usize) {
        for _ in 0..count {
            self.hired += 1;
            let mut rest = VecDeque::new();
            match self.lanes.take(&mut rest) {
                Some(partition) => self.workers.push(Worker {
                    partition,
                    rest,
                    running: None,
                    finished: Vec::new(),
                    end: TurnEnd::default(),
                }),
                None => self.hired -= 1,
            }
        }
    }

    fn push(&mut self, partition: &Arc<Partition>, mut works: Vec<Work>) {
        let count = self.lanes.push(partition, &mut works);
        let given_back = works.into_iter().map(|work| (Arc::clone(partition), work));
        self.returned.extend(given_back);
        self.hire(count);
    }

    /// Delivers again what was given back, once the lanes ask for it.
    fn rewind(&mut self, partition: &Arc<Partition>) {
        if !partition.take_rewind() {
            return;
        }
        self.lanes.rewound(partition);
        let ours = |(owner, _): &mut (Arc<Partition>, Work)| Arc::ptr_eq(owner, partition);
        let mut works: Vec<_> = self.returned.extract_if(.., ours).map(|(_, w)| w).collect();
        works.sort_by_key(|work| work.message.offset());
        self.push(partition, works);
    }

    fn start(&mut self, index: usize) -> bool {
        let Some(work) = self.workers[index].rest.pop_front() else {
            return false;
        };
        let partition = Arc::clone(&self.workers[index].partition);
        if let Some(order) = self.order_of(&partition, &work) {
            assert!(
                self.active.insert(order.clone()),
                "two of {order:?} at a time"
            );
            let last = self.last.get(&order).copied().unwrap_or(-1);
            assert!(work.message.offset() > last, "{order:?} went back");
        }
        self.workers[index].running = Some(work);
        true
    }

    fn wait(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        worker.end.waited = true;
        let finished = std::mem::take(&mut worker.finished);
        let running = worker.running.as_ref().and_then(|work| work.lane);
        let count = self
            .lanes
            .waiting(&worker.partition, &finished, running, &mut worker.rest);
        self.hire(count);
    }

    fn finish(&mut self, index: usize) {
        let work = self.workers[index].running.take().expect("it runs");
        let partition = Arc::clone(&self.workers[index].partition);
        let offset = work.message.offset();
        if let Some(order) = self.order_of(&partition, &work) {
            self.active.remove(&order);
            self.last.insert(order, offset);
        }
        assert!(self.finished.insert((partition.id, offset)), "done twice");
        self.workers[index].finished.push(work.lane);
    }

    fn fail(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        let work = worker.running.take().expect("it runs");
        worker.end.parked = true;
        self.lanes
            .park(&worker.partition, work.lane, &mut worker.rest);
        let partition = Arc::clone(&worker.partition);
        if let Some(order) = self.order_of(&partition, &work) {
            self.active.remove(&order);
        }
        self.parked.push((partition, work));
    }

    fn end_turn(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        let finished = std::mem::take(&mut worker.finished);
        let end = std::mem::take(&mut worker.end);
        let count = self.lanes.end_turn(&worker.partition, &finished, end);
        match self.lanes.take(&mut worker.rest) {
            Some(partition) => worker.partition = partition,
            None => {
                self.workers.swap_remove(index);
                self.hired -= 1;
            }
        }
        self.hire(count);
    }

    fn step(&mut self, random: &mut Random) {
        if !self.parked.is_empty() && random.below(4) == 0 {
            let (partition, work) = self.parked.swap_remove(random.below(self.parked.len()));
            let count = self.lanes.unpark(&partition, work).unwrap_or(0);
            self.hire(count);
            return;
        }
        if self.workers.is_empty() {
            return;
        }
        let index = random.below(self.workers.len());
        if self.workers[index].running.is_none() && !self.start(index) {
            self.end_turn(index);
            return;
        }
        match random.below(8) {
            0 => self.fail(index),
            1 | 2 => self.wait(index),
            _ => self.finish(index),
        }
    }
}

fn every_message_is_handled_in_order(ordering: Ordering, concurrency: usize, seed: u64) {
    let mut random = Random(seed);
    let mut model = Model::new(ordering, concurrency);
    let partitions: Vec<_> = (0..3).map(partition).collect();
    let mut next = [0_i64; 3];
    for _ in 0..2_000 {
        if random.below(10) == 0 {
            let id = random.below(3);
            let works = (0..random.below(20))
                .map(|_| {
                    next[id] += 1;
                    let key = (random.below(5) > 0).then(|| random.below(4) as u8);
                    work(next[id], key)
                })
                .collect();
            model.push(&partitions[id], works);
        }
        model.step(&mut random);
        partitions.iter().for_each(|p| model.rewind(p));
        assert!(model.hired <= concurrency, "more workers than concurrency");
    }
    let total: i64 = next.iter().sum();
    let mut steps = 0;
    while (model.finished.len() as i64) < total {
        model.step(&mut random);
        partitions.iter().for_each(|p| model.rewind(p));
        steps += 1;
        assert!(steps < 1_000_000, "messages are stuck in the lanes");
    }
}

#[test]
fn whatever_happens_every_message_is_handled_in_order() {
    for ordering in [Ordering::Partition, Ordering::Key, Ordering::None] {
        for concurrency in [1, 2, 7, 100] {
            for seed in 1..20 {
                every_message_is_handled_in_order(ordering, concurrency, seed * 7_919);
            }
        }
    }
}

#[test]
fn a_drain_keeps_what_is_below_the_highest_started_and_gives_up_the_rest() {
    let lanes = Lanes::new(Ordering::Key, 10, most(100_000));
    let partition = partition(0);
    // Offsets 1 and 3 are of one key, 2 and 4 of another, 5 of a third.
    let keys = [(1, 1), (2, 2), (3, 1), (4, 2), (5, 3)];
    let mut works: Vec<_> = keys.map(|(offset, key)| work(offset, Some(key))).into();
    let _ = lanes.push(&partition, &mut works);
    let mut first = VecDeque::new();
    lanes.take(&mut first).expect("1 is ready");
    assert!(partition.start(1) && partition.start(3));
    partition.begin_drain();
    let dropped: Vec<_> = lanes
        .drain(&partition)
        .iter()
        .map(|work| work.message.offset())
        .collect();
    assert_eq!(
        dropped.iter().collect::<HashSet<_>>(),
        HashSet::from([&4, &5])
    );
    // 3 waits behind 1 and is still handled, so that its finishing is not lost.
    let _ = lanes.end_turn(&partition, &[first[0].lane], TurnEnd::default());
    let mut left = VecDeque::new();
    while lanes.take(&mut left).is_some() {}
    let left: Vec<_> = left.iter().map(|work| work.message.offset()).collect();
    assert_eq!(left, [2, 3]);
}

#[test]
fn a_parked_key_holds_up_nobody_else() {
    let lanes = Lanes::new(Ordering::Key, 1, most(100_000));
    let partition = partition(0);
    let mut works = vec![work(1, Some(1)), work(2, Some(1)), work(3, Some(2))];
    let _ = lanes.push(&partition, &mut works);
    let mut turn = VecDeque::new();
    lanes.take(&mut turn).expect("1 is ready");
    let failed = turn.pop_front().expect("offset 1");
    lanes.park(&partition, failed.lane, &mut turn);
    let parked = TurnEnd {
        parked: true,
        ..TurnEnd::default()
    };
    let _ = lanes.end_turn(&partition, &[], parked);
    lanes.take(&mut turn).expect("another key is ready");
    assert_eq!(turn.pop_front().expect("one").message.offset(), 3);
    assert!(turn.is_empty(), "2 waits behind the parked 1");
    let _ = lanes.unpark(&partition, failed);
}

#[test]
fn a_key_that_stands_still_keeps_little_and_its_later_messages_come_again_in_order() {
    // One message may wait behind a stuck one.
    let lanes = Lanes::new(Ordering::Key, 1, most(1_024));
    let partition = partition(0);
    let push = |offsets: &[i64]| -> Vec<i64> {
        let mut works: Vec<_> = offsets.iter().map(|o| work(*o, Some(1))).collect();
        let _ = lanes.push(&partition, &mut works);
        works.iter().map(|work| work.message.offset()).collect()
    };
    assert_eq!(push(&[1, 2]), [0; 0]);
    let mut turn = VecDeque::new();
    lanes.take(&mut turn).expect("1 is ready");
    let failed = turn.pop_front().expect("offset 1");
    lanes.park(&partition, failed.lane, &mut turn);
    assert_eq!(push(&[3, 4]), [3, 4]);
    let _ = lanes.unpark(&partition, failed);
    // Though the lane moves again, 5 may not overtake 3 and 4.
    assert_eq!(push(&[5]), [5]);
    let mut handled = Vec::new();
    while lanes.take(&mut turn).is_some() {
        let work = turn.pop_front().expect("a turn has a message");
        handled.push(work.message.offset());
        let _ = lanes.end_turn(&partition, &[work.lane], TurnEnd::default());
    }
    assert_eq!(handled, [1, 2]);
    assert!(
        partition.wants_rewind(),
        "the lane is empty: the rest may come"
    );
    lanes.rewound(&partition);
    assert_eq!(push(&[3, 4, 5]), [0; 0]);
}

#[test]
fn a_message_that_comes_back_to_an_ended_assignment_is_returned() {
    for ordering in [Ordering::Partition, Ordering::Key, Ordering::None] {
        let lanes = Lanes::new(ordering, 1, most(100));
        let partition = partition(0);
        let (mut works, mut turn) = (vec![work(0, Some(0))], VecDeque::new());
        let _ = lanes.push(&partition, &mut works);
        let _ = lanes.take(&mut turn);
        let failed = turn.pop_front().expect("it was ready");
        lanes.park(&partition, failed.lane, &mut turn);
        partition.close();
        drop(lanes.remove(&partition));
        // Otherwise it would count as outstanding for ever.
        assert!(lanes.unpark(&partition, failed).is_err(), "{ordering}");
    }
}
