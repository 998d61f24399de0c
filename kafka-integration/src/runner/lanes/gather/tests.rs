use std::collections::HashMap;

use super::super::tests::{Random, most, ordered_partition, partition, work};
use super::*;

const LINGER: Duration = Duration::from_secs(1);

/// A gather, with a clock of its own.
struct Scene {
    gather: Gather,
    now: Instant,
    /// What was given back after it was decoded.
    returned: Vec<Gathered>,
}

impl Scene {
    fn new(min: usize, max: usize, ordering: Ordering) -> Self {
        let policy = BatchPolicy {
            min,
            max,
            linger: LINGER,
        };
        Self {
            gather: Gather::new(policy, ordering, most(4)),
            now: Instant::now(),
            returned: Vec::new(),
        }
    }

    /// Brings messages with these keys; returns the offsets that are not taken.
    fn bring(&mut self, partition: &Arc<Partition>, messages: &[(i64, u8)]) -> Vec<i64> {
        let works = messages
            .iter()
            .map(|(offset, key)| work(*offset, Some(*key)));
        let mut works: Vec<_> = works.collect();
        self.gather.push(partition, &mut works, self.now);
        let spilled = works.iter().map(|work| work.message.offset());
        let mut refused: Vec<_> = spilled.collect();
        while let Some(unread) = self.gather.take_unread() {
            let read = self.read(unread);
            refused.extend(read.returned.iter().map(|m| m.work.message.offset()));
        }
        refused
    }

    /// A message that says when it is due.
    fn bring_due(&mut self, partition: &Arc<Partition>, offset: i64, after: Duration) {
        let mut works = vec![work(offset, Some(0))];
        self.gather.push(partition, &mut works, self.now);
        let mut unread = self.gather.take_unread().expect("it was brought");
        unread[0].due = self.now + after;
        self.read(unread);
    }

    fn read(&mut self, unread: Vec<Gathered>) -> Read {
        let messages = unread.into_iter().map(|message| (message, None));
        self.gather.read(messages.collect(), self.now)
    }

    fn later(&mut self, span: Duration) {
        self.now += span;
    }

    /// What a worker does.
    fn take(&mut self) -> Option<Vec<Gathered>> {
        loop {
            let ready = self.gather.ready(self.now);
            if let Some(batch) = self.gather.take(self.now) {
                assert!(ready > 0, "a worker is started for each batch");
                return Some(batch);
            }
            let Some(unread) = self.gather.take_unread() else {
                assert_eq!(ready, 0, "a worker finds something to do");
                return None;
            };
            assert!(ready > 0, "a worker is started to decode");
            let read = self.read(unread);
            self.returned.extend(read.returned);
        }
    }

    fn offsets(&mut self) -> Vec<i64> {
        let batch = self.take().unwrap_or_default();
        offsets(&batch)
    }

    fn finish(&mut self, batch: &[Gathered]) {
        for message in batch {
            let lane = message.work.lane;
            self.gather.finish(&message.partition, lane, self.now);
        }
    }
}

fn offsets(batch: &[Gathered]) -> Vec<i64> {
    let offsets = batch.iter().map(|message| message.work.message.offset());
    offsets.collect()
}

fn of_one_key(offsets: std::ops::Range<i64>) -> Vec<(i64, u8)> {
    offsets.map(|offset| (offset, 0)).collect()
}

#[test]
fn it_goes_at_min_across_partitions_and_never_above_max() {
    let mut scene = Scene::new(3, 4, Ordering::None);
    let (a, b) = (partition(0), partition(1));
    scene.bring(&a, &of_one_key(0..1));
    scene.bring(&b, &of_one_key(10..11));
    assert!(scene.take().is_none());
    scene.bring(&a, &of_one_key(1..2));
    assert_eq!(scene.offsets(), [0, 10, 1]);
    scene.bring(&a, &of_one_key(2..9));
    assert_eq!(scene.offsets(), [2, 3, 4, 5]);
    assert_eq!(scene.offsets(), [6, 7, 8]);
    assert!(scene.take().is_none());
}

#[test]
fn on_a_trickle_it_goes_when_the_first_has_lingered() {
    let mut scene = Scene::new(3, 4, Ordering::Partition);
    let a = partition(0);
    scene.bring(&a, &of_one_key(0..1));
    let started = scene.now;
    scene.later(LINGER / 2);
    scene.bring(&a, &of_one_key(1..2));
    assert_eq!(scene.gather.next_look(scene.now), Some(started + LINGER));
    assert!(scene.take().is_none());
    scene.later(LINGER / 2);
    assert_eq!(scene.offsets(), [0, 1]);
    assert_eq!(scene.gather.next_look(scene.now), None);
}

#[test]
fn a_message_that_says_when_it_is_due_waits_until_then_and_takes_the_others_along() {
    let mut scene = Scene::new(9, 9, Ordering::Partition);
    let (a, b) = (partition(0), partition(1));
    scene.bring_due(&a, 0, LINGER * 10);
    scene.later(LINGER * 2);
    assert!(scene.take().is_none(), "the linger is not for it");
    scene.bring_due(&b, 5, LINGER * 20);
    scene.later(LINGER * 8);
    assert_eq!(scene.offsets(), [0, 5]);
}

#[test]
fn without_room_for_more_it_goes_with_what_is_there() {
    let mut scene = Scene::new(9, 9, Ordering::Partition);
    scene.bring(&partition(0), &of_one_key(0..2));
    assert!(scene.take().is_none());
    scene.gather.press(true);
    assert_eq!(scene.offsets(), [0, 1]);
    scene.gather.press(false);
    scene.bring(&partition(1), &of_one_key(0..2));
    assert!(scene.take().is_none());
}

#[test]
fn by_partition_one_that_runs_holds_back_its_own_messages_and_no_others() {
    let mut scene = Scene::new(2, 2, Ordering::Partition);
    let (a, b) = (partition(0), partition(1));
    scene.bring(&a, &of_one_key(0..4));
    let first = scene.take().expect("two are there");
    assert!(scene.take().is_none());
    scene.bring(&b, &of_one_key(10..12));
    assert_eq!(scene.offsets(), [10, 11]);
    scene.finish(&first);
    assert_eq!(scene.offsets(), [2, 3]);
}

#[test]
fn by_key_one_that_runs_holds_back_its_keys() {
    let mut scene = Scene::new(2, 3, Ordering::Key);
    let a = partition(0);
    scene.bring(&a, &[(0, 1), (1, 1), (2, 2), (3, 1), (4, 3), (5, 3)]);
    let first = scene.take().expect("three are there");
    assert_eq!(offsets(&first), [0, 1, 2]);
    assert_eq!(scene.offsets(), [4, 5]);
    assert!(scene.take().is_none());
    scene.finish(&first);
    scene.later(LINGER);
    assert_eq!(scene.offsets(), [3]);
}

#[test]
fn a_parked_message_holds_back_what_is_behind_it_and_comes_back_first_and_at_once() {
    let mut scene = Scene::new(2, 9, Ordering::Partition);
    let a = partition(0);
    scene.bring(&a, &of_one_key(0..3));
    let mut batch = scene.take().expect("three are there");
    scene.bring(&a, &of_one_key(3..5));
    let last = batch.pop().expect("offset 2");
    let middle = batch.pop().expect("offset 1");
    scene.finish(&batch);
    for failed in [&middle, &last] {
        scene.gather.park(&failed.parking(), scene.now);
    }
    assert!(scene.take().is_none());
    // The lower one does not wait for the higher one, nor that for it.
    scene.gather.unpark(&a, middle.work, scene.now);
    let again = scene.take().expect("it is due");
    assert_eq!(offsets(&again), [1]);
    scene.finish(&again);
    assert!(scene.take().is_none());
    scene.gather.unpark(&a, last.work, scene.now);
    assert_eq!(scene.offsets(), [2, 3, 4]);
}

#[test]
fn those_to_be_tried_alone_go_one_by_one_and_before_others_of_their_lane() {
    let mut scene = Scene::new(2, 9, Ordering::Partition);
    let (a, b) = (partition(0), partition(1));
    scene.bring(&a, &of_one_key(0..2));
    let batch = scene.take().expect("two are there");
    scene.bring(&a, &of_one_key(2..5));
    scene.bring(&b, &of_one_key(10..11));
    for failed in batch {
        assert!(scene.gather.alone(failed, scene.now).is_none());
    }
    for offset in [0, 1] {
        let alone = scene.take().expect("it is due");
        assert_eq!(offsets(&alone), [offset]);
        scene.finish(&alone);
    }
    assert_eq!(scene.offsets(), [2, 3, 4, 10]);
}

#[test]
fn a_lane_whose_message_is_refused_elsewhere_stops_until_it_is_not() {
    let mut scene = Scene::new(1, 9, Ordering::Partition);
    let (a, b) = (partition(0), partition(1));
    scene.gather.stop(&a, Some(0));
    scene.bring(&a, &of_one_key(0..2));
    scene.bring(&b, &of_one_key(10..11));
    assert_eq!(scene.offsets(), [10]);
    assert!(scene.take().is_none());
    scene.gather.go_on(&a, Some(0), scene.now);
    assert_eq!(scene.offsets(), [0, 1]);
}

#[test]
fn a_key_that_stands_still_keeps_little_and_its_later_messages_come_again_in_order() {
    let mut scene = Scene::new(1, 9, Ordering::Key);
    let a = partition(0);
    scene.bring(&a, &[(0, 1)]);
    let mut batch = scene.take().expect("it is there");
    let failed = batch.pop().expect("offset 0");
    scene.gather.park(&failed.parking(), scene.now);
    assert_eq!(
        scene.bring(&a, &[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 2)]),
        [5]
    );
    assert_eq!(scene.offsets(), [6]);
    scene.gather.unpark(&a, failed.work, scene.now);
    // 6 may not overtake 5.
    assert_eq!(scene.bring(&a, &[(7, 1)]), [7]);
    let batch = scene.take().expect("0 is back");
    assert_eq!(offsets(&batch), [0, 1, 2, 3, 4]);
    assert!(!a.wants_rewind());
    scene.finish(&batch);
    assert!(a.wants_rewind(), "the key is empty: the rest may come");
    scene.gather.rewound(&a);
    assert_eq!(scene.bring(&a, &[(5, 1), (7, 1)]), [0; 0]);
    assert_eq!(scene.offsets(), [5, 7]);
}

#[test]
fn what_is_being_decoded_while_its_partition_is_sent_back_does_not_overtake() {
    let mut scene = Scene::new(1, 9, Ordering::Partition);
    let a = partition(0);
    scene.bring(&a, &of_one_key(0..3));
    let mut works = vec![work(3, None)];
    scene.gather.push(&a, &mut works, scene.now);
    let unread = scene.gather.take_unread().expect("offset 3");
    let mut shed = Vec::new();
    scene.gather.shed(&a, most(1), scene.now, &mut shed);
    assert_eq!(shed.len(), 2);
    scene.gather.rewound(&a);
    let read = scene.read(unread);
    assert_eq!(offsets(&read.returned), [3]);
    assert_eq!(scene.offsets(), [0]);
}

#[test]
fn what_would_only_wait_is_not_decoded() {
    let mut scene = Scene::new(2, 2, Ordering::Partition);
    let (a, b) = (partition(0), partition(1));
    scene.bring(&a, &of_one_key(0..9));
    let first = scene.take().expect("two are there");
    let decoded = |gather: &Gather| gather.lanes.values().map(GatherLane::len).sum::<usize>();
    assert!(
        decoded(&scene.gather) <= 6,
        "those that wait behind the batch"
    );
    scene.bring(&b, &of_one_key(10..12));
    assert_eq!(scene.offsets(), [10, 11]);
    scene.finish(&first);
    let mut handled = Vec::new();
    while handled.len() < 7 {
        scene.bring(&a, &[]);
        scene.later(LINGER);
        let batch = scene.take().expect("there are more");
        handled.extend(offsets(&batch));
        scene.finish(&batch);
    }
    assert_eq!(handled, [2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn where_retries_keep_the_order_a_batch_has_one_message_of_a_key() {
    let mut scene = Scene::new(2, 9, Ordering::Key);
    let a = ordered_partition(0);
    scene.bring(&a, &[(0, 1), (1, 1), (2, 1), (3, 2)]);
    let batch = scene.take().expect("two keys are there");
    assert_eq!(offsets(&batch), [0, 3]);
    assert!(scene.take().is_none());
    scene.finish(&batch);
    assert!(scene.take().is_none(), "one key is not enough");
    scene.later(LINGER);
    let batch = scene.take().expect("it has lingered");
    assert_eq!(offsets(&batch), [1]);
    scene.finish(&batch);
    assert_eq!(scene.offsets(), [2]);
}

#[test]
fn a_drain_gives_up_what_waits_and_lets_the_batch_finish() {
    let mut scene = Scene::new(1, 2, Ordering::Partition);
    let (a, b) = (partition(0), partition(1));
    scene.bring(&a, &of_one_key(0..3));
    let batch = scene.take().expect("two are there");
    scene.bring(&b, &of_one_key(10..11));
    let mut works = vec![work(3, None)];
    scene.gather.push(&a, &mut works, scene.now);
    let unread = scene.gather.take_unread().expect("offset 3");
    a.begin_drain();
    let mut dropped = Vec::new();
    scene.gather.drain(&a, &mut dropped);
    assert_eq!(dropped.len(), 1);
    let read = scene.read(unread);
    assert_eq!(offsets(&read.dropped), [3]);
    scene.finish(&batch);
    assert_eq!(scene.offsets(), [10]);
    let mut dropped = Vec::new();
    scene.gather.remove(&a, &mut dropped);
    assert!(dropped.is_empty() && scene.take().is_none());
}

/// Batches that run, fail and finish at random; what must hold is checked at
/// each step.
fn every_message_is_handled_in_order(ordering: Ordering, seed: u64) {
    let mut random = Random(seed);
    let mut scene = Scene::new(1 + random.below(5), 5 + random.below(5), ordering);
    let partitions: Vec<_> = (0..3).map(partition).collect();
    let mut next = [0_i64; 3];
    let (mut running, mut parked) = (Vec::<Vec<Gathered>>::new(), Vec::new());
    let mut last: HashMap<LaneId, u64> = HashMap::new();
    let mut returned: Vec<(usize, i64, u8)> = Vec::new();
    let mut done = 0_i64;
    let mut steps = 0;
    while steps < 600 || done < next.iter().sum::<i64>() {
        steps += 1;
        assert!(steps < 100_000, "messages are stuck");
        scene.later(Duration::from_millis(random.below(400) as u64));
        if steps < 600 && random.below(3) == 0 {
            let id = random.below(3);
            for _ in 0..random.below(6) {
                let message = (next[id], (next[id] % 4) as u8);
                next[id] += 1;
                for offset in scene.bring(&partitions[id], &[message]) {
                    returned.push((id, offset, message.1));
                }
            }
        }
        for (id, partition) in partitions.iter().enumerate() {
            if partition.take_rewind() {
                scene.gather.rewound(partition);
                let mut again: Vec<_> = returned.extract_if(.., |r| r.0 == id).collect();
                again.sort_unstable();
                for (_, offset, key) in again {
                    for offset in scene.bring(partition, &[(offset, key)]) {
                        returned.push((id, offset, key));
                    }
                }
            }
        }
        let batch = scene.take();
        for message in scene.returned.drain(..) {
            let (id, offset) = (message.partition.id, message.work.message.offset());
            returned.push((id as usize, offset, (offset % 4) as u8));
        }
        if let Some(batch) = batch {
            assert!(!batch.is_empty() && batch.len() <= scene.gather.policy.max);
            for message in &batch {
                let lane = (message.partition.generation(), message.work.lane);
                let held = |m: &Gathered| (m.partition.generation(), m.work.lane) == lane;
                let alone = lane.1.is_none() || !running.iter().flatten().any(held);
                assert!(alone, "two batches of one lane");
            }
            running.push(batch);
        }
        if !parked.is_empty() && random.below(4) == 0 {
            let (partition, work) = parked.swap_remove(random.below(parked.len()));
            scene.gather.unpark(&partition, work, scene.now);
        }
        if !running.is_empty() && random.below(2) == 0 {
            let batch = running.swap_remove(random.below(running.len()));
            for mut message in batch {
                message.work.attempt += 1;
                match random.below(12) {
                    0 => {
                        scene.gather.park(&message.parking(), scene.now);
                        parked.push((message.partition, message.work));
                    }
                    1 => assert!(scene.gather.alone(message, scene.now).is_none()),
                    _ => {
                        let lane = (message.partition.generation(), message.work.lane);
                        let sequence = message.work.sequence;
                        if lane.1.is_some() {
                            let before = last.insert(lane, sequence);
                            // Within a batch, a failed message is passed.
                            let behind = before.is_some_and(|before| before >= sequence);
                            assert!(!behind || message.work.attempt > 1, "out of order");
                        }
                        done += 1;
                        scene.finish(&[message]);
                    }
                }
            }
        }
    }
    assert_eq!((scene.gather.open, scene.gather.heads.len()), (0, 0));
    assert!(scene.gather.lanes.is_empty(), "lanes are left behind");
}

#[test]
fn whatever_happens_every_message_is_handled_once_and_lanes_keep_apart() {
    for ordering in [Ordering::Partition, Ordering::Key, Ordering::None] {
        for seed in 1..60 {
            every_message_is_handled_in_order(ordering, seed * 7_919);
        }
    }
}
