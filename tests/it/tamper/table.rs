//! The form of the drift table: what somebody does to a field behind our back, and what comes of it.

use std::collections::BTreeMap;

use cloister::model::{
    address::{Address, Kind},
    diff::DriftKind,
    resource::{Seen, Wanted},
    value::{Value, Wish},
};
use futures::future::BoxFuture;

use super::{network, notebooks, packages, permissions, tags};
use crate::laws::person::Person;

/// A resource of ours that somebody tampers with.
pub struct Thing {
    /// As it is wanted.
    pub wanted: Wanted,
    /// As it was seen last.
    pub seen: Seen,
    /// The ids of everything in its environment.
    pub ids: BTreeMap<Address, String>,
}

impl Thing {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.seen.id
    }

    /// The id of another resource of the same environment.
    pub fn neighbour(&self, address: &str) -> &str {
        &self.ids[&address.parse::<Address>().expect("an address")]
    }

    /// What is wanted of a field; none when it is left to AWS.
    pub fn wish(&self, field: &str) -> Option<Value> {
        let wished = self.wanted.state.fields().into_iter().find(|wished| wished.name == field)?;
        match wished.value {
            Wish::Is(value) => Some(value),
            Wish::Any | Wish::After(_) => None,
        }
    }

    /// The texts that are wanted in a field that has several.
    pub fn texts(&self, field: &str) -> Vec<String> {
        match self.wish(field) {
            Some(Value::Set(texts)) => texts.into_iter().collect(),
            Some(Value::List(texts)) => texts,
            _ => Vec::new(),
        }
    }
}

/// What has to be told: the path, and in which way it deviates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The path of the field.
    pub path: String,
    /// In which way.
    pub kind: DriftKind,
}

/// Another value.
pub fn changed(path: impl Into<String>) -> Told {
    Told { path: path.into(), kind: DriftKind::Changed }
}

/// Not there.
pub fn missing(path: impl Into<String>) -> Told {
    Told { path: path.into(), kind: DriftKind::Missing }
}

/// There, and nobody asked for it.
pub fn unexpected(path: impl Into<String>) -> Told {
    Told { path: path.into(), kind: DriftKind::Unexpected }
}

/// What comes of it in Enforce. The writes are in alphabetical order.
#[derive(Debug, Clone, Copy)]
pub enum Then {
    /// It is corrected by these writes.
    Corrected(&'static [&'static str]),
    /// It waits for a person, and once it is allowed it is corrected by these writes.
    Asked(&'static [&'static str]),
    /// It is named, and stays.
    Reported,
}

/// Somebody's hand: does it, and says what has to be told of it.
pub type Hand = for<'a> fn(&'a Person, &'a Thing) -> BoxFuture<'a, Vec<Told>>;

/// What somebody does to one field of a resource.
pub struct Row {
    /// The field.
    pub field: &'static str,
    /// What somebody does.
    pub what: &'static str,
    /// To which resources it can be done. Those to which it cannot be done need another row of the same field.
    pub fits: fn(&Thing) -> bool,
    /// How.
    pub hand: Hand,
    /// What comes of it.
    pub then: Then,
    /// It is about a tag that AWS shows one by one only, and that is looked at once an hour.
    pub slow: bool,
    /// No manifest can ask for it: there is no wish, and what somebody does is told all the same.
    pub beside: bool,
}

/// A row for every resource that has a wish for the field.
pub fn row(field: &'static str, what: &'static str, then: Then, hand: Hand) -> Row {
    Row { field, what, fits: |_| true, hand, then, slow: false, beside: false }
}

impl Row {
    /// The row, for some resources only.
    pub fn when(self, fits: fn(&Thing) -> bool) -> Self {
        Self { fits, ..self }
    }

    /// The row, about something that is looked at once an hour.
    pub fn slow(self) -> Self {
        Self { slow: true, ..self }
    }

    /// The row, about something that no manifest can ask for.
    pub fn beside(self) -> Self {
        Self { beside: true, ..self }
    }

    /// Whether it can be done to this resource.
    pub fn applies(&self, thing: &Thing) -> bool {
        let wished =
            if self.field == "tags" { !thing.wanted.tags.is_empty() } else { thing.wish(self.field).is_some() };
        (wished || self.beside) && (self.fits)(thing)
    }
}

/// Everything that somebody can do to resources of a kind.
pub fn rows(kind: Kind) -> Vec<Row> {
    let mut rows = match kind {
        Kind::Vpc => network::vpc(),
        Kind::Subnet => network::subnet(),
        Kind::RouteTable => network::route_table(),
        Kind::SecurityGroup => Vec::new(),
        Kind::SecurityGroupRules => network::rules(),
        Kind::VpcEndpoint => super::endpoints::endpoint(),
        Kind::Domain => packages::domain(),
        Kind::Repository => packages::repository(),
        Kind::Role => permissions::role(),
        Kind::Policy => permissions::policy(),
        Kind::LifecycleConfiguration => notebooks::scripts(),
        Kind::NotebookInstance => notebooks::notebook(),
    };
    rows.extend(tags::rows(kind));
    rows
}

/// The fields that nobody can change behind our back, and why.
pub const fn unchangeable(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Vpc => &[("cidrBlock", "blocks can be added to a VPC and taken away, but never the first one")],
        Kind::Subnet => &[
            ("vpc", "ModifySubnetAttribute knows no VPC: a subnet in another one is another subnet"),
            ("cidrBlock", "ModifySubnetAttribute knows no block: a subnet with another one is another subnet"),
            ("availabilityZone", "a subnet stays where it was made"),
        ],
        Kind::RouteTable => &[("vpc", "a route table stays in the VPC in which it was made")],
        Kind::SecurityGroup => &[("vpc", "a group stays in the VPC in which it was made")],
        Kind::SecurityGroupRules => &[("group", "it says which group the rules are in, and a rule stays in its group")],
        Kind::VpcEndpoint => &[
            ("vpc", "ModifyVpcEndpoint knows no VPC"),
            ("serviceName", "ModifyVpcEndpoint knows no service"),
            ("type", "ModifyVpcEndpoint knows no type"),
        ],
        Kind::Domain => &[("encryptionKey", "CodeArtifact has no UpdateDomain")],
        Kind::NotebookInstance => &[
            ("directInternetAccess", "UpdateNotebookInstance has no such member: fixed at creation"),
            ("subnet", "UpdateNotebookInstance has no such member: fixed at creation"),
            ("securityGroups", "UpdateNotebookInstance has no such member, and the interface is SageMaker's own"),
            ("kmsKeyId", "UpdateNotebookInstance has no such member: the volume is encrypted when it is made"),
            ("platformIdentifier", "AWS offers one platform at this time, and refuses all others"),
        ],
        Kind::Repository | Kind::Role | Kind::Policy | Kind::LifecycleConfiguration => &[],
    }
}
