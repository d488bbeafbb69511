//! The regions that there are, and the partition each is in. AWS has no answer from a region that does not exist: there is no
//! host of that name. What comes nearest is what it says to a signature for a region that it does not know.
//!
//! AWS on this: <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.

use super::wire::{Refusal, Service};

/// The partition of most of AWS.
pub const PARTITION: &str = "aws";

/// Partitions, the end of the host names in them, and their regions.
const PARTITIONS: [(&str, &str, &[&str]); 8] = [
    (PARTITION, "amazonaws.com", &COMMERCIAL),
    ("aws-cn", "amazonaws.com.cn", &["cn-north-1", "cn-northwest-1"]),
    ("aws-us-gov", "amazonaws.com", &["us-gov-east-1", "us-gov-west-1"]),
    ("aws-iso", "c2s.ic.gov", &["us-iso-east-1", "us-iso-west-1"]),
    ("aws-iso-b", "sc2s.sgov.gov", &["us-isob-east-1", "us-isob-west-1"]),
    ("aws-iso-e", "cloud.adc-e.uk", &["eu-isoe-west-1"]),
    ("aws-iso-f", "csp.hci.ic.gov", &["us-isof-east-1", "us-isof-south-1"]),
    ("aws-eusc", "amazonaws.eu", &["eusc-de-east-1"]),
];

const COMMERCIAL: [&str; 34] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

fn around(region: &str) -> Option<&'static (&'static str, &'static str, &'static [&'static str])> {
    PARTITIONS.iter().find(|(_, _, regions)| regions.contains(&region))
}

/// The partition of a region; that of most of AWS for one that does not exist.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    around(region).map_or(PARTITION, |(partition, ..)| partition)
}

/// What the names of AWS's hosts for a region end in.
#[must_use]
pub fn dns_suffix(region: &str) -> &'static str {
    around(region).map_or("amazonaws.com", |(_, suffix, _)| suffix)
}

/// Refuses a region that does not exist.
///
/// # Errors
/// What a service says to a signature for a region that it does not know.
pub fn must_exist(region: &str, service: Service) -> Result<(), Refusal> {
    if around(region).is_some() {
        return Ok(());
    }
    let message = format!("Credential should be scoped to a valid Region, not '{region}'.");
    Err(match service {
        Service::Ec2 => Refusal::new(401, "AuthFailure", message),
        Service::Iam | Service::Sts => Refusal::new(403, "SignatureDoesNotMatch", message),
        Service::CodeArtifact => Refusal::new(403, "InvalidSignatureException", message),
        Service::SageMaker => Refusal::new(400, "InvalidSignatureException", message),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_does_not_exist_is_named_in_the_refusal() {
        assert_eq!(must_exist("eu-west-1", Service::Sts), Ok(()));
        let refusal = must_exist("atlantis-1", Service::Ec2).expect_err("there is none");
        assert_eq!(refusal.code, "AuthFailure");
        assert!(refusal.message.contains("'atlantis-1'"), "{}", refusal.message);
    }

    #[test]
    fn a_region_says_which_partition_it_is_in() {
        assert_eq!((partition("cn-north-1"), dns_suffix("cn-north-1")), ("aws-cn", "amazonaws.com.cn"));
        assert_eq!((partition("us-gov-west-1"), dns_suffix("us-gov-west-1")), ("aws-us-gov", "amazonaws.com"));
    }
}
