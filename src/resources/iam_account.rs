//! The roles and customer managed policies of the account: one bulk look that both IAM kinds share.
//!
//! IAM has no other way to see roles with their policies and tags in few calls. Of everything only what is compared is kept; policies
//! stay unparsed until somebody asks.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::types::{EntityType, ManagedPolicyDetail, RoleDetail, Tag};

use super::{point_tags, policy_documents};
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk},
        inventory::Listing,
    },
    model::{
        access::{Place, PolicyInPlace},
        owner::Tags,
        policy::PolicyDocument,
    },
};

/// What the account has.
pub struct IamAccount {
    /// Its roles, without those of AWS services.
    pub roles: Vec<RoleRow>,
    /// Its own policies.
    pub policies: Vec<PolicyRow>,
    /// Those of AWS's policies that are in use, by ARN, as IAM returns them.
    pub aws_policies: BTreeMap<String, Box<str>>,
}

/// A role.
pub struct RoleRow {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its unique id.
    pub unique_id: String,
    /// Its tags.
    pub tags: Tags,
    /// Its trust policy, as IAM returns it.
    pub trust: Box<str>,
    /// Its inline policies, by name, as IAM returns them.
    pub inline: Vec<(String, Box<str>)>,
    /// The ARNs of the policies attached to it.
    pub attached: Vec<String>,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// The instance profiles that it is in.
    pub instance_profiles: Vec<String>,
}

/// A customer managed policy.
pub struct PolicyRow {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its unique id, which a policy of the same name that is made anew does not have.
    pub unique_id: String,
    /// Its default version, as IAM returns it.
    pub document: Box<str>,
    /// The ids of its other versions, the oldest first.
    pub other_versions: Vec<String>,
    /// To how many users, groups and roles it is attached.
    pub attachments: usize,
}

#[async_trait]
impl Listing for IamAccount {
    async fn fetch(clients: &Clients, _: &str) -> Result<Self, AwsError> {
        let get = clients
            .iam
            .get_account_authorization_details()
            .filter(EntityType::Role)
            .filter(EntityType::LocalManagedPolicy)
            .filter(EntityType::AwsManagedPolicy);
        let mut pages = get.max_items(1000).into_paginator().send();
        let mut account = Self { roles: Vec::new(), policies: Vec::new(), aws_policies: BTreeMap::new() };
        while let Some(page) = pages.next().await {
            let page = page.map_err(from_sdk("iam:GetAccountAuthorizationDetails"))?;
            account.roles.extend(page.role_detail_list.unwrap_or_default().into_iter().filter_map(RoleRow::from_sdk));
            for policy in page.policies.unwrap_or_default().into_iter().filter_map(PolicyRow::from_sdk) {
                if policy.arn.contains(":iam::aws:") {
                    account.aws_policies.insert(policy.arn, policy.document);
                } else {
                    account.policies.push(policy);
                }
            }
        }
        Ok(account)
    }
}

impl IamAccount {
    /// The names of the roles that a policy is attached to.
    pub fn roles_with(&self, policy_arn: &str) -> Vec<&str> {
        let with = self.roles.iter().filter(|role| role.attached.iter().any(|arn| arn == policy_arn));
        with.map(|role| role.name.as_str()).collect()
    }

    /// Everything that limits or grants what a role may do, as it is.
    pub fn in_place(&self, role: &RoleRow) -> Vec<PolicyInPlace> {
        let trust = PolicyInPlace::read(Place::Trust, format!("the trust policy of role {}", role.name), &role.trust);
        let inline = role
            .inline
            .iter()
            .map(|(name, text)| PolicyInPlace::read(Place::Identity, format!("inline policy {name}"), text));
        let attached = role.attached.iter().map(|arn| self.managed(Place::Identity, "policy", arn));
        let boundary = role.boundary.iter().map(|arn| self.managed(Place::Boundary, "permissions boundary", arn));
        [trust].into_iter().chain(inline).chain(attached).chain(boundary).collect()
    }

    fn managed(&self, place: Place, what: &str, arn: &str) -> PolicyInPlace {
        let own = self.policies.iter().find(|policy| policy.arn == arn).map(|policy| &policy.document);
        let name = format!("{what} {arn}");
        match own.or_else(|| self.aws_policies.get(arn)) {
            Some(text) => PolicyInPlace::read(place, name, text),
            None => PolicyInPlace::unseen(place, name, "IAM does not show what it says"),
        }
    }

    /// Whether an attached policy can only take rights away. Of AWS's own policies only those are known that AWS attaches for it.
    pub fn only_denies(&self, policy_arn: &str) -> bool {
        let name = policy_arn.rsplit('/').next().unwrap_or_default();
        let is_aws = policy_arn.contains(":iam::aws:");
        if is_aws {
            return name == "AWSDenyAll" || name.starts_with("AWSCompromisedKeyQuarantine");
        }
        let policy = self.policies.iter().find(|policy| policy.arn == policy_arn);
        policy.is_some_and(|policy| denies_only(&policy.document()))
    }
}

/// Whether a policy says something, and only takes rights away.
pub fn denies_only(policy: &PolicyDocument) -> bool {
    !policy.statements.is_empty() && policy.only_denies()
}

impl RoleRow {
    fn from_sdk(role: RoleDetail) -> Option<Self> {
        // Service-linked roles belong to AWS services and are many.
        if role.path().is_some_and(|path| path.starts_with("/aws-service-role/")) {
            return None;
        }
        let inline = role.role_policy_list.unwrap_or_default().into_iter();
        let attached = role.attached_managed_policies.unwrap_or_default().into_iter();
        let profiles = role.instance_profile_list.unwrap_or_default().into_iter();
        Some(Self {
            name: role.role_name?,
            arn: role.arn?,
            unique_id: role.role_id?,
            tags: read_tags(role.tags.unwrap_or_default()),
            trust: role.assume_role_policy_document.unwrap_or_default().into(),
            inline: inline.filter_map(|policy| Some((policy.policy_name?, policy.policy_document?.into()))).collect(),
            attached: attached.filter_map(|policy| policy.policy_arn).collect(),
            boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
            instance_profiles: profiles.map(|profile| profile.instance_profile_name).collect(),
        })
    }
}

impl PolicyRow {
    fn from_sdk(policy: ManagedPolicyDetail) -> Option<Self> {
        let versions = policy.policy_version_list.unwrap_or_default();
        let (default, mut others): (Vec<_>, Vec<_>) =
            versions.into_iter().partition(|version| version.is_default_version);
        others.sort_by_key(|version| version.create_date.as_ref().map(aws_smithy_types::DateTime::as_nanos));
        let arn = policy.arn?;
        Some(Self {
            // The ARN says the name as well, and without the unique id it is still the same policy: a row that is left out looks like a policy that is gone.
            name: policy.policy_name.unwrap_or_else(|| name_in(&arn).to_owned()),
            unique_id: policy.policy_id.unwrap_or_default(),
            arn,
            document: default.into_iter().next().and_then(|version| version.document).unwrap_or_default().into(),
            other_versions: others.into_iter().filter_map(|version| version.version_id).collect(),
            attachments: usize::try_from(policy.attachment_count.unwrap_or_default()).unwrap_or_default(),
        })
    }

    /// Its default version.
    pub fn document(&self) -> PolicyDocument {
        policy_documents::read(&self.document)
    }
}

/// What IAM says about tags.
pub fn read_tags(tags: Vec<Tag>) -> Tags {
    point_tags::without_reserved(tags.into_iter().map(|tag| (tag.key, tag.value)))
}

/// The tags in the form of requests.
pub fn request_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

/// The name in the ARN of a role or policy, without its path.
pub fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
