//! The manifest as it is written. Pure: from what was found to text, and to remarks about what the text cannot say.

use std::collections::BTreeMap;

use anyhow::bail;

use crate::{
    model::services::Service,
    resources::survey::{Notebook, Repository, Subnet, Vpc},
};

/// How many subnets a manifest can have.
const SUBNETS: usize = 16;
/// How many repositories.
const REPOSITORIES: usize = 50;

/// What the environment is to be called, and where it is.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The region.
    pub region: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its identity.
    pub identity: String,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The account.
    pub account: String,
    /// The VPC.
    pub vpc_id: String,
    /// What is in it, with the chosen subnets only.
    pub vpc: Vpc,
    /// The domain.
    pub domain: String,
    /// Its repositories; `None` when the domain does not exist.
    pub repositories: Option<Vec<Repository>>,
    /// The notebooks, by name.
    pub notebooks: Vec<(String, Notebook)>,
    /// The execution role.
    pub role_arn: String,
}

/// The manifest, and what it cannot say.
///
/// # Errors
/// When a manifest cannot be made of it at all.
pub fn write(place: &Place, survey: &Survey) -> anyhow::Result<(String, Vec<String>)> {
    let mut writer = Writer { place, survey, lines: Vec::new(), remarks: Vec::new() };
    writer.head();
    let names = writer.network()?;
    writer.packages();
    writer.role();
    writer.notebooks(&names);
    Ok((writer.lines.join("\n") + "\n", writer.remarks))
}

struct Writer<'a> {
    place: &'a Place,
    survey: &'a Survey,
    lines: Vec<String>,
    remarks: Vec<String>,
}

impl Writer<'_> {
    fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn remark(&mut self, remark: impl Into<String>) {
        self.remarks.push(remark.into());
    }

    fn head(&mut self) {
        let Place { region, name, namespace, identity } = self.place;
        let Survey { account, vpc_id, .. } = self.survey;
        self.line(format!("# What `cloister import` found in {vpc_id} of account {account} in {region}."));
        self.line("# Every part exists already: Cloister looks at it and reports, and changes nothing.");
        self.line("apiVersion: cloister.dev/v1alpha1");
        self.line("kind: IsolatedNotebookEnvironment");
        self.line("metadata:");
        self.line(format!("  name: {}", quoted(name)));
        self.line(format!("  namespace: {}", quoted(namespace)));
        self.line("spec:");
        self.line(format!("  region: {region}"));
        self.line(format!("  identityRef: {{name: {}}}", quoted(identity)));
        self.line("  management: Observe");
    }

    /// Gives the names of the subnets by their ids.
    fn network(&mut self) -> anyhow::Result<BTreeMap<String, String>> {
        let Survey { vpc_id, vpc, .. } = self.survey;
        if vpc.subnets.is_empty() {
            bail!("there is no subnet in {vpc_id}, and a manifest has one at least");
        }
        self.line("");
        self.line("  network:");
        self.line(format!("    vpc: {{id: {vpc_id}}}"));
        self.line("    subnets:");
        let names = subnet_names(&vpc.subnets[..vpc.subnets.len().min(SUBNETS)]);
        for (subnet, name) in &names {
            let Subnet { id, zone, cidr_block, .. } = subnet;
            self.line(format!("      - {{name: {name}, id: {id}}} # {cidr_block} in {zone}"));
        }
        if vpc.subnets.len() > SUBNETS {
            self.remark(format!(
                "only {SUBNETS} of {} subnets are in the manifest; choose with --subnet",
                vpc.subnets.len()
            ));
        }
        self.groups();
        self.endpoints();
        Ok(names.into_iter().map(|(subnet, name)| (subnet.id.clone(), name)).collect())
    }

    fn groups(&mut self) {
        let notebooks = self.notebooks_group();
        let counted = self.counted_groups();
        let endpoints = counted.iter().max_by_key(|(_, count)| **count).map(|(id, _)| id.clone());
        self.line("    securityGroups:");
        self.line(format!("      notebooks: {{id: {}}}{}", notebooks, self.comment_on_group(&notebooks)));
        let Some(id) = endpoints else {
            self.line(
                "      # No interface endpoint is here whose group this could be. Without this line Cloister would make one.",
            );
            self.line(format!("      endpoints: {{id: {notebooks}}}"));
            self.remark(
                "there is no interface endpoint in the VPC: `securityGroups.endpoints` repeats the notebooks' group",
            );
            return;
        };
        let others: Vec<&str> = counted.keys().filter(|other| **other != id).map(String::as_str).collect();
        let others = others.join(", ");
        self.line(format!("      endpoints: {{id: {id}}}{}", self.comment_on_group(&id)));
        if !others.is_empty() {
            self.remark(format!("the endpoints are in several security groups; the manifest names {id}, not {others}"));
        }
    }

    fn notebooks_group(&mut self) -> String {
        let groups: Vec<String> =
            self.survey.notebooks.iter().flat_map(|(_, notebook)| notebook.groups.iter().cloned()).collect();
        if let Some(first) = groups.first() {
            let others: Vec<&str> = groups.iter().filter(|group| *group != first).map(String::as_str).collect();
            if !others.is_empty() {
                let others = others.join(", ");
                self.remark(format!(
                    "the notebooks are in several security groups; the manifest names {first}, not {others}"
                ));
            }
            return first.clone();
        }
        let default = self.survey.vpc.groups.iter().find(|group| group.name == "default");
        self.remark(
            "without a notebook the notebooks' security group is not known: the manifest names the VPC's default group",
        );
        default.map(|group| group.id.clone()).unwrap_or_default()
    }

    /// On how many endpoints each group is.
    fn counted_groups(&self) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        for group in self.survey.vpc.endpoints.iter().flat_map(|endpoint| &endpoint.groups) {
            *counted.entry(group.clone()).or_default() += 1;
        }
        counted
    }

    fn endpoints(&mut self) {
        let Survey { vpc, .. } = self.survey;
        let mut found: BTreeMap<Service, Vec<&str>> = BTreeMap::new();
        for endpoint in &vpc.endpoints {
            let named = |service: &Service| service.endpoint_service(&self.place.region) == endpoint.service;
            // A manifest has no word for the EC2 API.
            match Service::ALL.into_iter().find(|service| named(service) && *service != Service::Ec2) {
                Some(service) => found.entry(service).or_default().push(&endpoint.id),
                None => self.remarks.push(format!(
                    "endpoint {} is for {}, for which a manifest has no word: it is left out",
                    endpoint.id, endpoint.service
                )),
            }
        }
        self.line("    endpoints:");
        for (service, ids) in &found {
            self.line(format!("      - {{service: {service}, id: {}}}", ids[0]));
            if ids.len() > 1 {
                self.remark(format!(
                    "{service} has several endpoints; the manifest names {}, not {}",
                    ids[0],
                    ids[1..].join(", ")
                ));
            }
        }
        for service in [Service::CodeArtifactApi, Service::CodeArtifactRepositories] {
            if !found.contains_key(&service) {
                self.line("      # There is none here. Without `external` Cloister would make one.");
                self.line(format!("      - {{service: {service}, external: true}}"));
                self.remark(format!(
                    "there is no endpoint for {service} in the VPC: the manifest says that it is elsewhere"
                ));
            }
        }
    }

    fn packages(&mut self) {
        let Survey { domain, repositories, .. } = self.survey;
        self.line("");
        self.line("  packages:");
        let Some(repositories) = repositories else {
            self.line("    # This domain does not exist: it would be made, with these repositories.");
            self.line(format!("    domain: {{name: {}}}", quoted(domain)));
            self.line("    repositories:");
            self.line("      - {name: pypi-store, externalConnection: \"public:pypi\"}");
            self.line(format!("      - {{name: {}, upstreams: [pypi-store]}}", quoted(domain)));
            self.line(format!("    install: {{repository: {}}}", quoted(domain)));
            self.remark(format!("there is no domain {domain}: `plan` shows that it would be made"));
            return;
        };
        self.line(format!("    domain: {{name: {}, existing: true}}", quoted(domain)));
        self.line("    repositories:");
        for repository in repositories.iter().take(REPOSITORIES) {
            let facts = facts(repository);
            self.line(format!("      - {{name: {}, existing: true}}{facts}", quoted(&repository.name)));
        }
        if repositories.len() > REPOSITORIES {
            self.remark(format!("only {REPOSITORIES} of {} repositories are in the manifest", repositories.len()));
        }
        self.remark(
            "upstreams and external connections of existing repositories are comments: a manifest cannot ask for them",
        );
        match install_from(repositories) {
            Some(name) => self.line(format!("    install: {{repository: {}}}", quoted(name))),
            None => {
                self.remark("which repository notebooks install from does not follow: `packages.install` is left out");
            }
        }
    }

    fn role(&mut self) {
        let Survey { role_arn, notebooks, .. } = self.survey;
        self.line("");
        self.line("  executionRole:");
        self.line(format!("    arn: {}", quoted(role_arn)));
        for (name, notebook) in notebooks {
            if notebook.role_arn != *role_arn {
                self.remark(format!("notebook {name} has another role, {}: a manifest has one", notebook.role_arn));
            }
        }
    }

    fn notebooks(&mut self, subnets: &BTreeMap<String, String>) {
        let Survey { notebooks, .. } = self.survey;
        if notebooks.is_empty() {
            return;
        }
        self.line("");
        self.line("  notebooks:");
        for (name, notebook) in notebooks {
            let subnet = notebook.subnet.as_ref().and_then(|id| subnets.get(id));
            let subnet = subnet.map_or_else(String::new, |subnet| format!(" # in subnet {subnet}"));
            self.line(format!("    - {{name: {}, existing: true}}{subnet}", quoted(name)));
            if let Some(lifecycle) = &notebook.lifecycle {
                self.remark(format!(
                    "notebook {name} keeps its lifecycle configuration {lifecycle}, which is not in the manifest"
                ));
            }
            if notebook.direct_internet_access {
                self.remark(format!(
                    "notebook {name} has direct internet access, which only another notebook can be without"
                ));
            }
        }
    }

    fn comment_on_group(&self, id: &str) -> String {
        let found = self.survey.vpc.groups.iter().find(|group| group.id == id);
        found.map_or_else(String::new, |group| format!(" # {}", one_line(&group.name)))
    }
}

fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let is_word = text.starts_with(|letter: char| letter.is_ascii_alphabetic()) && text.chars().all(plain);
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if is_word && !reserved.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a manifest cannot ask of an existing repository, as a comment.
fn facts(repository: &Repository) -> String {
    let Repository { name: _, description, upstreams, external_connections } = repository;
    let mut facts = Vec::new();
    if !upstreams.is_empty() {
        facts.push(format!("upstreams: {}", upstreams.join(", ")));
    }
    if !external_connections.is_empty() {
        let connections: Vec<&str> = external_connections.iter().map(String::as_str).collect();
        facts.push(format!("externalConnection: {}", connections.join(", ")));
    }
    facts.extend(description.as_deref().filter(|text| !text.is_empty()).map(one_line));
    if facts.is_empty() { String::new() } else { format!(" # {}", facts.join("; ")) }
}

/// The one repository that has nothing downstream.
fn install_from(repositories: &[Repository]) -> Option<&str> {
    let is_upstream = |name: &String| repositories.iter().any(|other| other.upstreams.contains(name));
    let mut ends = repositories.iter().map(|repository| &repository.name).filter(|name| !is_upstream(name));
    match (ends.next(), ends.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// Names for subnets: their own, as far as they can be names in a manifest, else the zone's letter; never the same twice.
fn subnet_names(subnets: &[Subnet]) -> Vec<(&Subnet, String)> {
    let mut names: Vec<(&Subnet, String)> = Vec::new();
    for subnet in subnets {
        let own = subnet.name.as_deref().map(label).unwrap_or_default();
        let zone: String = subnet.zone.chars().last().into_iter().collect();
        let base = if own.is_empty() { zone } else { own };
        let is_taken = |name: &str| names.iter().any(|(_, other)| other == name);
        let mut name = base.clone();
        let mut number = 2;
        while is_taken(&name) {
            name = format!("{base}-{number}");
            number += 1;
        }
        names.push((subnet, name));
    }
    names
}

/// The text as a label of Kubernetes with room for a number behind it.
fn label(text: &str) -> String {
    let letters = text.to_ascii_lowercase();
    let plain: String =
        letters.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).take(28).collect();
    plain.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(id: &str, zone: &str, name: Option<&str>) -> Subnet {
        Subnet { id: id.into(), zone: zone.into(), name: name.map(Into::into), cidr_block: "10.0.0.0/24".into() }
    }

    #[test]
    fn subnets_are_named_after_their_tags_or_zones_and_never_alike() {
        let subnets = [
            subnet("1", "eu-west-1a", Some("Private A")),
            subnet("2", "eu-west-1a", None),
            subnet("3", "eu-west-1a", None),
            subnet("4", "eu-west-1b", Some("***")),
        ];
        let names: Vec<String> = subnet_names(&subnets).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["private-a", "a", "a-2", "b"]);
    }

    #[test]
    fn packages_are_installed_from_what_nothing_is_downstream_of() {
        let repository = |name: &str, upstreams: &[&str]| Repository {
            name: name.into(),
            upstreams: upstreams.iter().map(|name| (*name).to_owned()).collect(),
            ..Repository::default()
        };
        let chain = [repository("store", &[]), repository("mine", &["store"])];
        assert_eq!(install_from(&chain), Some("mine"));
        assert_eq!(install_from(&[repository("a", &[]), repository("b", &[])]), None);
    }

    #[test]
    fn words_that_yaml_reads_as_something_else_are_quoted() {
        assert_eq!(quoted("team-a"), "team-a");
        assert_eq!(
            (quoted("on"), quoted("007"), quoted("a: b")),
            ("\"on\"".into(), "\"007\"".into(), "\"a: b\"".into())
        );
    }
}
