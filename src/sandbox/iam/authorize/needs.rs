//! Which permissions a call needs: mostly one of its own name on its main resource, sometimes several.
//! Where an action knows no resource, or which one is not clear from the call, it is asked for on `*`.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/python-configure-pip.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html>.

mod resource_tags;

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::super::wire::{Call, Service};
use super::super::super::world::World;
use super::super::tags;

/// An action on a resource, with the condition keys that belong to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Need {
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) context: BTreeMap<String, Vec<String>>,
}

impl Need {
    fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), context: BTreeMap::new() }
    }

    fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.context.entry(key.into()).or_default().push(value.into());
        self
    }

    fn with_request_tags<'a>(self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        tags.into_iter()
            .fold(self, |need, (key, value)| need.with(format!("aws:RequestTag/{key}"), value).with("aws:TagKeys", key))
    }
}

/// Everything a call needs, with the tags of the resources as condition keys.
pub(super) fn of(world: &mut World, call: &Call) -> Vec<Need> {
    let needs = by_service(world, call);
    needs.into_iter().map(|need| resource_tags::add(world, call, need)).collect()
}

fn by_service(world: &mut World, call: &Call) -> Vec<Need> {
    match call.service {
        Service::Ec2 => ec2(world, call),
        Service::Iam => iam(world, call),
        // Identifying oneself is always allowed, and taking a role is between the trust policy and STS.
        Service::Sts => Vec::new(),
        Service::CodeArtifact => codeartifact(world, call),
        Service::SageMaker => sagemaker(world, call),
    }
}

fn regional(world: &World, call: &Call, account: &str, resource: &str) -> String {
    let service = call.service.signing_name();
    format!("arn:{}:{service}:{}:{account}:{resource}", world.partition, call.region)
}

// EC2

/// Parameters that name resources, and the kind of resource; lists have the same names as single ids.
const EC2_IDS: [(&str, &str); 13] = [
    ("VpcId", "vpc"),
    ("SubnetId", "subnet"),
    ("AddSubnetId", "subnet"),
    ("RemoveSubnetId", "subnet"),
    ("GroupId", "security-group"),
    ("SecurityGroupId", "security-group"),
    ("AddSecurityGroupId", "security-group"),
    ("RemoveSecurityGroupId", "security-group"),
    ("RouteTableId", "route-table"),
    ("AddRouteTableId", "route-table"),
    ("RemoveRouteTableId", "route-table"),
    ("VpcEndpointId", "vpc-endpoint"),
    ("InternetGatewayId", "internet-gateway"),
];

fn ec2(world: &World, call: &Call) -> Vec<Need> {
    let action = format!("ec2:{}", call.operation);
    if call.operation.starts_with("Describe") || call.operation.starts_with("Get") {
        return vec![Need::new(action, "*")];
    }
    let arn = |resource: String| regional(world, call, &call.account, &resource);
    let mut resources: Vec<String> = Vec::new();
    for (parameter, kind) in EC2_IDS {
        resources.extend(ids(call, parameter).into_iter().map(|id| arn(format!("{kind}/{id}"))));
    }
    resources.extend(ids(call, "ResourceId").into_iter().map(|id| {
        let kind = ec2_kind(&id);
        arn(format!("{kind}/{id}"))
    }));
    let created = call.operation.strip_prefix("Create").and_then(ec2_created).map(|kind| arn(format!("{kind}/*")));
    resources.extend(created.clone());
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let specified =
        call.items("TagSpecification").iter().flat_map(|specification| key_values(specification.get("Tag")));
    let tags: Vec<(&str, &str)> = specified.chain(key_values(call.params.get("Tag"))).collect();
    let mut needs: Vec<Need> = resources
        .into_iter()
        .map(|resource| Need::new(action.clone(), resource).with_request_tags(tags.iter().copied()))
        .collect();
    if let Some(created) = created.filter(|_| !call.items("TagSpecification").is_empty()) {
        let need = Need::new("ec2:CreateTags", created).with("ec2:CreateAction", call.operation.clone());
        needs.push(need.with_request_tags(tags));
    }
    needs
}

fn ec2_created(what: &str) -> Option<&'static str> {
    Some(match what {
        "Vpc" => "vpc",
        "Subnet" => "subnet",
        "SecurityGroup" => "security-group",
        "RouteTable" => "route-table",
        "VpcEndpoint" => "vpc-endpoint",
        "InternetGateway" => "internet-gateway",
        _ => return None,
    })
}

fn ec2_kind(id: &str) -> &'static str {
    match id.split_once('-').map(|(prefix, _)| prefix) {
        Some("vpc") => "vpc",
        Some("subnet") => "subnet",
        Some("sg") => "security-group",
        Some("sgr") => "security-group-rule",
        Some("rtb") => "route-table",
        Some("vpce") => "vpc-endpoint",
        Some("igw") => "internet-gateway",
        Some("eni") => "network-interface",
        _ => "*",
    }
}

fn ids(call: &Call, parameter: &str) -> Vec<String> {
    call.text(parameter).map_or_else(|| call.texts(parameter), |id| vec![id.to_owned()])
}

fn key_values(list: Option<&Value>) -> impl Iterator<Item = (&str, &str)> {
    let members = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    members.iter().filter_map(|tag| {
        let text = |name: &str| tag.get(name).or_else(|| tag.get(name.to_lowercase()))?.as_str();
        Some((text("Key")?, text("Value").unwrap_or_default()))
    })
}

// IAM

fn iam(world: &mut World, call: &Call) -> Vec<Need> {
    let need = iam_main(world, call);
    let tagging = match call.operation.as_str() {
        "CreateRole" => Some("iam:TagRole"),
        "CreatePolicy" => Some("iam:TagPolicy"),
        "CreateUser" => Some("iam:TagUser"),
        _ => None,
    };
    let tagging = tagging.filter(|_| tags::in_call(call).next().is_some());
    let tagging = tagging.map(|action| Need { action: action.to_owned(), ..need.clone() });
    std::iter::once(need).chain(tagging).collect()
}

fn iam_main(world: &mut World, call: &Call) -> Need {
    let action = format!("iam:{}", call.operation);
    let prefix = format!("arn:{}:iam::{}:", world.partition, call.account);
    let path = call.text("Path").unwrap_or("/");
    let state = &world.account(&call.account).iam;
    let (resource, boundary) = if let Some(name) = call.text("InstanceProfileName") {
        (format!("{prefix}instance-profile{path}{name}"), None)
    } else if let Some(name) = call.text("RoleName") {
        match state.role(name) {
            Some(role) => (role.arn.clone(), role.boundary.clone()),
            None => (format!("{prefix}role{path}{name}"), None),
        }
    } else if let Some(arn) = call.text("PolicyArn") {
        (arn.to_owned(), None)
    } else if let Some(name) = call.text("PolicyName") {
        (format!("{prefix}policy{path}{name}"), None)
    } else if let Some(name) = call.text("UserName") {
        (format!("{prefix}user{path}{name}"), None)
    } else {
        let kind = match call.operation.as_str() {
            "ListRoles" => Some("role/"),
            "ListPolicies" => Some("policy/"),
            "ListUsers" => Some("user/"),
            _ => None,
        };
        (kind.map_or_else(|| "*".to_owned(), |kind| format!("{prefix}{kind}")), None)
    };
    let mut need = Need::new(action, resource).with_request_tags(tags::in_call(call));
    // The boundary that is asked for, or else the one that the role has.
    if let Some(boundary) = call.text("PermissionsBoundary").map(str::to_owned).or(boundary) {
        need = need.with("iam:PermissionsBoundary", boundary);
    }
    if let Some(arn) = call.text("PolicyArn").filter(|_| call.text("RoleName").is_some()) {
        need = need.with("iam:PolicyARN", arn);
    }
    need
}

// CodeArtifact

fn codeartifact(world: &World, call: &Call) -> Vec<Need> {
    let action = format!("codeartifact:{}", call.operation);
    let owner = call.text("domainOwner").unwrap_or(&call.account);
    let arn = |resource: String| regional(world, call, owner, &resource);
    let domain = call.text("domain").unwrap_or_default();
    let repository = |name: &str| arn(format!("repository/{domain}/{name}"));
    let tags: Vec<(&str, &str)> = key_values(call.params.get("tags")).collect();
    let main = |resource: String| Need::new(action.clone(), resource).with_request_tags(tags.iter().copied());
    let mut needs = match call.operation.as_str() {
        // No resource type: scoped by tags only.
        "CreateDomain" | "CreateRepository" | "CreatePackageGroup" | "ListDomains" | "ListRepositories" => {
            vec![main("*".to_owned())]
        }
        "GetAuthorizationToken" => vec![
            main(arn(format!("domain/{domain}"))),
            Need::new("sts:GetServiceBearerToken", "*").with("sts:AWSServiceName", "codeartifact.amazonaws.com"),
        ],
        "CopyPackageVersions" => vec![
            main(package(call, &arn, domain, "destinationRepository")),
            Need::new("codeartifact:ReadFromRepository", repository(call.text("sourceRepository").unwrap_or_default())),
        ],
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            vec![main(call.text("resourceArn").unwrap_or("*").to_owned())]
        }
        _ if call.text("package").is_some() => vec![main(package(call, &arn, domain, "repository"))],
        _ if call.text("packageGroup").is_some() => {
            vec![main(arn(format!("package-group/{domain}{}", call.text("packageGroup").unwrap_or_default())))]
        }
        _ => match call.text("repository") {
            Some(name) => vec![main(repository(name))],
            None if domain.is_empty() => vec![main("*".to_owned())],
            None => vec![main(arn(format!("domain/{domain}")))],
        },
    };
    if call.operation.starts_with("Create") && !tags.is_empty() {
        needs.push(Need::new("codeartifact:TagResource", "*").with_request_tags(tags.iter().copied()));
    }
    for upstream in call.items("upstreams") {
        let name = upstream.get("repositoryName").and_then(Value::as_str).unwrap_or_default();
        needs.push(Need::new("codeartifact:AssociateWithDownstreamRepository", repository(name)));
    }
    needs
}

/// Package actions need the package's ARN; without a namespace that part is empty.
fn package(call: &Call, arn: &impl Fn(String) -> String, domain: &str, repository: &str) -> String {
    let part = |name: &str| call.text(name).unwrap_or_default();
    arn(format!("package/{domain}/{}/{}/{}/{}", part(repository), part("format"), part("namespace"), part("package")))
}

// SageMaker

/// What SageMaker does in the customer's network on behalf of whoever calls.
fn in_the_network(world: &mut World, call: &Call) -> &'static [&'static str] {
    const CREATE: [&str; 4] = ["CreateNetworkInterface", "DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs"];
    const START: [&str; 5] = [CREATE[0], CREATE[1], CREATE[2], CREATE[3], "DescribeNetworkInterfaces"];
    let name = call.text("NotebookInstanceName").unwrap_or_default();
    let notebooks = &mut world.account(&call.account).region(&call.region).sagemaker;
    let has_interface = notebooks.notebook_mut(name).is_some_and(|notebook| notebook.interface.is_some());
    match call.operation.as_str() {
        "CreateNotebookInstance" if call.text("SubnetId").is_some() => &CREATE,
        "StartNotebookInstance" if has_interface => &START,
        "DeleteNotebookInstance" if has_interface => &["DeleteNetworkInterface"],
        _ => &[],
    }
}

fn sagemaker(world: &mut World, call: &Call) -> Vec<Need> {
    let action = format!("sagemaker:{}", call.operation);
    let named =
        |kind: &str, name: &str| regional(world, call, &call.account, &format!("{kind}/{}", name.to_lowercase()));
    let resource = if call.operation.starts_with("List") && call.text("ResourceArn").is_none() {
        "*".to_owned()
    } else if let Some(name) = call.text("NotebookInstanceName") {
        named("notebook-instance", name)
    } else if let Some(name) = call.text("NotebookInstanceLifecycleConfigName") {
        named("notebook-instance-lifecycle-config", name)
    } else {
        call.text("ResourceArn").unwrap_or("*").to_owned()
    };
    let tags: Vec<(&str, &str)> = key_values(call.params.get("Tags")).collect();
    let mut main = Need::new(action, resource.clone()).with_request_tags(tags.iter().copied());
    for (parameter, key) in [
        ("DirectInternetAccess", "sagemaker:DirectInternetAccess"),
        ("RootAccess", "sagemaker:RootAccess"),
        ("KmsKeyId", "sagemaker:VolumeKmsKey"),
        ("SubnetId", "sagemaker:VpcSubnets"),
        ("InstanceType", "sagemaker:InstanceTypes"),
    ] {
        if let Some(value) = call.text(parameter) {
            main = main.with(key, value);
        }
    }
    main = call
        .texts("SecurityGroupIds")
        .into_iter()
        .fold(main, |need, id| need.with("sagemaker:VpcSecurityGroupIds", id));
    let mut needs = vec![main];
    if call.operation.starts_with("Create") && !tags.is_empty() {
        needs.push(Need::new("sagemaker:AddTags", resource).with_request_tags(tags.iter().copied()));
    }
    let takes_role = ["CreateNotebookInstance", "UpdateNotebookInstance"].contains(&call.operation.as_str());
    if let Some(role) = call.text("RoleArn").filter(|_| takes_role) {
        needs.push(Need::new("iam:PassRole", role).with("iam:PassedToService", "sagemaker.amazonaws.com"));
    }
    needs.extend(in_the_network(world, call).iter().map(|action| Need::new(format!("ec2:{action}"), "*")));
    needs
}
