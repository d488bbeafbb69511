//! Logical addresses: how the product names a resource before, while and after AWS knows it.

use std::{fmt, str::FromStr};

/// The kinds of AWS resource that an environment is made of, in documentation order.
///
/// The order is also the order of reports. Adding a kind starts here; the compiler then names every place that must decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A virtual private cloud with its DNS attributes.
    Vpc,
    /// A subnet.
    Subnet,
    /// A route table with its routes and its associations.
    RouteTable,
    /// A security group without its rules.
    SecurityGroup,
    /// All rules of one security group.
    SecurityGroupRules,
    /// A VPC endpoint, interface or gateway, with its policy.
    VpcEndpoint,
    /// A `CodeArtifact` domain with its policy.
    Domain,
    /// A `CodeArtifact` repository with upstreams, external connection and policy.
    Repository,
    /// An IAM role with trust policy, inline and attached policies and boundary.
    Role,
    /// A customer managed IAM policy and the roles it is attached to.
    Policy,
    /// A `SageMaker` notebook lifecycle configuration.
    LifecycleConfiguration,
    /// A `SageMaker` notebook instance.
    NotebookInstance,
}

impl Kind {
    /// Every kind, in documentation order.
    pub const ALL: [Self; 12] = [
        Self::Vpc,
        Self::Subnet,
        Self::RouteTable,
        Self::SecurityGroup,
        Self::SecurityGroupRules,
        Self::VpcEndpoint,
        Self::Domain,
        Self::Repository,
        Self::Role,
        Self::Policy,
        Self::LifecycleConfiguration,
        Self::NotebookInstance,
    ];

    /// The name that users read in status, Events and plans.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vpc => "VPC",
            Self::Subnet => "Subnet",
            Self::RouteTable => "RouteTable",
            Self::SecurityGroup => "SecurityGroup",
            Self::SecurityGroupRules => "SecurityGroupRules",
            Self::VpcEndpoint => "VPCEndpoint",
            Self::Domain => "Domain",
            Self::Repository => "Repository",
            Self::Role => "Role",
            Self::Policy => "Policy",
            Self::LifecycleConfiguration => "LifecycleConfiguration",
            Self::NotebookInstance => "NotebookInstance",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Between the name of a resource and the id of a second thing with its owner tags.
const SPARE: char = '#';

/// A resource as the manifest sees it: its kind and the name it has inside its environment, `Subnet/a`.
///
/// It is stable over the life of the environment, whatever AWS calls the thing, and it is one of the owner tags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// What it is.
    pub kind: Kind,
    /// Which one of these it is.
    pub name: String,
}

impl Address {
    /// The resource `name` of this kind.
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl Address {
    /// A second thing with the owner tags of this one. It has an address of its own, so that it is seen and removed.
    #[must_use]
    pub fn spare(&self, id: &str) -> Self {
        Self::new(self.kind, format!("{}{SPARE}{id}", self.name))
    }

    /// Of which resource this is a second one, if it is one.
    #[must_use]
    pub fn spare_of(&self) -> Option<Self> {
        let (name, _) = self.name.split_once(SPARE)?;
        Some(Self::new(self.kind, name))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.name)
    }
}

/// A text that is no address: neither written by us nor, any more, readable by us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a resource address such as Subnet/a")]
pub struct NotAnAddress(String);

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || NotAnAddress(text.to_owned());
        let (kind, name) = text.split_once('/').ok_or_else(unknown)?;
        let kind = Kind::ALL.into_iter().find(|candidate| candidate.name() == kind).ok_or_else(unknown)?;
        if name.is_empty() { Err(unknown()) } else { Ok(Self::new(kind, name)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_the_way_through_a_tag() {
        for kind in Kind::ALL {
            let address = Address::new(kind, "a-1");
            assert_eq!(address.to_string().parse(), Ok(address));
        }
        assert!("Teapot/a".parse::<Address>().is_err());
        assert!("Subnet/".parse::<Address>().is_err());
    }
}
