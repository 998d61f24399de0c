use serde_json::{Map, Value};

use super::progress::Progress;
use super::{Common, letters};
use crate::management::CommandError;
use crate::management::console::Console;
use crate::management::signals::StopSignal;
use crate::management::table::thousands;
use crate::retry::dead::{DeadLetterError, Done, Plan, Watch};

/// Waits for a plan, which changes nothing.
pub(super) async fn planned(
    console: &Console,
    stop: &mut StopSignal,
    watch: &Watch,
    planning: impl Future<Output = Result<Plan, DeadLetterError>>,
) -> Result<Plan, CommandError> {
    let progress = Progress::of(watch, console, "");
    tokio::select! {
        plan = planning => Ok(plan?),
        signal = stop.wait() => {
            watch.stop();
            let told = "stopped; nothing was changed";
            Err(CommandError::interrupted(signal.exit_code(), told))
        }
        never = progress.show() => match never {},
    }
}

/// Waits for work that changes something, and says what it did: `verb` is the
/// word for it. A signal ends it where nothing is half done.
pub(super) async fn executed(
    console: &Console,
    common: &Common,
    topic: &str,
    verb: &'static str,
    watch: &Watch,
    mut stop: StopSignal,
    work: impl Future<Output = Result<Done, DeadLetterError>>,
) -> Result<(), CommandError> {
    let mut work = std::pin::pin!(work);
    let progress = Progress::of(watch, console, verb);
    let mut signal = None;
    let done = tokio::select! {
        done = &mut work => done,
        never = progress.show() => match never {},
        first = stop.wait() => {
            signal = Some(first);
            watch.stop();
            work.await
        }
    };
    let done = done.map_err(|error| match watch.done() {
        (0, _) => CommandError::from(error),
        (count, _) => CommandError::failed(format!("{error} ({} {verb})", letters(count))),
    })?;
    if common.json {
        let mut map = Map::new();
        map.insert("topic".to_owned(), topic.into());
        map.insert("executed".to_owned(), true.into());
        map.insert(verb.to_owned(), done.letters.into());
        map.insert("stopped".to_owned(), done.stopped.into());
        console.json(&Value::Object(map))?;
    } else {
        console.line(format_args!("{} of {topic} {verb}", letters(done.letters)))?;
    }
    let Some(signal) = signal.filter(|_| done.stopped) else {
        return Ok(());
    };
    let (_, total) = watch.done();
    let left = match total.saturating_sub(done.letters) {
        0 => "they".to_owned(),
        left => format!("the other {}", thousands(left)),
    };
    let told = format!("stopped; {left} are still there, and the same again goes on");
    Err(CommandError::interrupted(signal.exit_code(), told))
}
