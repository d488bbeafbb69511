//! Sets of ids that are changed by adding and removing.

use std::collections::BTreeSet;

use crate::model::value::Wish;

/// What has to come and what has to go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// What has to come.
    pub add: Vec<String>,
    /// What has to go.
    pub remove: Vec<String>,
}

impl Changes {
    /// Whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    /// What has to go after what has to come: nothing goes at once when something comes.
    pub fn remove_later(&mut self) -> Vec<String> {
        if self.add.is_empty() { Vec::new() } else { std::mem::take(&mut self.remove) }
    }

    /// From what was found to what is wished; nothing as long as one of the two is not known.
    pub fn between(wish: &Wish<BTreeSet<String>>, found: &Wish<BTreeSet<String>>) -> Self {
        match (wish.known(), found.known()) {
            (Some(wish), Some(found)) => Self {
                add: wish.difference(found).cloned().collect(),
                remove: found.difference(wish).cloned().collect(),
            },
            _ => Self::default(),
        }
    }
}
