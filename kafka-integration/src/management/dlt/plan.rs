use serde_json::{Map, Value, json};

use super::{letters, show, time};
use crate::management::table::{counted, thousands};
use crate::management::text::Shown;
use crate::retry::dead::{DeadLetter, Plan};

/// How many classes of errors are named.
const NAMED: usize = 10;

/// What would be done, for people: `would` says it in a word or two.
pub(super) fn text(topic: &str, would: &str, plan: &Plan) -> String {
    let mut lines = vec![format!("{} of {topic} {would}", letters(plan.letters))];
    for (target, planned) in &plan.targets {
        let mut line = format!("  to {target}: {}", thousands(planned.letters));
        if planned.retimed > 0 {
            line.push_str(&format!(
                "; {} of them with the present time, because the topic deletes messages as old \
                 as they are",
                thousands(planned.retimed)
            ));
        }
        if let Some(problem) = &planned.problem {
            line.push_str(&format!("; NOT POSSIBLE: {problem}"));
        }
        lines.push(line);
    }
    if plan.homeless > 0 {
        lines.push(format!(
            "  {} without a word where they came from: NOT POSSIBLE without --to TOPIC",
            counted(plan.homeless, "record")
        ));
    }
    let mut classes: Vec<_> = plan.classes.iter().collect();
    let rest = classes.drain(NAMED.min(classes.len())..);
    let more: u64 = rest.map(|(_, count)| count).sum();
    for (class, count) in classes {
        let class = Shown::new(class.as_bytes()).one_line();
        lines.push(format!("  of {class}: {}", thousands(count)));
    }
    if more > 0 {
        lines.push(format!("  of other classes: {}", thousands(more)));
    }
    lines.extend(
        plan.first
            .iter()
            .map(|letter| format!("  {}", brief(letter))),
    );
    let untold = plan.letters.saturating_sub(plan.first.len() as u64);
    if untold > 0 {
        lines.push(format!("  and {} more", thousands(untold)));
    }
    lines.join("\n")
}

/// One dead letter on one line.
fn brief(letter: &DeadLetter) -> String {
    let mut line = format!("{}:{}", letter.partition, letter.offset);
    if let Some(trail) = &letter.trail {
        let original = &trail.original;
        line.push_str(&format!(
            " from {}[{}]@{}, failed {}",
            original.topic,
            original.partition,
            original.offset,
            time::rfc3339(trail.last_failure)
        ));
    }
    if let Some(key) = &letter.key {
        line.push_str(&format!(" key={}", Shown::new(key).one_line()));
    }
    if let Some(trail) = &letter.trail {
        let error = format!("{}: {}", trail.error.class, trail.error.text);
        line.push_str(&format!(" {}", Shown::new(error.as_bytes()).one_line()));
    }
    line
}

/// As `--json` shows what was not done.
pub(super) fn as_json(topic: &str, plan: &Plan) -> Value {
    let classes = plan.classes.iter();
    let classes: Map<_, _> = classes
        .map(|(class, count)| (class.to_owned(), count.into()))
        .collect();
    let targets = plan.targets.iter();
    let targets: Map<_, _> = targets
        .map(|(target, planned)| {
            let planned = json!({
                "letters": planned.letters,
                "retimed": planned.retimed,
                "problem": planned.problem,
            });
            (target.clone(), planned)
        })
        .collect();
    let first: Vec<_> = plan.first.iter().map(show::as_json).collect();
    json!({
        "topic": topic,
        "executed": false,
        "letters": plan.letters,
        "targets": targets,
        "without_target": plan.homeless,
        "classes": classes,
        "first": first,
    })
}
