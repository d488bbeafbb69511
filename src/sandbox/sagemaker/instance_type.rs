//! The instance types that notebooks can have, by family, as the service's model lists them.
//! Kept apart because it is a table: a new type of AWS's is one word here.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html>.

/// Families and the sizes each comes in.
const FAMILIES: [(&str, &str); 33] = [
    ("t2", "medium large xlarge 2xlarge"),
    ("t3", "medium large xlarge 2xlarge"),
    ("m4", "xlarge 2xlarge 4xlarge 10xlarge 16xlarge"),
    ("m5", "xlarge 2xlarge 4xlarge 12xlarge 24xlarge"),
    ("m5d", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"),
    ("c4", "xlarge 2xlarge 4xlarge 8xlarge"),
    ("c5", "xlarge 2xlarge 4xlarge 9xlarge 18xlarge"),
    ("c5d", "xlarge 2xlarge 4xlarge 9xlarge 18xlarge"),
    ("p2", "xlarge 8xlarge 16xlarge"),
    ("p3", "2xlarge 8xlarge 16xlarge"),
    ("p3dn", "24xlarge"),
    ("g4dn", "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"),
    ("r5", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge"),
    ("g5", "xlarge 2xlarge 4xlarge 8xlarge 16xlarge 12xlarge 24xlarge 48xlarge"),
    ("inf1", "xlarge 2xlarge 6xlarge 24xlarge"),
    ("trn1", "2xlarge 32xlarge"),
    ("trn1n", "32xlarge"),
    ("inf2", "xlarge 8xlarge 24xlarge 48xlarge"),
    ("p4d", "24xlarge"),
    ("p4de", "24xlarge"),
    ("p5", "48xlarge 4xlarge"),
    ("p6-b200", "48xlarge"),
    ("m6i", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"),
    ("m7i", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
    ("c6i", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"),
    ("c7i", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
    ("r6i", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"),
    ("r7i", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
    ("m6id", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"),
    ("c6id", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"),
    ("r6id", "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"),
    ("g6", "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
    ("p5en", "48xlarge"),
];

/// Families whose hardware the only platform left, Amazon Linux 2023, does not drive.
const NOT_ON_AL2023: [&str; 5] = ["p2", "p3", "p3dn", "inf1", "g3"];

fn parts(instance_type: &str) -> Option<(&str, &str)> {
    instance_type.strip_prefix("ml.")?.split_once('.')
}

/// Whether Amazon Linux 2023 runs on it.
#[must_use]
pub fn runs_al2023(instance_type: &str) -> bool {
    parts(instance_type).is_some_and(|(family, _)| !NOT_ON_AL2023.contains(&family))
}

/// All instance types, in the order of the model, for the refusal of one that does not exist.
#[must_use]
pub fn all() -> Vec<String> {
    let sizes = |(family, sizes): &(&str, &'static str)| {
        let family = (*family).to_owned();
        sizes.split(' ').map(move |size| format!("ml.{family}.{size}")).collect::<Vec<_>>()
    };
    FAMILIES.iter().flat_map(sizes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_exists_only_in_the_sizes_of_its_family() {
        let types = all();
        assert!(types.contains(&"ml.t3.medium".to_owned()));
        assert!(!types.contains(&"ml.t3.4xlarge".to_owned()));
    }

    #[test]
    fn old_accelerators_do_not_run_the_current_platform() {
        assert!(runs_al2023("ml.g5.xlarge"));
        assert!(!runs_al2023("ml.p3.2xlarge"));
    }
}
