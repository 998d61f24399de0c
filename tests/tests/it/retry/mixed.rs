use super::run::Run;
use crate::support::{KillableBroker, heavy};

/// By retry topics: every message is handled or a dead letter, whatever is
/// killed; no commit ever passes a message that is neither, nor has moved.
#[test]
fn every_message_ends_handled_or_as_a_dead_letter() {
    let test = "every_message_ends_handled_or_as_a_dead_letter";
    let _alone = heavy();
    for start in KillableBroker::each(test) {
        let run = Run {
            name: "mixed",
            events: 50_000,
            levels: 3,
            members: 1,
            arguments: &["--retry-ms", "300", "--retry-factor", "2"],
        };
        // In this scope: what the run leaves is deleted before the broker is.
        let mut broker = start();
        run.on(&mut broker).check();
    }
}
