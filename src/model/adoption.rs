//! Taking over what is there already: what a person permits by annotation, and what must fit before anything is written. Pure.
//!
//! Permission is for single resources, and never for what another environment has: its owner tags cannot be argued with.

use std::{collections::BTreeMap, fmt, str::FromStr};

use super::{
    address::{Address, Kind},
    diff::FieldDiff,
    environment::Environment,
    owner::{Owner, Ownership},
    port::{ErrorClass, Problem},
    resource::{Change, Seen, Wanted},
    value::{Wish, bounded},
};

/// Annotation with the resources that may be taken over, separated by commas.
pub const ANNOTATION: &str = "cloister.dev/adopt";

/// What a person permits to take over, as the annotation says it: `VPC/main=vpc-0123, Subnet/a, Domain/packages!`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adoption(BTreeMap<Address, Permit>);

/// What is permitted about one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permit {
    /// Exactly this thing (`=vpc-0123`); what stands in the resource's place when absent.
    pub id: Option<String>,
    /// Also from another tool that manages it (`!`).
    pub from_tool: bool,
}

impl fmt::Display for Permit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(id) = &self.id {
            write!(formatter, "={id}")?;
        }
        if self.from_tool { formatter.write_str("!") } else { Ok(()) }
    }
}

impl Adoption {
    /// What is permitted about this resource. The rules of a security group go with their group.
    #[must_use]
    pub fn of(&self, address: &Address) -> Option<&Permit> {
        self.0.get(address)
    }

    /// Whether a thing of this id is named.
    #[must_use]
    pub fn names(&self, id: &str) -> bool {
        self.0.values().any(|permit| permit.id.as_deref() == Some(id))
    }

    /// The same without what is not needed any more.
    #[must_use]
    pub fn without(&self, done: impl Fn(&Address) -> bool) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(address, _)| !done(address))
                .map(|(key, permit)| (key.clone(), permit.clone()))
                .collect(),
        )
    }

    /// The same with more.
    fn with(&self, more: &BTreeMap<Address, Permit>) -> Self {
        let mut all = self.clone();
        all.0.extend(more.clone());
        all
    }
}

impl fmt::Display for Adoption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (address, permit)) in self.0.iter().enumerate() {
            write!(formatter, "{}{address}{permit}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// A value of the annotation that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write resources such as `Subnet/a` or `VPC/main=vpc-0123456789abcdef0`, separated by commas")]
pub struct NotAnAdoption(String);

impl FromStr for Adoption {
    type Err = NotAnAdoption;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut permits = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (address, permit) = permit(entry)?;
            let twice = |(other, earlier): (&Address, &Permit)| other.kind == address.kind && earlier.id == permit.id;
            if let Some(id) = permit.id.as_ref().filter(|_| permits.iter().any(twice)) {
                return Err(NotAnAdoption(format!("`{id}` is named twice")));
            }
            permits.insert(address, permit);
        }
        Ok(Self(permits))
    }
}

fn permit(entry: &str) -> Result<(Address, Permit), NotAnAdoption> {
    let unknown = || NotAnAdoption(format!("`{entry}` names no resource"));
    let (rest, from_tool) = entry.strip_suffix('!').map_or((entry, false), |rest| (rest.trim_end(), true));
    let (address, id) = match rest.split_once('=') {
        Some((address, id)) => (address.trim(), Some(id.trim().to_owned())),
        None => (rest, None),
    };
    if id.as_ref().is_some_and(String::is_empty) {
        return Err(unknown());
    }
    let (kind, name) = address.split_once('/').ok_or_else(unknown)?;
    let kind = Kind::ALL.into_iter().find(|candidate| candidate.name().eq_ignore_ascii_case(kind));
    let kind = kind.filter(|_| !name.is_empty()).ok_or_else(unknown)?;
    Ok((Address::new(kind, name), Permit { id, from_tool }))
}

/// Something that may be taken over if a person says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which resource it would be.
    pub address: Address,
    /// What the annotation has to say.
    pub permit: Permit,
}

/// Why something that is wanted as ours, is there and is not ours is not taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is told.
    pub problem: Problem,
    /// What a person could permit, when that is all that is missing.
    pub candidate: Option<Candidate>,
}

/// Whether `seen` may be made ours.
///
/// `known`: the status knows it as ours by its id.
///
/// # Errors
/// When it may not: it is somebody else's, nobody permitted it, or it does not fit.
pub fn weigh(
    environment: &Environment,
    wanted: &Wanted,
    seen: &Seen,
    diffs: &[FieldDiff],
    known: bool,
) -> Result<(), Box<Refusal>> {
    let refuse = |reason: &str, message: String, candidate: Option<Candidate>| {
        let problem = Problem::new(ErrorClass::Exists, message).because(reason).about(&wanted.address);
        Err(Box::new(Refusal { problem, candidate }))
    };
    let id = &seen.id;
    let tool = match &seen.ownership {
        Ownership::Ours | Ownership::Earlier => return Ok(()),
        Ownership::Other(whose) => {
            let message = format!("{id} belongs to {whose}; use another name, or declare it as existing");
            return refuse("NameTaken", message, None);
        }
        Ownership::Tool(tool) => Some(tool),
        Ownership::Nobody => None,
    };
    let obstacles = obstacles(wanted, seen, diffs);
    let permit = environment.rules.adopt.of(&wanted.address);
    if let Some(other) = permit.and_then(|permit| permit.id.as_ref()).filter(|other| *other != id) {
        let message = format!(
            "the annotation {ANNOTATION} names {other}, which is not there or may not be seen; in this place is {id}"
        );
        return refuse("AdoptionRefused", message, None);
    }
    let permitted = permit.is_some_and(|permit| tool.is_none() || permit.from_tool);
    if permitted && obstacles.is_empty() {
        return Ok(());
    }
    if permitted {
        let message = format!("{id} cannot be adopted: {}", bounded(&obstacles.join("; "), 700));
        return refuse("AdoptionRefused", message, None);
    }
    let (reason, what) = match tool {
        Some(tool) => ("ManagedElsewhere", format!("{id} is managed by {tool}: let that release it first")),
        None if known => {
            let what = format!("{id} has lost its owner tags; nothing is written to it, and no second one is made");
            ("OwnerTagsMissing", what)
        }
        None => ("AlreadyExists", format!("{id} exists already and is not ours")),
    };
    if obstacles.is_empty() {
        let named = (*id != wanted.address.name).then(|| id.clone());
        let permit = Permit { id: named, from_tool: tool.is_some() };
        let candidate = Candidate { address: wanted.address.clone(), permit };
        return refuse(reason, what, Some(candidate));
    }
    let why = bounded(&obstacles.join("; "), 700);
    let message = format!("{what}, and it cannot be adopted: {why}; use another name, or declare it as existing");
    refuse(reason, message, None)
}

/// What AWS cannot change about it: with this it would never be as asked.
fn obstacles(wanted: &Wanted, seen: &Seen, diffs: &[FieldDiff]) -> Vec<String> {
    let mut obstacles: Vec<String> = seen.state.unfit().into_iter().collect();
    if let Some(name) = wanted.name.as_ref().filter(|name| **name != seen.id && name.eq_ignore_ascii_case(&seen.id)) {
        obstacles.push(format!("its name is {}, wanted is {name}", seen.id));
    }
    let side =
        |value: &Option<String>| value.clone().filter(|value| !value.is_empty()).unwrap_or_else(|| "none".into());
    let fixed = diffs.iter().filter(|diff| diff.change == Change::Replace);
    obstacles.extend(fixed.map(|diff| {
        let (observed, desired) = (side(&diff.observed), side(&diff.desired));
        format!("{} is {observed}, wanted is {desired}, and AWS cannot change it", diff.path)
    }));
    // What does not exist yet it cannot be in.
    obstacles.extend(wanted.state.fields().into_iter().filter(|field| field.change == Change::Replace).filter_map(
        |field| match field.value {
            Wish::After(address) => Some(format!("{} is to be {address}, which is not there yet", field.name)),
            Wish::Any | Wish::Is(_) => None,
        },
    ));
    obstacles
}

/// Something was to be taken over by its id and is not there. Nothing is made instead: it may be a slip of the pen.
#[must_use]
pub fn missing(environment: &Environment, wanted: &Wanted, known: Option<&String>) -> Option<Problem> {
    let id = environment.rules.adopt.of(&wanted.address)?.id.as_ref()?;
    if known == Some(id) {
        return None;
    }
    let message = format!(
        "the annotation {ANNOTATION} names {id}, which does not exist in account {} and region {}, is not where it should \
         be, or may not be seen; nothing is made instead",
        environment.account, environment.region
    );
    Some(Problem::new(ErrorClass::Exists, message).because("AdoptionRefused").about(&wanted.address))
}

/// How much of a condition's message there is for instructions.
const ROOM: usize = 850;

/// The lines that permit what is in the way: what a candidate needs, and what all of them need together. `pending` is what is permitted already
/// and still needed.
#[must_use]
pub fn instructions(owner: &Owner, pending: &Adoption, candidate: &Candidate, all: &[Candidate]) -> String {
    let of = |candidates: &[Candidate]| {
        let more = candidates.iter().map(|one| (one.address.clone(), one.permit.clone())).collect();
        command(owner, &pending.with(&more))
    };
    let mut text = format!("to take it over: {}", of(std::slice::from_ref(candidate)));
    let together = format!("; to take over all {} that are in the way: {}", all.len(), of(all));
    // A line that is cut off cannot be copied.
    if all.len() > 1 && text.len() + together.len() < ROOM {
        text.push_str(&together);
    }
    text
}

/// The line to copy. In single quotes, in which no shell finds anything to expand.
fn command(owner: &Owner, adoption: &Adoption) -> String {
    let Owner { namespace, name, .. } = owner;
    format!("kubectl annotate ine {name} -n {namespace} --overwrite '{ANNOTATION}={adoption}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_annotation_says_what_which_and_from_whom() {
        let adoption: Adoption = "vpc/main=vpc-1, Subnet/a ,Domain/packages!, Role/execution=r!,".parse().unwrap();
        let of = |kind, name: &str| adoption.of(&Address::new(kind, name)).cloned();
        assert_eq!(of(Kind::Vpc, "main"), Some(Permit { id: Some("vpc-1".into()), from_tool: false }));
        assert_eq!(of(Kind::Subnet, "a"), Some(Permit::default()));
        assert_eq!(of(Kind::Domain, "packages"), Some(Permit { id: None, from_tool: true }));
        assert_eq!(of(Kind::Role, "execution"), Some(Permit { id: Some("r".into()), from_tool: true }));
        assert_eq!(of(Kind::Subnet, "b"), None);
        assert!(adoption.names("vpc-1") && !adoption.names("vpc-2"));
    }

    #[test]
    fn what_it_says_is_read_back() {
        let text = "VPC/main=vpc-1,Subnet/a,Domain/packages!";
        assert_eq!(text.parse::<Adoption>().unwrap().to_string(), text);
        assert_eq!("".parse(), Ok(Adoption::default()));
    }

    #[test]
    fn what_names_no_resource_is_refused_and_quoted() {
        for wrong in ["Teapot/a", "Subnet", "Subnet/", "VPC/main=", "vpc-1"] {
            let error = wrong.parse::<Adoption>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{wrong}`")), "{error}");
        }
        let twice = "SecurityGroup/notebooks=sg-1,SecurityGroup/endpoints=sg-1".parse::<Adoption>().unwrap_err();
        assert!(twice.to_string().contains("`sg-1` is named twice"), "{twice}");
    }
}
