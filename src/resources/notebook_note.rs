//! What we note on a notebook itself, in one tag: that it has to be started again, and how often we started it after it failed.
//!
//! A change that needs a stopped notebook takes minutes and several looks. Whether it ran before must outlive a crash in between, and so
//! must the number of starts, which is bounded. The status may not be used for that: it is never an input.

use crate::model::{environment::Run, resource::Remedy};

/// The tag.
pub const TAG: &str = "cloister.dev/start";
/// How often a failed notebook is started without a person.
const STARTS: u32 = 3;
/// A notebook that failed this long after our last start had recovered in between: counting begins anew. In seconds.
const RECOVERED: i64 = 24 * 3600;

/// What is noted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Note {
    /// We stopped it, and it ran before.
    pub restart: bool,
    /// How often we started it after it failed.
    pub starts: u32,
    /// When it had failed the last time that we started it, in seconds since the epoch.
    pub failed_at: i64,
}

impl Note {
    /// The note in a tag; nothing is noted in what cannot be read.
    pub fn read(tag: Option<&String>) -> Self {
        let mut parts = tag.map(|tag| tag.split('/')).into_iter().flatten();
        Self {
            restart: parts.next() == Some("restart"),
            starts: parts.next().and_then(|starts| starts.parse().ok()).unwrap_or_default(),
            failed_at: parts.next().and_then(|at| at.parse().ok()).unwrap_or_default(),
        }
    }

    /// The text of the tag; `None` when there is nothing to note.
    pub fn text(self) -> Option<String> {
        let word = if self.restart { "restart" } else { "none" };
        (self != Self::default()).then(|| format!("{word}/{}/{}", self.starts, self.failed_at))
    }

    /// What may be done about a notebook that failed at this time.
    pub const fn remedy(self, failed_at: i64, run: Run) -> Remedy {
        let may_start = !matches!(run, Run::Stopped) && (self.starts < STARTS || self.recovered(failed_at));
        if may_start { Remedy::Update } else { Remedy::Person }
    }

    /// The note with one more start of a notebook that failed at this time.
    pub const fn started(self, failed_at: i64) -> Self {
        let starts = if self.recovered(failed_at) { 0 } else { self.starts };
        Self { starts: starts + 1, failed_at, ..self }
    }

    const fn recovered(self, failed_at: i64) -> bool {
        self.failed_at != 0 && failed_at - self.failed_at > RECOVERED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_survives_the_way_through_a_tag() {
        for note in
            [Note { restart: true, ..Note::default() }, Note { restart: false, starts: 2, failed_at: 1_700_000_000 }]
        {
            assert_eq!(Note::read(note.text().as_ref()), note);
        }
        assert_eq!(Note::default().text(), None);
        assert_eq!(Note::read(Some(&"whatever".to_owned())), Note::default());
    }

    #[test]
    fn a_failed_notebook_is_started_three_times_and_then_left_to_a_person() {
        let mut note = Note::default();
        for minute in 1..=3 {
            assert_eq!(note.remedy(1_000 + minute * 300, Run::Unmanaged), Remedy::Update);
            note = note.started(1_000 + minute * 300);
        }
        assert_eq!(note.remedy(3_000, Run::Unmanaged), Remedy::Person);
        assert_eq!(note.remedy(3_000, Run::Running), Remedy::Person);
    }

    #[test]
    fn a_failure_long_after_the_last_start_is_a_new_one() {
        let note = Note { restart: false, starts: 3, failed_at: 1_000 };
        let later = 1_000 + RECOVERED + 1;
        assert_eq!(note.remedy(later, Run::Running), Remedy::Update);
        assert_eq!(note.started(later).starts, 1);
    }

    #[test]
    fn a_notebook_that_shall_not_run_is_not_started_for_having_failed() {
        assert_eq!(Note::default().remedy(1, Run::Stopped), Remedy::Person);
    }
}
