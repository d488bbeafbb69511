//! Whose an AWS resource is: the owner tags, and what the tags of a thing that was found say about it.

use std::collections::BTreeMap;

use super::address::Address;

/// Tags of a resource, without those that AWS reserves for itself (`aws:…`).
pub type Tags = BTreeMap<String, String>;

/// Prefix of every tag that is ours.
pub const TAG_PREFIX: &str = "cloister.dev/";
/// Tag with the cluster's id (the uid of its `kube-system` namespace).
pub const CLUSTER_TAG: &str = "cloister.dev/cluster";
/// Tag with the namespace of the environment.
pub const NAMESPACE_TAG: &str = "cloister.dev/namespace";
/// Tag with the name of the environment.
pub const NAME_TAG: &str = "cloister.dev/name";
/// Tag with the uid of the environment object.
pub const UID_TAG: &str = "cloister.dev/uid";
/// Tag with the logical address of the resource inside its environment.
pub const RESOURCE_TAG: &str = "cloister.dev/resource";
/// Tag with the creation intent, on kinds that AWS lets us create twice without noticing.
pub const INTENT_TAG: &str = "cloister.dev/intent";

/// Every owner tag.
pub const OWN_TAG_KEYS: [&str; OWN_TAGS] = [CLUSTER_TAG, NAMESPACE_TAG, NAME_TAG, UID_TAG, RESOURCE_TAG, INTENT_TAG];

/// How many of the 50 tags that AWS allows on a resource are ours; the rest are the user's.
pub const OWN_TAGS: usize = 6;

/// The environment that owns resources: an object in a namespace of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// Uid of the cluster's `kube-system` namespace.
    pub cluster: String,
    /// Namespace of the environment.
    pub namespace: String,
    /// Name of the environment.
    pub name: String,
    /// Uid of the environment object; another uid with the same three fields above is an earlier life of it.
    pub uid: String,
}

/// What the tags of a resource say about whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// It carries this environment's tags.
    Ours,
    /// It carries this environment's tags with the uid of an earlier object of the same name (restored or made again).
    Earlier,
    /// It carries nobody's tags.
    Nobody,
    /// It carries the tags by which another tool marks what it manages.
    Tool(String),
    /// It carries the tags of another environment.
    Other(String),
}

impl Owner {
    /// The tags that mark a resource as this environment's.
    #[must_use]
    pub fn tags(&self, address: &Address) -> Tags {
        let pairs = [
            (CLUSTER_TAG, self.cluster.clone()),
            (NAMESPACE_TAG, self.namespace.clone()),
            (NAME_TAG, self.name.clone()),
            (UID_TAG, self.uid.clone()),
            (RESOURCE_TAG, address.to_string()),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Whose a resource with these tags is.
    #[must_use]
    pub fn recognise(&self, tags: &Tags) -> Ownership {
        let tag = |key: &str| tags.get(key).map(String::as_str);
        if tag(CLUSTER_TAG).is_some() || tag(NAME_TAG).is_some() {
            let same = tag(CLUSTER_TAG) == Some(&self.cluster)
                && tag(NAMESPACE_TAG) == Some(&self.namespace)
                && tag(NAME_TAG) == Some(&self.name);
            return match (same, tag(UID_TAG) == Some(&self.uid)) {
                (true, true) => Ownership::Ours,
                (true, false) => Ownership::Earlier,
                (false, _) => Ownership::Other(format!(
                    "environment {}/{} of cluster {}",
                    tag(NAMESPACE_TAG).unwrap_or("?"),
                    tag(NAME_TAG).unwrap_or("?"),
                    tag(CLUSTER_TAG).unwrap_or("?"),
                )),
            };
        }
        other_tool(tags).map_or(Ownership::Nobody, Ownership::Tool)
    }

    /// The logical address that our tags give a resource, if they are ours at all.
    #[must_use]
    pub fn address_of(&self, tags: &Tags) -> Option<Address> {
        match self.recognise(tags) {
            Ownership::Ours | Ownership::Earlier => tags.get(RESOURCE_TAG)?.parse().ok(),
            Ownership::Nobody | Ownership::Tool(_) | Ownership::Other(_) => None,
        }
    }
}

/// Tags that AWS sets itself and that say who made a thing.
const TELLING: [&str; 2] = ["aws:cloudformation:", "aws:servicecatalog:"];

/// Whether a tag is kept when a thing is looked at: AWS's own ones (`aws:…`) are not, unless they say whose it is.
#[must_use]
pub fn is_telling(key: &str) -> bool {
    !key.starts_with("aws:") || TELLING.iter().any(|prefix| key.starts_with(prefix))
}

/// What the keys of tags begin with that a tool sets by itself.
const TOOL_PREFIXES: [(&str, &str); 6] = [
    ("aws:cloudformation:", "CloudFormation"),
    ("aws:servicecatalog:", "Service Catalog"),
    ("services.k8s.aws/", "ACK"),
    ("crossplane-", "Crossplane"),
    ("crossplane.io/", "Crossplane"),
    ("terraform", "Terraform"),
];

/// Keys of tags, without case and separators, under which people write what manages a thing.
const MANAGED_BY: [&str; 7] =
    ["managedby", "managed", "createdby", "provisioner", "provisionedby", "deployedby", "iac"];

/// The tools that people write there.
const TOOLS: [(&str, &str); 6] = [
    ("terraform", "Terraform"),
    ("opentofu", "OpenTofu"),
    ("pulumi", "Pulumi"),
    ("cloudformation", "CloudFormation"),
    ("crossplane", "Crossplane"),
    ("ack", "ACK"),
];

/// The tool that manages a resource by its own tags or by the tags that its users give it by convention, if one does.
fn other_tool(tags: &Tags) -> Option<String> {
    tags.iter().find_map(|(key, value)| {
        let plain = value.to_ascii_lowercase();
        if ["false", "no", "none"].contains(&plain.as_str()) {
            return None;
        }
        let lower = key.to_ascii_lowercase();
        let by_prefix = TOOL_PREFIXES.iter().find(|(prefix, _)| lower.starts_with(prefix));
        let word: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
        let conventional = MANAGED_BY.contains(&word.as_str());
        let by_value = || TOOLS.iter().find(|(tool, _)| conventional && plain == *tool);
        by_prefix.or_else(by_value).map(|(_, tool)| format!("{tool} (tag {key}={value})"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::address::Kind;

    fn owner() -> Owner {
        Owner { cluster: "c-1".into(), namespace: "data".into(), name: "team-a".into(), uid: "u-1".into() }
    }

    #[test]
    fn our_tags_are_recognised_and_give_the_address_back() {
        let address = Address::new(Kind::Subnet, "a");
        let tags = owner().tags(&address);
        assert_eq!(owner().recognise(&tags), Ownership::Ours);
        assert_eq!(owner().address_of(&tags), Some(address));
    }

    #[test]
    fn another_uid_is_an_earlier_life_and_another_name_is_somebody_else() {
        let tags = owner().tags(&Address::new(Kind::Vpc, "main"));
        assert_eq!(Owner { uid: "u-2".into(), ..owner() }.recognise(&tags), Ownership::Earlier);
        assert!(matches!(Owner { name: "b".into(), ..owner() }.recognise(&tags), Ownership::Other(_)));
        assert!(matches!(Owner { cluster: "c-2".into(), ..owner() }.recognise(&tags), Ownership::Other(_)));
    }

    #[test]
    fn tags_of_other_tools_are_respected() {
        let of = |key: &str, value: &str| owner().recognise(&Tags::from([(key.into(), value.into())]));
        for (key, value, tool) in [
            ("aws:cloudformation:stack-name", "s", "CloudFormation"),
            ("aws:servicecatalog:productArn", "p", "Service Catalog"),
            ("services.k8s.aws/controller-version", "ec2-v1.2.3", "ACK"),
            ("crossplane-kind", "vpc.ec2.aws.upbound.io", "Crossplane"),
            ("Terraform", "true", "Terraform"),
            ("terraform-workspace", "prod", "Terraform"),
            ("managed-by", "terraform", "Terraform"),
            ("ManagedBy", "Terraform", "Terraform"),
            ("Managed_By", "OpenTofu", "OpenTofu"),
            ("Provisioner", "pulumi", "Pulumi"),
        ] {
            let whose = of(key, value);
            let told = format!("{tool} (tag {key}={value})");
            assert_eq!(whose, Ownership::Tool(told));
        }
        for (key, value) in [("team", "x"), ("terraform", "false"), ("managed-by", "the data team"), ("rack", "ack")] {
            assert_eq!(of(key, value), Ownership::Nobody, "{key}={value}");
        }
        let mut both = owner().tags(&Address::new(Kind::Subnet, "a"));
        both.insert("managed-by".into(), "terraform".into());
        assert_eq!(owner().recognise(&both), Ownership::Ours, "what was taken over is ours, whatever else it says");
    }

    #[test]
    fn of_the_tags_that_aws_reserves_those_stay_that_say_whose_a_thing_is() {
        assert!(is_telling("team") && is_telling("aws:cloudformation:stack-id"));
        assert!(!is_telling("aws:autoscaling:groupName"));
    }
}
