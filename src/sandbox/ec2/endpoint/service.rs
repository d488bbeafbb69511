//! What endpoints can connect to: AWS's own services, by the names that follow no rule.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>.

use serde_json::{Value, json};

use super::super::filter::{Page, filters, paged};
use super::super::{Ec2, bad_request, fingerprint, zone};
use crate::sandbox::region;
use crate::sandbox::wire::{Refusal, Reply};

/// The two types of endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Routes in route tables.
    Gateway,
    /// Network interfaces in subnets.
    Interface,
}

impl Type {
    /// As on the wire.
    #[must_use]
    pub fn wire(self) -> &'static str {
        match self {
            Self::Gateway => "Gateway",
            Self::Interface => "Interface",
        }
    }
}

/// A service as one type of endpoint sees it.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its full name.
    pub name: String,
    /// The name without prefix and region, as settings use it.
    pub short: &'static str,
    /// The type of its endpoints.
    pub kind: Type,
    /// The names that an endpoint with private DNS takes over.
    pub private_names: Vec<String>,
    label: &'static str,
}

impl Service {
    fn new(line: &Line, region: &str) -> Self {
        Self {
            name: format!("{}.{region}.{}", line.prefix(region), line.short),
            short: line.short,
            kind: line.kind,
            private_names: line.private_names.iter().map(|name| localised(name, region)).collect(),
            label: line.label,
        }
    }

    /// What the names of its endpoints end in.
    #[must_use]
    pub fn base_name(&self, region: &str) -> String {
        format!("{}.{region}.vpce.{}", self.label, region::dns_suffix(region))
    }

    /// The zones in which it can be connected to.
    #[must_use]
    pub fn zones(&self, ec2: &Ec2<'_>) -> Vec<String> {
        let letters = ec2.settings.service_zones.get(self.short);
        let offered =
            |zone: &String| letters.is_none_or(|letters| letters.iter().any(|letter| zone.ends_with(*letter)));
        zone::names(&ec2.call.region).filter(offered).collect()
    }

    /// Whether its endpoints take a policy.
    #[must_use]
    pub fn takes_policy(&self, ec2: &Ec2<'_>) -> bool {
        // This one never does.
        self.short != "sagemaker.runtime-fips"
            && !ec2.settings.services_without_policy.iter().any(|short| short == self.short)
    }

    /// Refuses a service that this simulated AWS was told not to have.
    pub(super) fn must_be_offered(&self, ec2: &Ec2<'_>) -> Result<(), Refusal> {
        let missing = ec2.settings.services_not_offered.iter().any(|short| short == self.short);
        if missing { Err(unknown(&self.name)) } else { Ok(()) }
    }

    /// Whether its owner has to accept endpoints.
    #[must_use]
    pub fn asks_owner(&self, ec2: &Ec2<'_>) -> bool {
        ec2.settings.services_with_acceptance.iter().any(|short| short == self.short)
    }
}

/// A line of the catalogue; `{r}` stands for the region.
struct Line {
    prefix: &'static str,
    short: &'static str,
    kind: Type,
    label: &'static str,
    private_names: &'static [&'static str],
}

const fn interface(short: &'static str, label: &'static str, private_names: &'static [&'static str]) -> Line {
    Line { prefix: "com.amazonaws", short, kind: Type::Interface, label, private_names }
}

const fn sagemaker(short: &'static str, private_names: &'static [&'static str]) -> Line {
    Line { prefix: "aws.sagemaker", short, kind: Type::Interface, label: short, private_names }
}

const fn gateway(short: &'static str) -> Line {
    Line { prefix: "com.amazonaws", short, kind: Type::Gateway, label: short, private_names: &[] }
}

/// Services whose names begin with something of their own in China.
const CHINESE: [&str; 16] = [
    "athena",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "elasticfilesystem",
    "lambda",
    "monitoring",
    "sagemaker.api",
    "sagemaker.runtime",
    "sagemaker.featurestore-runtime",
    "servicecatalog",
    "sts",
    "sqs",
    "states",
    "xray",
    "cloudformation",
];

impl Line {
    /// What the name begins with. No rule of AWS's tells: partition, service and even region decide.
    fn prefix(&self, region: &str) -> &'static str {
        let ecr = self.short.starts_with("ecr.");
        let sagemaker = ["sagemaker.api", "sagemaker.runtime"].contains(&self.short);
        let basic = ecr || self.short == "ec2";
        let chinese = CHINESE.contains(&self.short) || self.short == "s3" && self.kind == Type::Interface;
        match region::partition(region) {
            "aws-cn" if chinese => "cn.com.amazonaws",
            "aws-iso" if basic || ["athena", "sqs"].contains(&self.short) => "gov.ic.c2s",
            "aws-iso" if sagemaker && region == "us-iso-east-1" => "gov.ic.c2s",
            "aws-iso-b" if basic || sagemaker => "gov.sgov.sc2s",
            "aws-iso-f" if ecr => "gov.ic.hci.csp",
            "aws-iso-e" if ecr => "uk.adc-e.cloud",
            "aws-eusc" if ecr => "eu.amazonaws",
            _ => self.prefix,
        }
    }
}

/// A name of the catalogue as it is in a region.
fn localised(name: &str, region: &str) -> String {
    name.replace("{r}", region).replace("amazonaws.com", region::dns_suffix(region))
}

const CATALOGUE: &[Line] = &[
    gateway("s3"),
    gateway("dynamodb"),
    interface("s3", "s3", &["s3.{r}.amazonaws.com", "*.s3.{r}.amazonaws.com"]),
    interface("codeartifact.api", "api.codeartifact", &["codeartifact.{r}.amazonaws.com"]),
    interface("codeartifact.repositories", "d.codeartifact", &["*.d.codeartifact.{r}.amazonaws.com"]),
    sagemaker("notebook", &["*.notebook.{r}.sagemaker.aws", "notebook.{r}.sagemaker.aws"]),
    sagemaker("studio", &["*.studio.{r}.sagemaker.aws", "studio.{r}.sagemaker.aws"]),
    sagemaker("experiments", &["*.experiments.{r}.sagemaker.aws"]),
    sagemaker("partner-app", &["*.partner-app.{r}.sagemaker.aws"]),
    interface("sagemaker.api", "api.sagemaker", &["api.sagemaker.{r}.amazonaws.com"]),
    interface("sagemaker.api-fips", "api-fips.sagemaker", &["api-fips.sagemaker.{r}.amazonaws.com"]),
    interface("sagemaker.runtime", "runtime.sagemaker", &["runtime.sagemaker.{r}.amazonaws.com"]),
    interface("sagemaker.runtime-fips", "runtime-fips.sagemaker", &["runtime-fips.sagemaker.{r}.amazonaws.com"]),
    interface(
        "sagemaker.featurestore-runtime",
        "featurestore-runtime.sagemaker",
        &["featurestore-runtime.sagemaker.{r}.amazonaws.com"],
    ),
    interface("sagemaker.metrics", "metrics.sagemaker", &["metrics.sagemaker.{r}.amazonaws.com"]),
    interface("sts", "sts", &["sts.{r}.amazonaws.com"]),
    interface("sts-fips", "sts-fips", &["sts-fips.{r}.amazonaws.com"]),
    interface("logs", "logs", &["logs.{r}.amazonaws.com"]),
    interface("monitoring", "monitoring", &["monitoring.{r}.amazonaws.com"]),
    interface("ecr.api", "api.ecr", &["api.ecr.{r}.amazonaws.com"]),
    interface("ecr.dkr", "dkr.ecr", &["*.dkr.ecr.{r}.amazonaws.com"]),
    interface("kms", "kms", &["kms.{r}.amazonaws.com"]),
    interface("ec2", "ec2", &["ec2.{r}.amazonaws.com"]),
    interface("servicecatalog", "servicecatalog", &["servicecatalog.{r}.amazonaws.com"]),
    interface("athena", "athena", &["athena.{r}.amazonaws.com"]),
    interface("glue", "glue", &["glue.{r}.amazonaws.com"]),
    interface("ssm", "ssm", &["ssm.{r}.amazonaws.com"]),
    interface("ssm-contacts", "ssm-contacts", &["ssm-contacts.{r}.amazonaws.com"]),
    interface("ssm-incidents", "ssm-incidents", &["ssm-incidents.{r}.amazonaws.com"]),
    interface("ssmmessages", "ssmmessages", &["ssmmessages.{r}.amazonaws.com"]),
    interface("ec2messages", "ec2messages", &["ec2messages.{r}.amazonaws.com"]),
    interface("secretsmanager", "secretsmanager", &["secretsmanager.{r}.amazonaws.com"]),
    interface("elasticfilesystem", "elasticfilesystem", &["elasticfilesystem.{r}.amazonaws.com"]),
    interface("lambda", "lambda", &["lambda.{r}.amazonaws.com"]),
    interface("sqs", "sqs", &["sqs.{r}.amazonaws.com"]),
    interface("states", "states", &["states.{r}.amazonaws.com"]),
    interface("xray", "xray", &["xray.{r}.amazonaws.com"]),
    interface("cloudformation", "cloudformation", &["cloudformation.{r}.amazonaws.com"]),
];

/// CodeArtifact is not everywhere.
const CODEARTIFACT_REGIONS: [&str; 13] = [
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-central-1",
    "eu-north-1",
    "eu-south-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "us-east-1",
    "us-east-2",
    "us-west-2",
];

/// Where there are endpoints with validated cryptography.
const FIPS_REGIONS: [&str; 6] = ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-east-1", "us-gov-west-1"];

fn lines(region: &str) -> impl Iterator<Item = &'static Line> {
    let here = move |line: &&Line| match line.short {
        short if short.starts_with("codeartifact.") => CODEARTIFACT_REGIONS.contains(&region),
        short if short.ends_with("-fips") => FIPS_REGIONS.contains(&region),
        _ => true,
    };
    CATALOGUE.iter().filter(here)
}

fn offered(region: &str) -> impl Iterator<Item = Service> {
    lines(region).map(move |line| Service::new(line, region))
}

/// The service with this name and type, without an explanation if there is none.
#[must_use]
pub fn find(region: &str, name: &str, kind: Type) -> Option<Service> {
    let after_region = |line: &Line| {
        let rest = name.strip_prefix(line.prefix(region))?.strip_prefix('.')?;
        rest.strip_prefix(region)?.strip_prefix('.').map(|short| short == line.short)
    };
    let line = lines(region).find(|line| line.kind == kind && after_region(line) == Some(true))?;
    Some(Service::new(line, region))
}

/// The service with this name and type.
///
/// # Errors
/// There is no such service, or it has no endpoints of that type.
pub fn named(region: &str, name: &str, kind: Type) -> Result<Service, Refusal> {
    if let Some(service) = find(region, name, kind) {
        return Ok(service);
    }
    let others: Vec<&str> =
        offered(region).filter(|service| service.name == name).map(|service| service.kind.wire()).collect();
    if others.is_empty() {
        return Err(unknown(name));
    }
    let message =
        format!("Endpoint type ({}) does not match available service types ([{}]).", kind.wire(), others.join(", "));
    Err(bad_request("InvalidParameter", message))
}

fn unknown(name: &str) -> Refusal {
    bad_request("InvalidServiceName", format!("The Vpc Endpoint Service '{name}' does not exist"))
}

/// Whether this is S3, whose private DNS has rules of its own.
#[must_use]
pub fn is_s3(name: &str) -> bool {
    name.contains("com.amazonaws.") && name.rsplit('.').next() == Some("s3")
}

fn wire(ec2: &Ec2<'_>, service: &Service) -> Value {
    let region = &ec2.call.region;
    let zones = service.zones(ec2);
    let ids: Vec<String> = zones.iter().map(|zone| zone::id_of(zone)).collect();
    let names: Vec<Value> = service.private_names.iter().map(|name| json!({"privateDnsName": name})).collect();
    let interface = service.kind == Type::Interface;
    json!({
        "serviceName": service.name,
        "serviceId": service_id(service),
        "serviceType": [{"serviceType": service.kind.wire()}],
        "serviceRegion": region,
        "availabilityZoneIdSet": ids,
        "availabilityZoneSet": zones,
        "owner": "amazon",
        "baseEndpointDnsNameSet": if interface { vec![service.base_name(region)] } else {
            vec![format!("{}.{region}.{}", service.short, region::dns_suffix(region))]
        },
        "privateDnsName": service.private_names.first(),
        "privateDnsNameSet": names,
        "privateDnsNameVerificationState": interface.then_some("verified"),
        "vpcEndpointPolicySupported": service.takes_policy(ec2),
        "acceptanceRequired": service.asks_owner(ec2),
        "managesVpcEndpoints": false,
        "supportedIpAddressTypeSet": ["ipv4"],
        "tagSet": [],
    })
}

fn service_id(service: &Service) -> String {
    format!("vpce-svc-0{}", fingerprint(&format!("{}/{}", service.name, service.kind.wire()), 8))
}

const FILTERS: &[(&str, &str)] = &[
    ("owner", "owner"),
    ("service-name", "serviceName"),
    ("service-region", "serviceRegion"),
    ("service-type", "serviceType.serviceType"),
    ("supported-ip-address-types", "supportedIpAddressTypeSet"),
];

/// `DescribeVpcEndpointServices`.
pub(super) fn describe(ec2: &mut Ec2<'_>) -> Reply {
    let wanted = ec2.call.texts("ServiceName");
    let missing = &ec2.settings.services_not_offered;
    let mut services: Vec<Service> =
        offered(&ec2.call.region).filter(|service| !missing.iter().any(|short| short == service.short)).collect();
    if let Some(missing) = wanted.iter().find(|name| !services.iter().any(|service| service.name == **name)) {
        return Err(unknown(missing));
    }
    let filters = filters(ec2.call, FILTERS, true)?;
    services.retain(|service| wanted.is_empty() || wanted.contains(&service.name));
    services.sort_by_key(|service| (service.name.clone(), service.kind.wire()));
    let rows: Vec<(String, Value)> = services
        .iter()
        .map(|service| (format!("{} {}", service.name, service.kind.wire()), wire(ec2, service)))
        .filter(|(_, row)| filters.iter().all(|filter| filter.admits(row)))
        .collect();
    let (rows, next) = paged(ec2.call, Page::LENIENT, rows)?;
    let mut names: Vec<&Value> = rows.iter().filter_map(|row| row.get("serviceName")).collect();
    names.dedup();
    Ok(json!({"serviceNameSet": names, "serviceDetailSet": rows, "nextToken": next}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_services_follow_the_partition_and_not_a_rule() {
        let exists = |region: &str, name: &str, kind| find(region, name, kind).is_some();
        assert!(exists("cn-north-1", "cn.com.amazonaws.cn-north-1.ecr.api", Type::Interface));
        assert!(exists("cn-north-1", "com.amazonaws.cn-north-1.logs", Type::Interface));
        assert!(exists("cn-north-1", "cn.com.amazonaws.cn-north-1.s3", Type::Interface));
        assert!(exists("cn-north-1", "com.amazonaws.cn-north-1.s3", Type::Gateway));
        assert!(!exists("cn-north-1", "com.amazonaws.cn-north-1.ecr.api", Type::Interface));
        assert!(exists("us-isob-east-1", "gov.sgov.sc2s.us-isob-east-1.ec2", Type::Interface));
        assert!(exists("us-gov-west-1", "com.amazonaws.us-gov-west-1.ecr.api", Type::Interface));
        let chinese = find("cn-north-1", "cn.com.amazonaws.cn-north-1.sts", Type::Interface).expect("it is there");
        assert_eq!(chinese.private_names, ["sts.cn-north-1.amazonaws.com.cn"]);
    }
}
