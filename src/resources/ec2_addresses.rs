//! The logical addresses of the network's parts, so that kinds can name each other's outputs without importing each other.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-interface-endpoint.html>.

use crate::model::{
    address::{Address, Kind},
    environment::{Environment, Part, Subnet},
    services::Service,
};

/// The one VPC.
pub fn vpc() -> Address {
    Address::new(Kind::Vpc, "main")
}

/// A subnet, by its name in the manifest.
pub fn subnet(name: &str) -> Address {
    Address::new(Kind::Subnet, name)
}

/// The route table of all subnets of ours.
pub fn own_route_table() -> Address {
    Address::new(Kind::RouteTable, "main")
}

/// The route table that is in effect for a subnet which exists already. The prefix keeps a subnet that is called `main` apart from
/// [`own_route_table`].
pub fn route_table_in_effect(subnet: &str) -> Address {
    Address::new(Kind::RouteTable, format!("subnet-{subnet}"))
}

/// The route table of a subnet, whosever it is.
pub fn route_table_of(subnet: &Subnet) -> Address {
    match &subnet.part {
        Part::Managed(_) => own_route_table(),
        Part::Existing(_) => route_table_in_effect(&subnet.name),
    }
}

/// The two security groups of an environment: one for both would let everybody who may reach an endpoint into Jupyter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Of the notebooks.
    Notebooks,
    /// Of the interface endpoints.
    Endpoints,
}

impl Group {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Notebooks, Self::Endpoints];

    /// Its name inside the environment.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notebooks => "notebooks",
            Self::Endpoints => "endpoints",
        }
    }

    /// The group.
    pub fn address(self) -> Address {
        Address::new(Kind::SecurityGroup, self.name())
    }

    /// Its rules.
    pub fn rules(self) -> Address {
        Address::new(Kind::SecurityGroupRules, self.name())
    }

    /// Whether it is ours, or which one it is.
    pub const fn part(self, environment: &Environment) -> &Part<()> {
        match self {
            Self::Notebooks => &environment.network.notebooks_group,
            Self::Endpoints => &environment.network.endpoints_group,
        }
    }
}

/// An endpoint.
pub fn endpoint(service: Service) -> Address {
    Address::new(Kind::VpcEndpoint, service.name())
}

/// The subnets of ours, in the manifest's order.
pub fn managed_subnets(environment: &Environment) -> impl Iterator<Item = &Subnet> {
    environment.network.subnets.iter().filter(|subnet| matches!(subnet.part, Part::Managed(_)))
}
