use std::collections::BTreeMap;
use std::fmt;

use super::scram::Credential;

/// Who may log in.
#[derive(Clone, Default)]
pub(crate) struct Users {
    by_name: BTreeMap<String, User>,
}

#[derive(Clone)]
pub(super) struct User {
    pub(super) password: String,
    pub(super) scram: Credential,
}

/// Names alone: a password never appears in a log.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

impl Users {
    /// Whether anybody may use the broker without logging in.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub(crate) fn add(&mut self, name: String, password: String) {
        let scram = Credential::of(&password);
        self.by_name.insert(name, User { password, scram });
    }

    pub(super) fn get(&self, name: &str) -> Option<&User> {
        self.by_name.get(name)
    }
}
