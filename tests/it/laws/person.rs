//! Somebody with administrator's rights who works on the same account, by AWS's own API: looks at everything, takes tags off, deletes.
//!
//! Every `match` on a kind is complete: a new kind does not compile until somebody has said how a person gets hold of it.

use std::{collections::BTreeMap, collections::BTreeSet, time::Duration};

use aws_sdk_ec2::types::{Filter, IpPermission, IpRange, SecurityGroupRule, Tag};
use cloister::model::{
    address::Kind,
    owner::Tags,
    resource::{Output, Seen},
};

use crate::world::World;

/// The SDK clients of an administrator.
pub struct Person {
    /// Networks.
    pub ec2: aws_sdk_ec2::Client,
    /// Permissions.
    pub iam: aws_sdk_iam::Client,
    /// Packages.
    pub codeartifact: aws_sdk_codeartifact::Client,
    /// Notebooks.
    pub sagemaker: aws_sdk_sagemaker::Client,
}

/// The ids of all that there is, by kind.
pub type Everything = BTreeMap<Kind, BTreeSet<String>>;

impl Person {
    /// An administrator who works in a region.
    pub async fn of(world: &World, region: &str) -> Self {
        let config = world.sdk(region).await;
        Self {
            ec2: aws_sdk_ec2::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            codeartifact: aws_sdk_codeartifact::Client::new(&config),
            sagemaker: aws_sdk_sagemaker::Client::new(&config),
        }
    }

    /// Let addresses into a group on 443.
    pub async fn let_in(&self, group: &str, block: &str) {
        let range = IpRange::builder().cidr_ip(block).build();
        let permission =
            IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443).ip_ranges(range).build();
        let authorize = self.ec2.authorize_security_group_ingress().group_id(group).ip_permissions(permission);
        authorize.send().await.expect("a rule");
    }

    /// The rules of a group.
    pub async fn rules(&self, group: &str) -> Vec<SecurityGroupRule> {
        let filter = Filter::builder().name("group-id").values(group).build();
        let rules = self.ec2.describe_security_group_rules().filters(filter).send().await.expect("rules");
        rules.security_group_rules.unwrap_or_default()
    }

    /// All that there is, ours and others'.
    pub async fn everything(&self) -> Everything {
        let mut everything = Everything::new();
        for kind in Kind::ALL {
            everything.insert(kind, self.all_of(kind).await.into_iter().flatten().collect());
        }
        everything
    }

    async fn all_of(&self, kind: Kind) -> Vec<Option<String>> {
        match kind {
            Kind::Vpc => {
                let all = self.ec2.describe_vpcs().send().await.expect("VPCs").vpcs.unwrap_or_default();
                all.into_iter().map(|it| it.vpc_id).collect()
            }
            Kind::Subnet => {
                let all = self.ec2.describe_subnets().send().await.expect("subnets").subnets.unwrap_or_default();
                all.into_iter().map(|it| it.subnet_id).collect()
            }
            Kind::RouteTable => {
                let all = self.ec2.describe_route_tables().send().await.expect("tables").route_tables;
                all.unwrap_or_default().into_iter().map(|it| it.route_table_id).collect()
            }
            Kind::SecurityGroup => {
                let all = self.ec2.describe_security_groups().send().await.expect("groups").security_groups;
                all.unwrap_or_default().into_iter().map(|it| it.group_id).collect()
            }
            Kind::SecurityGroupRules => {
                let all = self.ec2.describe_security_group_rules().send().await.expect("rules").security_group_rules;
                all.unwrap_or_default().into_iter().map(|it| it.security_group_rule_id).collect()
            }
            Kind::VpcEndpoint => {
                let all = self.ec2.describe_vpc_endpoints().send().await.expect("endpoints").vpc_endpoints;
                let there = all.unwrap_or_default().into_iter();
                let there =
                    there.filter(|it| it.state.as_ref().is_none_or(|state| !state.as_str().starts_with("delet")));
                there.map(|it| it.vpc_endpoint_id).collect()
            }
            Kind::Domain => {
                let all = self.codeartifact.list_domains().send().await.expect("domains").domains.unwrap_or_default();
                all.into_iter().map(|it| it.name).collect()
            }
            Kind::Repository => {
                let all = self.codeartifact.list_repositories().send().await.expect("repositories").repositories;
                all.unwrap_or_default().into_iter().map(|it| it.name).collect()
            }
            Kind::Role => {
                let all = self.iam.list_roles().send().await.expect("roles").roles;
                all.into_iter().map(|it| Some(it.role_name)).collect()
            }
            Kind::Policy => {
                let local = self.iam.list_policies().scope("Local".into()).send().await.expect("policies").policies;
                local.unwrap_or_default().into_iter().map(|it| it.policy_name).collect()
            }
            Kind::LifecycleConfiguration => {
                let all = self.sagemaker.list_notebook_instance_lifecycle_configs().send().await.expect("scripts");
                let all = all.notebook_instance_lifecycle_configs.unwrap_or_default();
                all.into_iter().map(|it| it.notebook_instance_lifecycle_config_name).collect()
            }
            Kind::NotebookInstance => {
                let all = self.sagemaker.list_notebook_instances().send().await.expect("notebooks").notebook_instances;
                all.unwrap_or_default().into_iter().map(|it| it.notebook_instance_name).collect()
            }
        }
    }

    // --- tags -----------------------------------------------------------------------------------------------------------------

    /// The tags that AWS shows of it at this moment.
    pub async fn tags_of(&self, seen: &Seen) -> Tags {
        let pairs: Vec<(Option<String>, Option<String>)> = match seen.address.kind {
            Kind::Vpc | Kind::Subnet | Kind::RouteTable | Kind::SecurityGroup | Kind::VpcEndpoint => {
                let filter = Filter::builder().name("resource-id").values(&seen.id).build();
                let tags = self.ec2.describe_tags().filters(filter).send().await.expect("tags").tags;
                tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
            }
            // Of the first of them: all are made with the same.
            Kind::SecurityGroupRules => {
                let rule = self.rules(&seen.id).await.into_iter().next();
                let tags = rule.and_then(|rule| rule.tags).unwrap_or_default();
                tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
            }
            Kind::Domain | Kind::Repository => {
                let list = self.codeartifact.list_tags_for_resource().resource_arn(arn(seen));
                let tags = list.send().await.expect("tags").tags.unwrap_or_default();
                tags.into_iter().map(|tag| (Some(tag.key), Some(tag.value))).collect()
            }
            Kind::Role => {
                let tags = self.iam.list_role_tags().role_name(&seen.id).send().await.expect("tags").tags;
                tags.into_iter().map(|tag| (Some(tag.key), Some(tag.value))).collect()
            }
            Kind::Policy => {
                let tags = self.iam.list_policy_tags().policy_arn(arn(seen)).send().await.expect("tags").tags;
                tags.into_iter().map(|tag| (Some(tag.key), Some(tag.value))).collect()
            }
            Kind::LifecycleConfiguration | Kind::NotebookInstance => {
                let tags = self.sagemaker.list_tags().resource_arn(arn(seen)).send().await.expect("tags").tags;
                tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
            }
        };
        pairs.into_iter().filter_map(|(key, value)| Some((key?, value.unwrap_or_default()))).collect()
    }

    /// Take tags off.
    pub async fn untag(&self, seen: &Seen, keys: Vec<String>) {
        match seen.address.kind {
            Kind::Vpc | Kind::Subnet | Kind::RouteTable | Kind::SecurityGroup | Kind::VpcEndpoint => {
                let tags = keys.into_iter().map(|key| Tag::builder().key(key).build()).collect();
                self.ec2.delete_tags().resources(&seen.id).set_tags(Some(tags)).send().await.expect("untagged");
            }
            Kind::SecurityGroupRules => unreachable!("whose rules are is said by their group"),
            Kind::Domain | Kind::Repository => {
                let untag = self.codeartifact.untag_resource().resource_arn(arn(seen)).set_tag_keys(Some(keys));
                untag.send().await.expect("untagged");
            }
            Kind::Role => {
                let untag = self.iam.untag_role().role_name(&seen.id).set_tag_keys(Some(keys));
                untag.send().await.expect("untagged");
            }
            Kind::Policy => {
                let untag = self.iam.untag_policy().policy_arn(arn(seen)).set_tag_keys(Some(keys));
                untag.send().await.expect("untagged");
            }
            Kind::LifecycleConfiguration | Kind::NotebookInstance => {
                let untag = self.sagemaker.delete_tags().resource_arn(arn(seen)).set_tag_keys(Some(keys));
                untag.send().await.expect("untagged");
            }
        }
    }

    /// Put tags on, or change them.
    pub async fn tag(&self, seen: &Seen, tags: &Tags) {
        let pairs = || tags.iter();
        match seen.address.kind {
            Kind::Vpc | Kind::Subnet | Kind::RouteTable | Kind::SecurityGroup | Kind::VpcEndpoint => {
                let tags = pairs().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
                self.ec2.create_tags().resources(&seen.id).set_tags(Some(tags)).send().await.expect("tagged");
            }
            Kind::SecurityGroupRules => unreachable!("whose rules are is said by their group"),
            Kind::Domain | Kind::Repository => {
                let tag = |(key, value): (&String, &String)| {
                    aws_sdk_codeartifact::types::Tag::builder().key(key).value(value).build().expect("a tag")
                };
                let tag =
                    self.codeartifact.tag_resource().resource_arn(arn(seen)).set_tags(Some(pairs().map(tag).collect()));
                tag.send().await.expect("tagged");
            }
            Kind::Role | Kind::Policy => {
                let tag = |(key, value): (&String, &String)| {
                    aws_sdk_iam::types::Tag::builder().key(key).value(value).build().expect("a tag")
                };
                let tags = Some(pairs().map(tag).collect());
                if seen.address.kind == Kind::Role {
                    self.iam.tag_role().role_name(&seen.id).set_tags(tags).send().await.expect("tagged");
                } else {
                    self.iam.tag_policy().policy_arn(arn(seen)).set_tags(tags).send().await.expect("tagged");
                }
            }
            Kind::LifecycleConfiguration | Kind::NotebookInstance => {
                let tag = |(key, value): (&String, &String)| {
                    aws_sdk_sagemaker::types::Tag::builder().key(key).value(value).build()
                };
                let add = self.sagemaker.add_tags().resource_arn(arn(seen)).set_tags(Some(pairs().map(tag).collect()));
                add.send().await.expect("tagged");
            }
        }
    }

    // --- notebooks ------------------------------------------------------------------------------------------------------------

    /// The status of a notebook; none when it is gone.
    pub async fn notebook_status(&self, name: &str) -> Option<String> {
        let described = self.sagemaker.describe_notebook_instance().notebook_instance_name(name).send().await.ok()?;
        described.notebook_instance_status.map(|status| status.as_str().to_owned())
    }

    /// Wait until a notebook has this status.
    pub async fn notebook_is(&self, name: &str, status: Option<&str>) {
        for _ in 0..200 {
            if self.notebook_status(name).await.as_deref() == status {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("{name} is {:?}, not {status:?}", self.notebook_status(name).await);
    }

    /// Stop a notebook and wait until it is.
    pub async fn stop(&self, name: &str) {
        self.sagemaker.stop_notebook_instance().notebook_instance_name(name).send().await.expect("stopped");
        self.notebook_is(name, Some("Stopped")).await;
    }

    /// Start a notebook and wait until it runs.
    pub async fn start(&self, name: &str) {
        self.sagemaker.start_notebook_instance().notebook_instance_name(name).send().await.expect("started");
        self.notebook_is(name, Some("InService")).await;
    }

    // --- deletion -------------------------------------------------------------------------------------------------------------

    /// Delete something of ours, and before that those of `all` without which AWS would not let it go. Gives all that was deleted.
    pub async fn remove<'a>(&self, seen: &'a Seen, all: &[&'a Seen]) -> Vec<&'a Seen> {
        let first = must_go_first(seen.address.kind);
        let mut removed = Vec::new();
        for kind in first {
            for other in all.iter().filter(|other| other.address.kind == *kind) {
                self.remove_one(other).await;
                removed.push(*other);
            }
            // Interfaces of what is gone are held back for a moment.
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
        self.remove_one(seen).await;
        removed.push(seen);
        tokio::time::sleep(Duration::from_secs(30)).await;
        removed
    }

    async fn remove_one(&self, seen: &Seen) {
        let id = &seen.id;
        match seen.address.kind {
            Kind::Vpc => drop(self.ec2.delete_vpc().vpc_id(id).send().await.expect("deleted")),
            Kind::Subnet => drop(self.ec2.delete_subnet().subnet_id(id).send().await.expect("deleted")),
            Kind::RouteTable => self.remove_table(id).await,
            Kind::SecurityGroup => drop(self.ec2.delete_security_group().group_id(id).send().await.expect("deleted")),
            Kind::SecurityGroupRules => self.remove_rules(id).await,
            Kind::VpcEndpoint => {
                drop(self.ec2.delete_vpc_endpoints().vpc_endpoint_ids(id).send().await.expect("deleted"));
            }
            Kind::Domain => drop(self.codeartifact.delete_domain().domain(id).send().await.expect("deleted")),
            Kind::Repository => {
                let delete = self.codeartifact.delete_repository().domain(domain_of(seen)).repository(id);
                delete.send().await.expect("deleted");
            }
            Kind::Role => self.remove_role(id).await,
            Kind::Policy => self.remove_policy(arn(seen)).await,
            Kind::LifecycleConfiguration => {
                let delete = self.sagemaker.delete_notebook_instance_lifecycle_config();
                delete.notebook_instance_lifecycle_config_name(id).send().await.expect("deleted");
            }
            Kind::NotebookInstance => self.remove_notebook(id).await,
        }
    }

    /// The associations of a route table, by subnet.
    pub async fn associations(&self, table: &str) -> BTreeMap<String, String> {
        let tables = self.ec2.describe_route_tables().route_table_ids(table).send().await.expect("a table");
        let associations = tables.route_tables.unwrap_or_default().into_iter().filter_map(|table| table.associations);
        let pair =
            |it: aws_sdk_ec2::types::RouteTableAssociation| Some((it.subnet_id?, it.route_table_association_id?));
        associations.flatten().filter_map(pair).collect()
    }

    async fn remove_table(&self, id: &str) {
        for association in self.associations(id).await.into_values() {
            let disassociate = self.ec2.disassociate_route_table().association_id(association);
            disassociate.send().await.expect("disassociated");
        }
        self.ec2.delete_route_table().route_table_id(id).send().await.expect("deleted");
    }

    /// Revoke all rules of a group.
    pub async fn remove_rules(&self, group: &str) {
        let (egress, ingress): (Vec<_>, Vec<_>) =
            self.rules(group).await.into_iter().partition(|rule| rule.is_egress == Some(true));
        let ids =
            |rules: Vec<SecurityGroupRule>| rules.into_iter().filter_map(|rule| rule.security_group_rule_id).collect();
        if !egress.is_empty() {
            let revoke = self.ec2.revoke_security_group_egress().group_id(group);
            revoke.set_security_group_rule_ids(Some(ids(egress))).send().await.expect("revoked");
        }
        if !ingress.is_empty() {
            let revoke = self.ec2.revoke_security_group_ingress().group_id(group);
            revoke.set_security_group_rule_ids(Some(ids(ingress))).send().await.expect("revoked");
        }
    }

    async fn remove_role(&self, name: &str) {
        let attached = self.iam.list_attached_role_policies().role_name(name).send().await.expect("a list");
        for policy in attached.attached_policies() {
            let detach = self.iam.detach_role_policy().role_name(name).policy_arn(policy.policy_arn().expect("an ARN"));
            detach.send().await.expect("detached");
        }
        let inline = self.iam.list_role_policies().role_name(name).send().await.expect("a list");
        for policy in inline.policy_names() {
            self.iam.delete_role_policy().role_name(name).policy_name(policy).send().await.expect("deleted");
        }
        self.iam.delete_role().role_name(name).send().await.expect("deleted");
    }

    async fn remove_policy(&self, arn: &str) {
        let users = self.iam.list_entities_for_policy().policy_arn(arn).send().await.expect("a list");
        for role in users.policy_roles().iter().filter_map(|role| role.role_name()) {
            self.iam.detach_role_policy().role_name(role).policy_arn(arn).send().await.expect("detached");
        }
        let versions = self.iam.list_policy_versions().policy_arn(arn).send().await.expect("versions");
        for version in versions.versions().iter().filter(|version| !version.is_default_version()) {
            let delete =
                self.iam.delete_policy_version().policy_arn(arn).version_id(version.version_id().expect("its id"));
            delete.send().await.expect("deleted");
        }
        self.iam.delete_policy().policy_arn(arn).send().await.expect("deleted");
    }

    async fn remove_notebook(&self, name: &str) {
        if self.notebook_status(name).await.as_deref() == Some("InService") {
            self.stop(name).await;
        }
        self.sagemaker.delete_notebook_instance().notebook_instance_name(name).send().await.expect("deleted");
        self.notebook_is(name, None).await;
    }
}

/// What AWS wants gone before it lets something of this kind go, in the order in which it goes.
const fn must_go_first(kind: Kind) -> &'static [Kind] {
    match kind {
        Kind::Vpc => &[
            Kind::NotebookInstance,
            Kind::VpcEndpoint,
            Kind::RouteTable,
            Kind::Subnet,
            Kind::SecurityGroupRules,
            Kind::SecurityGroup,
        ],
        Kind::Subnet => &[Kind::NotebookInstance, Kind::VpcEndpoint],
        Kind::SecurityGroup => &[Kind::NotebookInstance, Kind::VpcEndpoint, Kind::SecurityGroupRules],
        Kind::Domain => &[Kind::Repository],
        Kind::LifecycleConfiguration => &[Kind::NotebookInstance],
        Kind::RouteTable
        | Kind::SecurityGroupRules
        | Kind::VpcEndpoint
        | Kind::Repository
        | Kind::Role
        | Kind::Policy
        | Kind::NotebookInstance => &[],
    }
}

/// The ARN of something that has one.
pub fn arn(seen: &Seen) -> &str {
    seen.outputs.get(&Output::Arn).map(String::as_str).expect("an ARN")
}

/// The domain of a repository.
pub fn domain_of(seen: &Seen) -> &str {
    let path = arn(seen).split_once("repository/").map(|(_, path)| path).expect("a repository's ARN");
    path.split('/').next().expect("a domain")
}
