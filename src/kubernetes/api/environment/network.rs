//! `spec.network`: the VPC, its subnets, the security groups and the VPC endpoints.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The network of the notebooks and the endpoints in it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// The VPC: managed (`cidrBlock`) or existing (`id`).
    pub vpc: Vpc,
    /// The subnets of the notebooks and the endpoints.
    pub subnets: Vec<Subnet>,
    /// Address ranges that may reach the endpoints on TCP 443, besides the notebooks.
    #[serde(default, rename = "clientCIDRs", skip_serializing_if = "Vec::is_empty")]
    pub client_cidrs: Vec<String>,
    /// Existing security groups whose members may reach the endpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_security_groups: Vec<String>,
    /// Existing security groups to use instead of managed ones.
    #[serde(default, skip_serializing_if = "SecurityGroups::is_empty")]
    pub security_groups: SecurityGroups,
    /// What the managed security group of the endpoints admits from other security groups.
    #[serde(default)]
    pub endpoint_ingress: EndpointIngress,
    /// Endpoints besides the derived ones, settings for derived ones, and existing ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Allows endpoints in a VPC that is not managed here.
    #[serde(default, rename = "acknowledgeVPCWide")]
    pub acknowledge_vpc_wide: bool,
}

/// The VPC: exactly one of the fields.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vpc {
    /// Address range of a managed VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<String>,
    /// Id of an existing VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A subnet: managed (`cidrBlock`, `availabilityZone`) or existing (`id`).
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subnet {
    /// Name within this list.
    pub name: String,
    /// Address range of a managed subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<String>,
    /// Availability zone of a managed subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Id of an existing subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Existing security groups to use instead of managed ones.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroups {
    /// Existing group of the notebooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notebooks: Option<ExistingSecurityGroup>,
    /// Existing group of the endpoints.
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
    /// Id of the group.
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
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// The AWS service.
    pub service: EndpointService,
    /// Id of an existing endpoint in the same VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The endpoint lives elsewhere, for example in a shared services VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<bool>,
    /// The endpoint policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<EndpointPolicy>,
    /// Names of the subnets in which an interface endpoint gets an address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// Whether the service's ordinary host name leads to an interface endpoint.
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
#[serde(rename_all = "camelCase")]
pub struct EndpointPolicy {
    /// A policy made by the controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<EndpointPolicyPreset>,
    /// A policy document in JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// A policy made by the controller.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndpointPolicyPreset {
    /// What the notebooks of this environment need, and nothing else.
    #[default]
    LeastPrivilege,
    /// The policy that AWS gives an endpoint without one: everything is allowed.
    Default,
}
