//! Any order of events: no two members hold one partition, and in the end
//! everything is held.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::ConsumerGroupHeartbeatRequest;

use super::fixture::{Fixture, Owned, Told, beat, join, text};
use crate::groups::consumer::{Partitions, TopicsView};

/// xorshift64*: the same events for the same seed on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// A consumer that does as the protocol says.
#[derive(Debug, Clone)]
struct Consumer {
    id: String,
    names: Vec<&'static str>,
    regex: &'static str,
    epoch: i32,
    owned: Owned,
    /// What it was told to own.
    wanted: Owned,
    /// Its last heartbeat was not answered: it will send everything.
    unsure: bool,
}

const TOPICS: [&str; 3] = ["t0", "t1", "t2"];

struct World {
    dice: Dice,
    group: Fixture,
    consumers: Vec<Consumer>,
    /// Times that a partition changed hands.
    moves: usize,
    born: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            group: Fixture::new(&[("t0", 4), ("t1", 3)]),
            consumers: Vec::new(),
            moves: 0,
            born: 0,
        }
    }

    fn names(&mut self) -> Vec<&'static str> {
        let dice = &mut self.dice;
        let mut names = TOPICS.to_vec();
        names.retain(|_| !dice.one_in(4));
        names
    }

    fn step(&mut self) {
        let count = self.consumers.len() as u64;
        match self.dice.roll(40) {
            0 | 1 if count < 6 => self.born(),
            2 if count > 0 => self.leaves(),
            3 if count > 0 => self.crashes(),
            4 => self.topics_change(),
            5 if count > 0 => self.resubscribes(),
            _ if count > 0 => {
                let at = self.dice.roll(count) as usize;
                if self.dice.one_in(3) {
                    self.reconciles(at);
                } else {
                    self.beats(at);
                }
            }
            _ => self.born(),
        }
        self.check();
    }

    fn born(&mut self) {
        self.born += 1;
        let mut consumer = Consumer {
            id: format!("m{}", self.born),
            names: self.names(),
            regex: "",
            epoch: 0,
            owned: Owned::new(),
            wanted: Owned::new(),
            unsure: false,
        };
        let request = self.full(&consumer);
        let mut told = self.group.send(&request).expect("it may join");
        if self.dice.one_in(4) {
            // The answer is lost, and it asks again.
            told = self.group.send(&request).expect("it may join");
        }
        consumer.hears(told);
        self.consumers.push(consumer);
    }

    fn some(&mut self) -> usize {
        self.dice.roll(self.consumers.len() as u64) as usize
    }

    fn leaves(&mut self) {
        let at = self.some();
        let gone = self.consumers.remove(at);
        self.group.send(&beat(&gone.id, -1)).expect("it may leave");
    }

    /// It stops; its session ends while the others go on.
    fn crashes(&mut self) {
        let at = self.some();
        let gone = self.consumers.remove(at);
        self.group.group.remove([gone.id]);
    }

    fn topics_change(&mut self) {
        let name = TOPICS[self.dice.roll(3) as usize];
        match (self.group.topics.topic(name), self.dice.roll(3)) {
            (None, _) => self.group.topics.create(name, 3),
            (Some(_), 0) => self.group.topics.delete(name),
            (Some((_, size)), _) if size < 8 => self.group.topics.grow(name, size + 1),
            _ => {}
        }
    }

    fn resubscribes(&mut self) {
        let at = self.some();
        let names = self.names();
        let regex = ["", "t.", "t[01]"][self.dice.roll(3) as usize];
        let consumer = &mut self.consumers[at];
        (consumer.names, consumer.regex) = (names, regex);
        // To say so it sends everything, as after an error.
        consumer.unsure = true;
        self.beats(at);
    }

    /// Everything that there is to say.
    fn full(&self, consumer: &Consumer) -> ConsumerGroupHeartbeatRequest {
        let request = join(&consumer.id, &consumer.names)
            .with_member_epoch(consumer.epoch)
            .with_subscribed_topic_regex(Some(text(consumer.regex)));
        self.group.owning(request, &consumer.owned)
    }

    fn beats(&mut self, at: usize) {
        let mut consumer = self.consumers[at].clone();
        let request = if consumer.unsure {
            // What it was told before, and did not get to, is no longer true.
            consumer.wanted = consumer.owned.clone();
            self.full(&consumer)
        } else if consumer.wanted == consumer.owned {
            self.group
                .owning(beat(&consumer.id, consumer.epoch), &consumer.owned)
        } else {
            beat(&consumer.id, consumer.epoch)
        };
        let request_arrives = !self.dice.one_in(10);
        let answer_arrives = !self.dice.one_in(6);
        consumer.unsure = true;
        if request_arrives {
            match self.group.send(&request) {
                Ok(told) if answer_arrives => consumer.hears(told),
                Ok(_) => {}
                Err(ResponseError::FencedMemberEpoch) if self.consumers[at].unsure => {
                    // It gives everything up. That it is somebody else from
                    // now on saves this test a session's time.
                    self.consumers.remove(at);
                    self.group.group.remove([consumer.id]);
                    return;
                }
                Err(error) => panic!("{} is refused: {error:?}", consumer.id),
            }
        }
        self.consumers[at] = consumer;
    }

    /// It carries out what it was told.
    fn reconciles(&mut self, at: usize) {
        let consumer = &mut self.consumers[at];
        self.moves += consumer.wanted.difference(&consumer.owned).count();
        consumer.owned = consumer.wanted.clone();
    }

    fn check(&self) {
        let mut all = Owned::new();
        for consumer in &self.consumers {
            for partition in &consumer.owned {
                assert!(
                    all.insert(partition.clone()),
                    "{partition:?} is held twice: {:#?}",
                    self.consumers
                );
            }
        }
        let mut assigned = 0;
        let mut held = Partitions::default();
        for member in self.group.group.members.values() {
            assigned += member.assigned.len() + member.revoking.len();
            held.extend(member.assigned.iter().chain(member.revoking.iter()));
        }
        assert_eq!(assigned, held.len(), "a partition was given to two");
    }

    /// Nothing is lost any more and nobody comes or goes.
    fn settle(&mut self) {
        for _ in 0..60 {
            let mut at = 0;
            while at < self.consumers.len() {
                self.reconciles(at);
                let consumer = self.consumers[at].clone();
                match self.group.send(&self.full(&consumer)) {
                    Ok(told) => self.consumers[at].hears(told),
                    Err(ResponseError::FencedMemberEpoch) if consumer.unsure => {
                        self.consumers.remove(at);
                        self.group.group.remove([consumer.id]);
                        continue;
                    }
                    Err(error) => panic!("{} is refused: {error:?}", consumer.id),
                }
                self.check();
                at += 1;
            }
        }
        if self.consumers.is_empty() {
            return;
        }
        let members = &self.group.group.members;
        assert_eq!(self.group.state(), "Stable", "{members:#?}");
        let held: Owned = self
            .consumers
            .iter()
            .flat_map(|it| it.owned.clone())
            .collect();
        assert_eq!(held, self.wanted());
    }

    /// Every partition of every topic that any member reads.
    fn wanted(&self) -> Owned {
        let mut all = Owned::new();
        for name in TOPICS {
            if self.group.group.is_subscribed(name) {
                all.extend(self.group.topics.all_of(name));
            }
        }
        all
    }
}

impl Consumer {
    fn hears(&mut self, told: Told) {
        self.epoch = told.epoch;
        self.unsure = false;
        if let Some(assignment) = told.assignment {
            self.wanted = assignment;
        }
    }
}

#[test]
fn no_partition_is_ever_held_twice_and_all_are_in_the_end() {
    let mut moves = 0;
    for seed in 1..=100 {
        let mut world = World::new(seed);
        for _ in 0..200 {
            world.step();
        }
        world.settle();
        moves += world.moves;
    }
    assert!(
        moves > 2_500,
        "only {moves} partitions moved: nothing was tried"
    );
}
