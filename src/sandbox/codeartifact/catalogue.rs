//! The simulated public PyPI: a few packages with the names, versions and dependencies of real ones and next to
//! nothing in them. It is what an external connection to `public:pypi` leads to.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use super::package::{Asset, Origin, PackageKey, Version};
use super::wheel::Recipe;

/// A release: name, version, day of the upload since the Unix epoch, requirements.
type Release = (&'static str, &'static str, u64, &'static [&'static str]);

const RELEASES: [Release; 26] = [
    ("streamlit", "1.39.0", 20_001, &["tinydep>=1.0", "pandas>=2,<3", "requests>=2.27,<3"]),
    ("streamlit", "1.40.0", 20_038, &["tinydep>=1.0", "pandas>=2,<3", "requests>=2.27,<3"]),
    ("streamlit", "1.41.1", 20_072, &["tinydep>=1.1", "pandas>=2,<3", "requests>=2.27,<3"]),
    ("tinydep", "1.0.0", 19_700, &[]),
    ("tinydep", "1.1.0", 20_050, &[]),
    ("tinydep", "2.0.0", 20_400, &[]),
    ("pandas", "2.1.4", 19_699, &["numpy>=1.26", "python-dateutil>=2.8.2", "pytz>=2020.1"]),
    ("pandas", "2.2.3", 19_986, &["numpy>=1.26", "python-dateutil>=2.8.2", "pytz>=2020.1"]),
    ("numpy", "1.26.4", 19_758, &[]),
    ("numpy", "2.1.3", 20_030, &[]),
    ("python-dateutil", "2.9.0", 19_783, &["six>=1.5"]),
    ("pytz", "2024.2", 19_977, &[]),
    ("six", "1.16.0", 18_752, &[]),
    ("six", "1.17.0", 20_061, &[]),
    (
        "requests",
        "2.31.0",
        19_499,
        &["charset-normalizer>=2,<4", "idna>=2.5,<4", "urllib3>=1.21.1,<3", "certifi>=2017"],
    ),
    (
        "requests",
        "2.32.3",
        19_872,
        &["charset-normalizer>=2,<4", "idna>=2.5,<4", "urllib3>=1.21.1,<3", "certifi>=2017"],
    ),
    ("charset-normalizer", "3.3.2", 19_662, &[]),
    ("charset-normalizer", "3.4.0", 20_005, &[]),
    ("idna", "3.10", 19_981, &[]),
    ("urllib3", "1.26.20", 19_964, &[]),
    ("urllib3", "2.2.3", 19_978, &[]),
    ("certifi", "2024.8.30", 19_965, &[]),
    ("boto3", "1.35.60", 20_041, &["botocore>=1.35.60"]),
    ("botocore", "1.35.60", 20_041, &["urllib3>=1.25.4,<3"]),
    ("typing-extensions", "4.12.2", 19_881, &[]),
    ("left-pad", "0.1.0", 19_000, &[]),
];

const REQUIRES_PYTHON: &str = ">=3.8";
const SECONDS_PER_DAY: u64 = 86_400;

static PACKAGES: LazyLock<BTreeMap<PackageKey, Vec<Version>>> = LazyLock::new(|| {
    let mut packages: BTreeMap<PackageKey, Vec<Version>> = BTreeMap::new();
    for release in &RELEASES {
        packages.entry(PackageKey::python(release.0)).or_default().extend(version(release));
    }
    packages
});

/// `None` only if the archive's writer failed, which it has no reason to.
fn version((name, number, day, requires): &Release) -> Option<Version> {
    let summary = format!("Stands for {name} in a simulated AWS");
    let recipe = Recipe { name, version: number, summary: &summary, requires, requires_python: REQUIRES_PYTHON };
    let uploaded = Duration::from_secs(day * SECONDS_PER_DAY);
    let asset = Asset::new(recipe.file_name(), recipe.build().ok()?, uploaded);
    Some(Version {
        version: (*number).to_owned(),
        status: "Published".to_owned(),
        published: uploaded,
        origin: Origin::External("public:pypi".to_owned()),
        requires: requires.iter().map(|one| (*one).to_owned()).collect(),
        requires_python: Some(REQUIRES_PYTHON.to_owned()),
        assets: vec![asset],
        summary,
    })
}

/// The versions of a package in a public repository.
#[must_use]
pub fn versions(connection: &str, key: &PackageKey) -> Vec<Version> {
    if connection != "public:pypi" {
        return Vec::new();
    }
    PACKAGES.get(key).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_of_the_catalogue_is_in_the_catalogue() {
        for (name, _, _, requires) in &RELEASES {
            for requirement in *requires {
                let end = requirement.find(['>', '<', '=']).unwrap_or(requirement.len());
                assert!(PACKAGES.contains_key(&PackageKey::python(&requirement[..end])), "{name} needs {requirement}");
            }
        }
    }
}
