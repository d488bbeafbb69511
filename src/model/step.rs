//! Steps, and the reasons for which a step is not carried out. Pure.

use std::{collections::BTreeSet, fmt};

use super::{
    address::{Address, Kind},
    diff::FieldDiff,
    value::short_digest,
};

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Make it.
    Create,
    /// Correct fields of it.
    Update,
    /// Make it ours, and correct fields of it.
    Adopt,
    /// Delete it.
    Delete,
    /// Take our owner tags off and leave it.
    Release,
}

impl fmt::Display for Verb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Adopt => "adopt",
            Self::Delete => "delete",
            Self::Release => "release",
        })
    }
}

/// Why a step is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// `management: Observe`.
    Observe,
    /// `paused: true`.
    Paused,
    /// It stops a notebook.
    StopsNotebook,
    /// It deletes a notebook and its volume.
    DeletesNotebook,
    /// AWS cannot change these fields of an existing thing.
    Immutable,
    /// It concerns everybody in a VPC that is not ours.
    VpcWide,
    /// Packages cannot be had for a while.
    InterruptsPackages,
}

impl Hold {
    /// What a person can do about it.
    #[must_use]
    pub const fn way_out(&self) -> &'static str {
        match self {
            Self::Observe => "set management: Enforce to carry it out",
            Self::Paused => "set paused: false to carry it out",
            Self::StopsNotebook => "stops the notebook: approve these steps, or set disruption.stopNotebooks: Allow",
            Self::DeletesNotebook => {
                "deletes the notebook and its volume: approve these steps, or set disruption.deleteNotebooks: Allow"
            }
            Self::Immutable => {
                "AWS cannot change it: add a second list item and remove this one, or change the manifest back"
            }
            Self::InterruptsPackages => {
                "packages that were never installed cannot be had in between: put a store repository with the external connection \
                 beside it and name that in `upstreams`, or install from another repository; or approve these steps"
            }
            Self::VpcWide => "concerns everybody in a VPC that is not ours: set network.acknowledgeVPCWide: true",
        }
    }

    /// The reason that conditions give.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Observe => "ObserveOnly",
            Self::Paused => "Paused",
            Self::StopsNotebook | Self::DeletesNotebook | Self::InterruptsPackages => "ApprovalRequired",
            Self::Immutable => "ImmutableField",
            Self::VpcWide => "AcknowledgementRequired",
        }
    }

    /// Whether an approval of exactly these steps lets it pass.
    #[must_use]
    pub const fn can_be_approved(&self) -> bool {
        matches!(self, Self::StopsNotebook | Self::DeletesNotebook | Self::InterruptsPackages)
    }
}

/// How many digits stand for a step.
const DIGEST: usize = 10;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is about.
    pub address: Address,
    /// What it does.
    pub verb: Verb,
    /// The id of what it is done to, if it exists.
    pub id: Option<String>,
    /// What it corrects.
    pub diffs: Vec<FieldDiff>,
    /// What AWS says that tells this occasion from another one with the same words: the birth of what is deleted, the time of the last change of
    /// what is changed. Empty where AWS tells nothing.
    pub occasion: String,
    /// The addresses whose steps come first: creations that give it inputs, deletions that make room.
    pub after: BTreeSet<Address>,
}

impl Step {
    /// What stands for this step, and for no other, in an approval: every field of it, also those that `Display` only counts.
    #[must_use]
    pub fn digest(&self) -> String {
        let Self { address, verb, id, diffs, occasion, after: _ } = self;
        let fields: Vec<_> = diffs.iter().map(|diff| (&diff.path, &diff.observed, &diff.desired)).collect();
        short_digest(&format!("{verb} {address} {id:?} {fields:?} {occasion}"))[..DIGEST].to_owned()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.verb, self.address)?;
        if let Some(id) = self.id.as_ref().filter(|id| **id != self.address.name) {
            write!(formatter, " ({id})")?;
        }
        for (at, diff) in self.diffs.iter().take(4).enumerate() {
            let glue = if at == 0 { ": " } else { "; " };
            let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".into());
            write!(formatter, "{glue}{} {} -> {}", diff.path, side(&diff.observed), side(&diff.desired))?;
        }
        if self.diffs.len() > 4 {
            write!(formatter, "; and {} more", self.diffs.len() - 4)?;
        }
        Ok(())
    }
}

/// A step that is not carried out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The step.
    pub step: Step,
    /// Why.
    pub hold: Hold,
}

impl Held {
    /// Whether this step, as long as it is held, keeps things of this kind in use: a notebook has its role and its scripts until it is stopped
    /// for others.
    #[must_use]
    pub const fn keeps(&self, kind: Kind) -> bool {
        matches!(self.hold, Hold::StopsNotebook)
            && matches!(kind, Kind::Role | Kind::Policy | Kind::LifecycleConfiguration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        diff::DriftKind,
        resource::{Change, Severity},
    };

    fn update(paths: &[(&str, &str)]) -> Step {
        let diff = |(path, desired): &(&str, &str)| FieldDiff {
            field: "instanceType",
            path: (*path).to_owned(),
            kind: DriftKind::Changed,
            desired: Some((*desired).to_owned()),
            observed: Some("as before".into()),
            change: Change::Stopped,
            severity: Severity::Medium,
        };
        Step {
            address: Address::new(Kind::NotebookInstance, "a"),
            verb: Verb::Update,
            id: Some("a".into()),
            diffs: paths.iter().map(diff).collect(),
            occasion: "1".into(),
            after: BTreeSet::new(),
        }
    }

    #[test]
    fn an_approval_is_for_every_field_although_a_person_reads_only_the_first_ones() {
        let shown = update(&[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("volumeSizeGiB", "30")]);
        let other = update(&[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("volumeSizeGiB", "3000")]);
        assert_eq!(shown.to_string(), other.to_string());
        assert_ne!(shown.digest(), other.digest());
    }

    #[test]
    fn an_approval_is_for_one_occasion_whatever_comes_first() {
        let shown = update(&[("a", "1")]);
        let later = Step { occasion: "2".into(), ..shown.clone() };
        assert_ne!(shown.digest(), later.digest());
        let behind = Step { after: BTreeSet::from([Address::new(Kind::Role, "execution")]), ..shown.clone() };
        assert_eq!(shown.digest(), behind.digest());
    }
}
