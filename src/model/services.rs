//! What a region offers: endpoint services by name, zones, prefix lists.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/create-s3-gateway-endpoint.html>.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use super::port::Problem;

/// An AWS service that notebooks reach through a VPC endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// S3, through a gateway endpoint.
    S3,
    /// The control plane of `CodeArtifact`: tokens, endpoints.
    CodeArtifactApi,
    /// The packages of `CodeArtifact`: what pip talks to.
    CodeArtifactRepositories,
    /// The `SageMaker` API.
    SageMakerApi,
    /// The user interface of notebook instances.
    SageMakerNotebook,
    /// Inference.
    SageMakerRuntime,
    /// The security token service.
    Sts,
    /// `CloudWatch` Logs.
    Logs,
    /// `CloudWatch` metrics.
    Monitoring,
    /// The key management service.
    Kms,
    /// The container registry's API.
    EcrApi,
    /// The container registry's Docker interface.
    EcrDocker,
    /// The EC2 API.
    Ec2,
}

impl Service {
    /// Every service, in the order of reports.
    pub const ALL: [Self; 13] = [
        Self::S3,
        Self::CodeArtifactApi,
        Self::CodeArtifactRepositories,
        Self::SageMakerApi,
        Self::SageMakerNotebook,
        Self::SageMakerRuntime,
        Self::Sts,
        Self::Logs,
        Self::Monitoring,
        Self::Kms,
        Self::EcrApi,
        Self::EcrDocker,
        Self::Ec2,
    ];

    /// The name in manifests and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::S3 => "S3",
            Self::CodeArtifactApi => "CodeArtifactAPI",
            Self::CodeArtifactRepositories => "CodeArtifactRepositories",
            Self::SageMakerApi => "SageMakerAPI",
            Self::SageMakerNotebook => "SageMakerNotebook",
            Self::SageMakerRuntime => "SageMakerRuntime",
            Self::Sts => "STS",
            Self::Logs => "Logs",
            Self::Monitoring => "Monitoring",
            Self::Kms => "KMS",
            Self::EcrApi => "ECRAPI",
            Self::EcrDocker => "ECRDocker",
            Self::Ec2 => "EC2",
        }
    }

    /// The endpoint service's name in a region of the commercial partition. The notebook interface has another prefix
    /// than all others.
    #[must_use]
    pub fn endpoint_service(self, region: &str) -> String {
        let suffix = match self {
            Self::SageMakerNotebook => return format!("aws.sagemaker.{region}.notebook"),
            Self::S3 => "s3",
            Self::CodeArtifactApi => "codeartifact.api",
            Self::CodeArtifactRepositories => "codeartifact.repositories",
            Self::SageMakerApi => "sagemaker.api",
            Self::SageMakerRuntime => "sagemaker.runtime",
            Self::Sts => "sts",
            Self::Logs => "logs",
            Self::Monitoring => "monitoring",
            Self::Kms => "kms",
            Self::EcrApi => "ecr.api",
            Self::EcrDocker => "ecr.dkr",
            Self::Ec2 => "ec2",
        };
        format!("com.amazonaws.{region}.{suffix}")
    }

    /// Whether its endpoint is a gateway in the route tables; all others are network interfaces in the subnets.
    #[must_use]
    pub const fn is_gateway(self) -> bool {
        matches!(self, Self::S3)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Service {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|service| service.name() == text).ok_or(())
    }
}

/// The regions that have `CodeArtifact`, each with the account that owns the S3 bucket of its assets. AWS may add some: a region is added here and
/// nowhere else, as the schema is made from this list.
const CODE_ARTIFACT: [(&str, &str); 13] = [
    ("ap-northeast-1", "660291247815"),
    ("ap-south-1", "681137435769"),
    ("ap-southeast-1", "421485864821"),
    ("ap-southeast-2", "860415559748"),
    ("eu-central-1", "769407342218"),
    ("eu-north-1", "611884512288"),
    ("eu-south-1", "484130244270"),
    ("eu-west-1", "438097961670"),
    ("eu-west-2", "247805302724"),
    ("eu-west-3", "762466490029"),
    ("us-east-1", "193858265520"),
    ("us-east-2", "250872398865"),
    ("us-west-2", "787052242323"),
];

/// The regions that have `CodeArtifact`.
#[must_use]
pub fn code_artifact_regions() -> [&'static str; 13] {
    CODE_ARTIFACT.map(|(region, _)| region)
}

/// The ARN pattern of the objects in the region's `CodeArtifact` asset bucket.
#[must_use]
pub fn code_artifact_assets(region: &str) -> Option<String> {
    let (_, account) = CODE_ARTIFACT.iter().find(|(name, _)| *name == region)?;
    Some(format!("arn:aws:s3:::assets-{account}-{region}/*"))
}

/// What an endpoint service supports, as `DescribeVpcEndpointServices` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointServiceFacts {
    /// The zones in which it can have a network interface.
    pub zones: BTreeSet<String>,
    /// Whether an endpoint policy has an effect.
    pub policy_supported: bool,
}

/// What a region offers. Changes so seldom that it is read once a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegionFacts {
    /// Its availability zones, by name.
    pub zones: Vec<String>,
    /// Its endpoint services, by service name.
    pub endpoint_services: BTreeMap<String, EndpointServiceFacts>,
    /// The endpoint services that were asked for and that the region does not have, by service name.
    pub not_offered: BTreeSet<String>,
    /// Ids of AWS's own prefix lists, by name (`com.amazonaws.<region>.s3`).
    pub prefix_lists: BTreeMap<String, String>,
    /// The addresses behind them, by id.
    pub prefix_list_blocks: BTreeMap<String, Vec<String>>,
    /// Why the prefix list of S3 is not among them although it was asked for.
    pub s3_unseen: Option<Problem>,
}

impl RegionFacts {
    /// The first zone (by name) in which all these services can have a network interface; of services that the region does not list,
    /// nothing is known and nothing is demanded.
    #[must_use]
    pub fn common_zone(&self, services: &[String]) -> Option<&str> {
        let supported = |zone: &&String| {
            let listed = services.iter().filter_map(|service| self.endpoint_services.get(service));
            listed.into_iter().all(|facts| facts.zones.is_empty() || facts.zones.contains(*zone))
        };
        self.zones.iter().find(supported).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_derivable_from_one_rule() {
        assert_eq!(Service::SageMakerNotebook.endpoint_service("eu-west-1"), "aws.sagemaker.eu-west-1.notebook");
        assert_eq!(Service::CodeArtifactApi.endpoint_service("eu-west-1"), "com.amazonaws.eu-west-1.codeartifact.api");
    }

    #[test]
    fn a_zone_must_suit_every_service() {
        let only =
            |zone: &str| EndpointServiceFacts { zones: BTreeSet::from([zone.to_owned()]), policy_supported: true };
        let facts = RegionFacts {
            zones: vec!["a".into(), "b".into()],
            endpoint_services: BTreeMap::from([("x".into(), only("b"))]),
            ..RegionFacts::default()
        };
        assert_eq!(facts.common_zone(&["x".into(), "unlisted".into()]), Some("b"));
    }
}
