//! `spec.network`: the VPC, its subnets, the security groups and the VPC endpoints.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kubernetes::api::rule::{ENDPOINT_ID, LABEL, SECURITY_GROUP_ID, SUBNET_ID, VPC_ID, rule, unchanged, words};

/// What every address range must be; `/16` to `/28` is asked for where AWS asks for it.
const IPV4_NETWORK: &str = "isCIDR(self) && cidr(self).ip().family() == 4 && string(cidr(self).masked()) == self";

/// The network of the notebooks and the endpoints in it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = rule(
    "subnets",
    "has(self.vpc.id) || self.subnets.all(s, !has(s.id))",
    "a managed VPC has no existing subnets: give `cidrBlock` instead of `id`, or an existing VPC by `vpc.id`"
))]
#[x_kube(validation = rule(
    "subnets",
    "!has(self.vpc.cidrBlock) || !isCIDR(self.vpc.cidrBlock) || self.subnets.all(s, \
     !has(s.cidrBlock) || !isCIDR(s.cidrBlock) || cidr(self.vpc.cidrBlock).containsCIDR(s.cidrBlock))",
    "`cidrBlock` of every subnet must lie within `vpc.cidrBlock`"
))]
#[x_kube(validation = rule(
    "subnets",
    "self.subnets.all(a, !has(a.cidrBlock) || !isCIDR(a.cidrBlock) || self.subnets.all(b, a.name == b.name || \
     !has(b.cidrBlock) || !isCIDR(b.cidrBlock) || !cidr(a.cidrBlock).containsCIDR(b.cidrBlock)))",
    "`cidrBlock` of one subnet must not overlap that of another"
))]
#[x_kube(validation = rule(
    "subnets",
    "self.subnets.all(a, !has(a.id) || self.subnets.exists_one(b, has(b.id) && b.id == a.id))",
    "`id` of an existing subnet must not appear twice"
))]
#[x_kube(validation = rule(
    "endpoints",
    "!has(self.endpoints) || self.endpoints.all(e, !has(e.subnets) || \
     e.subnets.all(n, self.subnets.exists(s, s.name == n)))",
    "`subnets` of an endpoint must be `name`s of entries of `network.subnets`"
))]
#[x_kube(validation = rule(
    "endpoints",
    "!has(self.endpoints) || self.endpoints.all(e, !has(e.subnets) || self.subnets.all(a, !(a.name in e.subnets) || \
     self.subnets.all(b, a.name == b.name || !(b.name in e.subnets) || !has(a.availabilityZone) || \
     !has(b.availabilityZone) || a.availabilityZone != b.availabilityZone)))",
    "`subnets` of an endpoint must name at most one subnet of each availability zone, as AWS gives an endpoint one address \
     a zone"
))]
#[x_kube(validation = rule(
    "endpointIngress",
    "self.endpointIngress == 'HTTPS' || !has(self.securityGroups) || !has(self.securityGroups.endpoints)",
    "`endpointIngress` must be HTTPS with an existing `securityGroups.endpoints`, whose rules are not ours to change"
))]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// The VPC: managed (`cidrBlock`) or existing (`id`). A managed VPC has no internet gateway and no NAT. Required.
    /// Can be changed from managed to existing only, which releases the managed VPC. Example: `{cidrBlock: 10.0.0.0/16}`.
    pub vpc: Vpc,

    /// The subnets of the notebooks and endpoints, by name; 1 to 16. Two in one availability zone are legal: an endpoint
    /// takes the first of each zone. Required. Entries can be added and removed; their fields cannot be changed.
    /// Example: `[{name: a, cidrBlock: 10.0.1.0/24, availabilityZone: ap-northeast-1a}]`.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub subnets: Vec<Subnet>,

    /// IPv4 address ranges that may reach the endpoints on TCP 443, besides the notebooks; up to 32. Default: none in a
    /// managed VPC, the ranges of the VPC in an existing one. Can be changed. Example: `[192.168.0.0/16]`.
    #[serde(default, rename = "clientCIDRs", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 9, max = 18)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[x_kube(validation = rule(
        "",
        "self.all(c, isCIDR(c) && cidr(c).ip().family() == 4 && string(cidr(c).masked()) == c)",
        "`clientCIDRs` must be IPv4 CIDR blocks without host bits, such as 192.168.0.0/16"
    ))]
    pub client_cidrs: Vec<String>,

    /// Existing security groups whose members may reach the endpoints, besides the notebooks; up to 16. Default: none.
    /// Can be changed. Example: `[sg-0123456789abcdef0]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 20), regex(pattern = SECURITY_GROUP_ID)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub client_security_groups: Vec<String>,

    /// Existing security groups to use instead of managed ones. They are checked and never changed. Default: both are
    /// managed; that of the notebooks has no inbound rule. Can be changed, which may replace notebooks.
    /// Example: `{notebooks: {id: sg-0123456789abcdef0}}`.
    #[serde(default, skip_serializing_if = "SecurityGroups::is_empty")]
    pub security_groups: SecurityGroups,

    /// What the managed security group of the endpoints admits from the groups of the notebooks and from
    /// `clientSecurityGroups`. `HTTPS` is TCP 443, all that an endpoint answers; `AllTraffic` is every protocol and port.
    /// `clientCIDRs` are admitted on TCP 443 in either case. Default: `HTTPS`. Can be changed. Example: `AllTraffic`.
    #[serde(default)]
    pub endpoint_ingress: EndpointIngress,

    /// VPC endpoints, by service; up to 12. The services needed are derived from the rest of the spec: an entry adds a
    /// service, tunes a derived one, or points at an existing endpoint. Default: the derived ones, each with a least
    /// privilege policy. Can be changed. Example: `[{service: STS, id: vpce-0123456789abcdef0}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 12))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["service".into()]))]
    pub endpoints: Vec<Endpoint>,

    /// Must be true before an endpoint is created or deleted in an existing VPC: private DNS and gateway routes change
    /// what everybody in that VPC reaches. Without it the endpoints are named in `status.nextSteps`. Default: `false`.
    /// Can be changed. Example: `true`.
    #[serde(default, rename = "acknowledgeVPCWide")]
    pub acknowledge_vpc_wide: bool,
}

/// The VPC: exactly one of the fields.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = rule(
    "",
    "has(self.cidrBlock) != has(self.id)",
    "`vpc` must have exactly one of `cidrBlock` (managed) and `id` (existing)"
))]
#[x_kube(validation = unchanged(
    "cidrBlock",
    "!has(self.cidrBlock) || (has(oldSelf.cidrBlock) && self.cidrBlock == oldSelf.cidrBlock)",
    "`vpc.cidrBlock` cannot be changed, and an existing VPC cannot become a managed one; create another environment"
))]
#[x_kube(validation = unchanged(
    "id",
    "!has(self.id) || !has(oldSelf.id) || self.id == oldSelf.id",
    "`vpc.id` cannot be changed; create another environment in the other VPC"
))]
#[serde(rename_all = "camelCase")]
pub struct Vpc {
    /// IPv4 address range of a managed VPC, from /16 to /28, without host bits. Required unless `id` is given. Cannot be
    /// changed. Example: `10.0.0.0/16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 9, max = 18))]
    #[x_kube(validation = rule(
        "",
        &format!("{IPV4_NETWORK} && cidr(self).prefixLength() >= 16 && cidr(self).prefixLength() <= 28"),
        "`vpc.cidrBlock` must be an IPv4 CIDR block from /16 to /28 without host bits, such as 10.0.0.0/16"
    ))]
    pub cidr_block: Option<String>,
    /// Id of an existing VPC. It is checked and never changed. Required unless `cidrBlock` is given. Cannot be changed.
    /// Example: `vpc-0123456789abcdef0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 21), regex(pattern = VPC_ID))]
    pub id: Option<String>,
}

/// A subnet: managed (`cidrBlock`, `availabilityZone`) or existing (`id`).
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = rule(
    "",
    "has(self.cidrBlock) != has(self.id)",
    "a subnet must have exactly one of `cidrBlock` (managed) and `id` (existing)"
))]
#[x_kube(validation = rule(
    "availabilityZone",
    "!has(self.id) || !has(self.availabilityZone)",
    "`availabilityZone` must not be set with `id`: an existing subnet has its zone already"
))]
#[x_kube(validation = unchanged(
    "cidrBlock",
    "!has(self.cidrBlock) || (has(oldSelf.cidrBlock) && self.cidrBlock == oldSelf.cidrBlock)",
    "`cidrBlock` of a subnet cannot be changed, and an existing subnet cannot become a managed one; add a subnet with \
     another `name`, then remove this one"
))]
#[x_kube(validation = unchanged(
    "availabilityZone",
    "!has(self.cidrBlock) || !has(oldSelf.cidrBlock) || (has(self.availabilityZone) == has(oldSelf.availabilityZone) && \
     (!has(self.availabilityZone) || self.availabilityZone == oldSelf.availabilityZone))",
    "`availabilityZone` of a subnet cannot be set, changed or removed later; add a subnet with another `name`, then remove \
     this one"
))]
#[x_kube(validation = unchanged(
    "id",
    "!has(self.id) || !has(oldSelf.id) || self.id == oldSelf.id",
    "`id` of a subnet cannot be changed; add a subnet with another `name`, then remove this one"
))]
#[serde(rename_all = "camelCase")]
pub struct Subnet {
    /// Name within this list, to which notebooks and endpoints refer: a DNS label. Required. Cannot be changed; an entry
    /// with another name is another subnet. Example: `a`.
    #[schemars(length(min = 1, max = 32), regex(pattern = LABEL))]
    pub name: String,
    /// IPv4 address range of a managed subnet within the VPC, from /16 to /28, without host bits. Required unless `id` is
    /// given. Cannot be changed. Example: `10.0.1.0/24`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 9, max = 18))]
    #[x_kube(validation = rule(
        "",
        &format!("{IPV4_NETWORK} && cidr(self).prefixLength() >= 16 && cidr(self).prefixLength() <= 28"),
        "`cidrBlock` of a subnet must be an IPv4 CIDR block from /16 to /28 without host bits, such as 10.0.1.0/24"
    ))]
    pub cidr_block: Option<String>,
    /// Availability zone of a managed subnet. Default: a zone that all endpoint services support. Cannot be changed.
    /// Example: `ap-northeast-1a`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), regex(pattern = r"^[a-z]{2}(-[a-z]+)+-[0-9](-[a-z]+-[0-9])?[a-z]$"))]
    pub availability_zone: Option<String>,
    /// Id of an existing subnet of the existing VPC. It is checked and never changed. Required unless `cidrBlock` is
    /// given. Cannot be changed. Example: `subnet-0123456789abcdef0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 24), regex(pattern = SUBNET_ID))]
    pub id: Option<String>,
}

/// Existing security groups to use instead of managed ones.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroups {
    /// Existing group of the notebooks. Default: a managed one without inbound rules. Can be changed, which may replace
    /// notebooks. Example: `{id: sg-0123456789abcdef0}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notebooks: Option<ExistingSecurityGroup>,
    /// Existing group of the endpoints. Default: a managed one that admits the notebooks, `clientCIDRs` and
    /// `clientSecurityGroups`. Can be changed. Example: `{id: sg-0123456789abcdef0}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<ExistingSecurityGroup>,
}

impl SecurityGroups {
    /// Whether both groups are managed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notebooks.is_none() && self.endpoints.is_none()
    }
}

/// A security group that exists already.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExistingSecurityGroup {
    /// Id of the group. Required. Can be changed. Example: `sg-0123456789abcdef0`.
    #[schemars(length(max = 20), regex(pattern = SECURITY_GROUP_ID))]
    pub id: String,
}

/// What the managed security group of the endpoints admits from security groups.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndpointIngress {
    /// TCP 443.
    #[default]
    #[serde(rename = "HTTPS")]
    Https,
    /// Every protocol and port.
    AllTraffic,
}

/// One VPC endpoint.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = rule(
    "external",
    "!has(self.id) || !(has(self.external) && self.external)",
    "an endpoint must not have both `id` (existing in this VPC) and `external: true` (elsewhere)"
))]
#[x_kube(validation = rule(
    "",
    "!(has(self.id) || (has(self.external) && self.external)) || \
     !(has(self.policy) || has(self.subnets) || has(self.privateDNS))",
    "an existing or external endpoint is never changed: `policy`, `subnets` and `privateDNS` must not be set on it"
))]
#[x_kube(validation = rule(
    "",
    "self.service != 'S3' || !(has(self.subnets) || has(self.privateDNS))",
    "the S3 endpoint is a gateway in the route tables: `subnets` and `privateDNS` must not be set on it"
))]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// The AWS service. `S3` is a gateway endpoint, all others are interface endpoints. Required. Cannot be changed; an
    /// entry with another service is another endpoint. Example: `CodeArtifactAPI`.
    pub service: EndpointService,
    /// Id of an existing endpoint in the same VPC. It is checked and never changed. Default: a managed endpoint. Can be
    /// changed. Example: `vpce-0123456789abcdef0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 22), regex(pattern = ENDPOINT_ID))]
    pub id: Option<String>,
    /// Whether the endpoint lives elsewhere, for example in a VPC of shared services, so that none is made here.
    /// Default: `false`. Can be changed. Example: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<bool>,
    /// The endpoint policy. Default: `{preset: LeastPrivilege}`. Can be changed. Example: `{preset: Default}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<EndpointPolicy>,
    /// Names of the subnets in which an interface endpoint gets an address, at most one in each availability zone; up to
    /// 8. Default: the first subnet of each zone. Can be changed. Example: `[a]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 32), regex(pattern = LABEL)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub subnets: Vec<String>,
    /// Whether the service's ordinary host name leads to an interface endpoint. Default: `true`. Can be changed.
    /// Example: `false`.
    #[serde(default, rename = "privateDNS", skip_serializing_if = "Option::is_none")]
    pub private_dns: Option<bool>,
}

/// The AWS service behind a VPC endpoint.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EndpointService {
    /// Amazon S3 (gateway endpoint).
    S3,
    /// CodeArtifact's API: tokens and repository endpoints.
    #[serde(rename = "CodeArtifactAPI")]
    CodeArtifactApi,
    /// CodeArtifact's package traffic.
    CodeArtifactRepositories,
    /// The SageMaker API.
    #[serde(rename = "SageMakerAPI")]
    SageMakerApi,
    /// The user interface of notebook instances.
    SageMakerNotebook,
    /// SageMaker inference.
    SageMakerRuntime,
    /// The Security Token Service.
    #[serde(rename = "STS")]
    Sts,
    /// CloudWatch Logs.
    Logs,
    /// CloudWatch metrics.
    Monitoring,
    /// The Key Management Service.
    #[serde(rename = "KMS")]
    Kms,
    /// The API of the Elastic Container Registry.
    #[serde(rename = "ECRAPI")]
    EcrApi,
    /// Image traffic of the Elastic Container Registry.
    #[serde(rename = "ECRDocker")]
    EcrDocker,
}

/// The policy of an endpoint: exactly one of the fields.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[x_kube(validation = rule(
    "",
    "has(self.preset) != has(self.document)",
    "`policy` of an endpoint must have exactly one of `preset` and `document`"
))]
#[serde(rename_all = "camelCase")]
pub struct EndpointPolicy {
    /// A policy made by the controller. `LeastPrivilege` allows what the notebooks of this environment need; `Default` is
    /// what AWS gives an endpoint without a policy, and allows everything. Default: none, as `document` is given instead.
    /// Can be changed. Example: `LeastPrivilege`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<EndpointPolicyPreset>,
    /// A policy document in JSON, up to 20480 characters. Differences are told by meaning, not by spelling. Default: none,
    /// as `preset` is given instead. Can be changed.
    /// Example: `{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "codeartifact:*", "Resource": "*"}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 20480))]
    #[x_kube(validation = rule(
        "",
        r"self.matches('^\\s*[{]') && self.matches('[}]\\s*$')",
        "`document` must be a policy in JSON: an object in braces with the list `Statement`"
    ))]
    pub document: Option<String>,
}

/// A policy made by the controller.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[schemars(transform = words)]
pub enum EndpointPolicyPreset {
    /// What the notebooks of this environment need, and nothing else.
    #[default]
    LeastPrivilege,
    /// The policy that AWS gives an endpoint without one: everything is allowed.
    Default,
}
