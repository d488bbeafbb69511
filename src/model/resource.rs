//! The pure half of a resource kind: what an environment wants of it, what was seen of it, and in which fields they differ.
//!
//! Resource kinds (`crate::resources`) implement [`ResourceKind`] and [`State`]; the AWS half of a kind is
//! `crate::aws::provider::Provider`.

use std::{any::Any, collections::BTreeMap, fmt::Debug, sync::Arc};

use super::{
    access::PolicyInPlace,
    address::{Address, Kind},
    environment::Environment,
    owner::{Ownership, Tags},
    services::RegionFacts,
    value::{Value, Wish},
};

/// What it takes to change a field of something that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It can be changed while the thing is in use.
    Live,
    /// The notebook has to be stopped for it.
    Stopped,
    /// AWS cannot change it; only a new resource could have it.
    Replace,
    /// It is looked at and reported, never changed by us.
    Report,
}

/// How bad a deviation is for an isolated network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something opens the network or the permissions.
    High,
    /// Something does not work as asked.
    Medium,
    /// Cosmetic or informative.
    Low,
}

/// One field of a resource's state, with what is true of the field whoever has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name as users read it, `privateDnsEnabled`.
    pub name: &'static str,
    /// Its value, or the wish for one.
    pub value: Wish<Value>,
    /// What changing it takes.
    pub change: Change,
    /// How bad it is when it deviates.
    pub severity: Severity,
}

impl Field {
    /// A field that can be changed at any time.
    pub fn live<T: Into<Value>>(name: &'static str, value: Wish<T>) -> Self {
        Self::new(name, value, Change::Live)
    }

    /// A field of a notebook that can be changed while it is stopped.
    pub fn stopped<T: Into<Value>>(name: &'static str, value: Wish<T>) -> Self {
        Self::new(name, value, Change::Stopped)
    }

    /// A field that only a new resource can have otherwise.
    pub fn fixed<T: Into<Value>>(name: &'static str, value: Wish<T>) -> Self {
        Self::new(name, value, Change::Replace)
    }

    /// A field that is reported and never changed by us.
    pub fn reported<T: Into<Value>>(name: &'static str, value: Wish<T>) -> Self {
        Self::new(name, value, Change::Report)
    }

    /// The same field with another severity than [`Severity::Medium`].
    #[must_use]
    pub const fn severe(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    fn new<T: Into<Value>>(name: &'static str, value: Wish<T>, change: Change) -> Self {
        Self { name, value: value.map(Into::into), change, severity: Severity::Medium }
    }
}

/// The state of a resource, wished or seen: a struct of its kind.
pub trait State: Any + Debug + Send + Sync {
    /// The fields, by destructuring `Self` without `..`, so that a new field does not compile until somebody has decided
    /// what its change takes. Wished and seen states give the same names in the same order.
    fn fields(&self) -> Vec<Field>;

    /// Of what was seen: the policies that are in place there, with everything that somebody added, for the verdicts. Nothing compares them.
    fn policies(&self) -> &[PolicyInPlace] {
        &[]
    }

    /// For the kind to get its own type back.
    fn as_any(&self) -> &dyn Any;

    /// Why a thing that looks like this can never be made ours, if that is so (the main route table of a VPC).
    fn unfit(&self) -> Option<String> {
        None
    }
}

/// How an environment relates to one of its resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Management {
    /// We make it, keep it and delete it.
    Owned,
    /// It exists already: looked at and reported, never changed. Named by id, ARN or name.
    Existing(String),
    /// Something of ours inside a thing that exists already (rules in an existing group): only our part is kept and deleted.
    Addition(String),
}

/// A resource as an environment wants it.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which resource.
    pub address: Address,
    /// Whether it is ours.
    pub management: Management,
    /// The name that AWS knows it by, for kinds that have one.
    pub name: Option<String>,
    /// The resources that must exist before it can be made.
    pub needs: Vec<Address>,
    /// The tags it must carry: the user's and the owner tags. Empty for kinds without tags and for what exists already.
    pub tags: Tags,
    /// What it should look like.
    pub state: Arc<dyn State>,
}

impl Wanted {
    /// The state in its kind's own type.
    ///
    /// # Panics
    /// When asked for the type of another kind, which is a bug in that kind and found by its first test.
    #[must_use]
    pub fn state<S: State>(&self) -> &S {
        self.state.as_any().downcast_ref().expect("a kind asks for its own state")
    }

    /// The resource that a still unknown field waits for, if there is one.
    #[must_use]
    pub fn unresolved(&self) -> Option<Address> {
        self.state.fields().into_iter().find_map(|field| match field.value {
            Wish::After(address) => Some(address),
            Wish::Any | Wish::Is(_) => None,
        })
    }
}

/// How far AWS is with a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Usable.
    Ready,
    /// AWS is busy with it: creating, updating, starting. The text says what is waited for.
    Progressing(String),
    /// It can only be used again after somebody or something acts; AWS's reason, and what we may do by ourselves.
    Failed {
        /// The reason in AWS's words.
        reason: String,
        /// What can be done without losing anything.
        remedy: Remedy,
    },
    /// It is on its way out.
    Deleting,
}

/// What the controller may do by itself about a failed resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Delete it and make it again: nothing of the user's is in it.
    Recreate,
    /// Update it as if it had drifted (a failed notebook is started again, a bounded number of times).
    Update,
    /// Nothing: a person must look.
    Person,
}

/// An output of a resource that others take as input or that the status shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// The id (`vpc-…`), or the name where the name is the id.
    Id,
    /// The ARN.
    Arn,
    /// The unique id of a role (`AROA…`).
    UniqueId,
    /// The regional DNS name of an endpoint.
    DnsName,
    /// The state as AWS spells it.
    State,
    /// The CIDR block. Of a VPC that has several: all of them, separated by commas, the first one first.
    CidrBlock,
    /// The availability zone.
    AvailabilityZone,
    /// The id of the VPC it is in.
    VpcId,
    /// Whether a notebook must be restarted for a lifecycle script to take effect: `true` or `unknown`, and nothing when not.
    RestartPending,
    /// The account that administers a repository: the one that made it, whosever the domain is.
    Administrator,
}

/// Outputs of the resources that exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outputs(BTreeMap<Address, BTreeMap<Output, String>>);

impl Outputs {
    /// Take over the outputs of a resource.
    pub fn set(&mut self, address: Address, outputs: BTreeMap<Output, String>) {
        self.0.insert(address, outputs);
    }

    /// One output, if the resource exists.
    #[must_use]
    pub fn get(&self, address: &Address, output: Output) -> Option<&str> {
        self.0.get(address)?.get(&output).map(String::as_str)
    }

    /// Whether the resource exists.
    #[must_use]
    pub fn contains(&self, address: &Address) -> bool {
        self.0.contains_key(address)
    }

    /// What exists of a kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Address> {
        self.0.keys().filter(move |address| address.kind == kind)
    }

    /// One output as an input of another resource.
    #[must_use]
    pub fn input(&self, address: &Address, output: Output) -> Wish<String> {
        self.get(address, output).map_or_else(|| Wish::After(address.clone()), |value| Wish::Is(value.to_owned()))
    }
}

/// Something that was noticed about a resource and is reported, never corrected: a Deny policy that somebody added, a foreign
/// gateway in our VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where, as a field path.
    pub field: String,
    /// What was seen there.
    pub observed: String,
    /// How bad it is.
    pub severity: Severity,
}

/// A resource as it was seen in AWS.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which resource.
    pub address: Address,
    /// Its id, or its name where the name is the id.
    pub id: String,
    /// Whose it is, by its tags.
    pub ownership: Ownership,
    /// All its tags, without those that AWS reserves.
    pub tags: Tags,
    /// How far AWS is with it.
    pub phase: Phase,
    /// What others take from it.
    pub outputs: BTreeMap<Output, String>,
    /// What is reported and never corrected.
    pub findings: Vec<Finding>,
    /// What it looks like.
    pub state: Arc<dyn State>,
}

impl Seen {
    /// The state in its kind's own type.
    ///
    /// # Panics
    /// When asked for the type of another kind, which is a bug in that kind and found by its first test.
    #[must_use]
    pub fn state<S: State>(&self) -> &S {
        self.state.as_any().downcast_ref().expect("a kind asks for its own state")
    }
}

/// What is known about a resource at a moment.
#[derive(Debug, Clone)]
pub enum Sight {
    /// It is not there, and AWS can be believed.
    Absent,
    /// It was written a moment ago and AWS does not show it yet: wait, do not create.
    Unsettled {
        /// Its id.
        id: String,
    },
    /// It is there.
    Present(Box<Seen>),
    /// It could not be looked at.
    Unknown(super::port::Problem),
}

impl Sight {
    /// The resource, if it is there.
    #[must_use]
    pub fn seen(&self) -> Option<&Seen> {
        match self {
            Self::Present(seen) => Some(seen),
            Self::Absent | Self::Unsettled { .. } | Self::Unknown(_) => None,
        }
    }
}

/// What a kind may know when it says what it wants.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The outputs of what exists.
    pub outputs: &'a Outputs,
    /// What the region offers: zones, endpoint services, prefix lists.
    pub facts: &'a RegionFacts,
}

/// The pure half of a resource kind.
pub trait ResourceKind: Send + Sync {
    /// Which kind it is.
    fn kind(&self) -> Kind;

    /// Every resource of this kind that the environment wants.
    fn desire(&self, environment: &Environment, context: Context<'_>) -> Vec<Wanted>;
}
