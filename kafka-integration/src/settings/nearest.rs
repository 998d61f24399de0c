//! The known name that a misspelt one probably means.

use super::error::Hint;

/// Below this similarity a guess confuses more than it helps.
const SIMILAR: f64 = 0.8;

pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Hint {
    let wanted = fold(name);
    let best = known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &fold(candidate)), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((_, candidate)) => Hint::Nearest(candidate.to_owned()),
        None => Hint::None,
    }
}

/// Case and the separators that people mix up don't count.
fn fold(name: &str) -> String {
    name.to_lowercase().replace(['-', '.'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_other_separators_and_beginnings_are_found() {
        let known = ["polling_frequency", "bootstrap_servers", "ordering"];
        for (typo, meant) in [
            ("poling_frequency", "polling_frequency"),
            ("polling", "polling_frequency"),
            ("bootstrap.servers", "bootstrap_servers"),
            ("Ordring", "ordering"),
        ] {
            assert_eq!(nearest(typo, known), Hint::Nearest(meant.to_owned()));
        }
        assert_eq!(nearest("xyzzy", known), Hint::None);
    }
}
