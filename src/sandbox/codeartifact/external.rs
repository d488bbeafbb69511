//! External connections: the one public repository that a repository may be connected to.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/repos-upstream.html>.

use serde_json::{Value, json};

use super::place::RepositoryPlace;
use super::rules::{CONNECTION, conflict, invalid, malformed, not_found};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::{Call, Refusal, Reply};
use crate::sandbox::world::World;

/// A public repository that AWS can connect to.
#[derive(Debug, PartialEq, Eq)]
pub struct Connection {
    /// For example `public:pypi`.
    pub name: &'static str,
    /// The format of its packages.
    pub format: &'static str,
}

/// All of them.
static CONNECTIONS: [Connection; 10] = [
    Connection { name: "public:npmjs", format: "npm" },
    Connection { name: "public:nuget-org", format: "nuget" },
    Connection { name: "public:pypi", format: "pypi" },
    Connection { name: "public:maven-central", format: "maven" },
    Connection { name: "public:maven-googleandroid", format: "maven" },
    Connection { name: "public:maven-gradleplugins", format: "maven" },
    Connection { name: "public:maven-commonsware", format: "maven" },
    Connection { name: "public:maven-clojars", format: "maven" },
    Connection { name: "public:ruby-gems-org", format: "ruby" },
    Connection { name: "public:crates-io", format: "cargo" },
];

impl Connection {
    /// Its entry in the description of a repository. The model spells the status `Available`.
    #[must_use]
    pub fn describe(&self) -> Value {
        json!({"externalConnectionName": self.name, "packageFormat": self.format, "status": "Available"})
    }
}

fn read(world: &World, call: &Call) -> Result<(RepositoryPlace, String), Refusal> {
    let mut members = Members::of(&call.params);
    let place = RepositoryPlace::read(&mut members, world, call);
    let name = members.required("externalConnection", &CONNECTION).to_owned();
    members.finish().map_err(malformed)?;
    Ok((place, name))
}

/// `AssociateExternalConnection`. Which code refuses a second one is not known: a conflict fits best.
pub fn associate(world: &mut World, call: &Call) -> Reply {
    let (place, name) = read(world, call)?;
    let repository = place.open(world, call)?;
    let Some(connection) = CONNECTIONS.iter().find(|connection| connection.name == name) else {
        return Err(invalid(format!("External connection '{name}' does not exist.")));
    };
    if let Some(present) = repository.connection {
        let message = format!("Repository '{}' already has the external connection '{}'.", place.name, present.name);
        return Err(conflict("repository", &place.name, message));
    }
    if !repository.upstreams.is_empty() {
        let message =
            format!("Repository '{}' has upstream repositories and cannot have an external connection.", place.name);
        return Err(conflict("repository", &place.name, message));
    }
    repository.connection = Some(connection);
    Ok(json!({"repository": repository.describe()}))
}

/// `DisassociateExternalConnection`. What was fetched through it stays.
pub fn disassociate(world: &mut World, call: &Call) -> Reply {
    let (place, name) = read(world, call)?;
    let repository = place.open(world, call)?;
    if repository.connection.is_none_or(|connection| connection.name != name) {
        let message = format!("Repository '{}' has no external connection '{name}'.", place.name);
        return Err(not_found("repository", &place.name, message));
    }
    repository.connection = None;
    Ok(json!({"repository": repository.describe()}))
}
