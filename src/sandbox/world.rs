//! All that exists in the simulated AWS: accounts, in them regions, in them what each service keeps.
//! The world knows no protocol and no time of its own; a handler gets both with the call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::region::PARTITION;
use super::way::Way;
use super::{codeartifact, ec2, iam, sagemaker, sts};

/// The account of whoever calls with an access key that says nothing else.
pub const DEFAULT_ACCOUNT: &str = "111122223333";

/// How long AWS takes for what it does after having answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delays {
    /// `pending` until `available` of an endpoint.
    pub endpoint_create: Duration,
    /// `deleting` of an endpoint until it and its interfaces are gone.
    pub endpoint_delete: Duration,
    /// `pending` after a change of subnets, groups or private DNS.
    pub endpoint_modify: Duration,
    /// How long a private DNS name stays taken after its endpoint is gone.
    pub private_dns_release: Duration,
    /// `Pending` of a notebook until `InService`.
    pub notebook_start: Duration,
    /// `Stopping` of a notebook.
    pub notebook_stop: Duration,
    /// `Deleting` of a notebook.
    pub notebook_delete: Duration,
    /// `Updating` of a notebook.
    pub notebook_update: Duration,
    /// How long the interface of a notebook outlives it.
    pub eni_release: Duration,
    /// How long a new role, policy or trust is not yet seen by the other services.
    pub iam_propagation: Duration,
    /// How long a new EC2 resource is not yet found, by no call.
    pub visibility: Duration,
    /// How long a new EC2 resource is not yet described, though calls that act on it find it.
    pub description: Duration,
}

impl Delays {
    /// What AWS takes in practice. That descriptions lag is another matter, see [`Delays::lagging`].
    #[must_use]
    pub fn real() -> Self {
        Self {
            endpoint_create: Duration::from_secs(90),
            endpoint_delete: Duration::from_secs(90),
            endpoint_modify: Duration::from_secs(30),
            private_dns_release: Duration::from_mins(2),
            notebook_start: Duration::from_mins(4),
            notebook_stop: Duration::from_mins(1),
            notebook_delete: Duration::from_mins(1),
            notebook_update: Duration::from_secs(30),
            eni_release: Duration::from_mins(5),
            iam_propagation: Duration::from_secs(10),
            visibility: Duration::ZERO,
            description: Duration::ZERO,
        }
    }

    /// The same, and EC2 describes what is new only after a moment. AWS says that this happens, not how often: whoever is
    /// right when it always happens is right.
    #[must_use]
    pub fn lagging(self) -> Self {
        Self { description: Duration::from_secs(1), ..self }
    }

    /// A second or two each, for tests that run in real time and for a person who watches.
    #[must_use]
    pub fn short() -> Self {
        Self {
            endpoint_create: Duration::from_millis(1500),
            endpoint_delete: Duration::from_millis(1500),
            endpoint_modify: Duration::from_secs(1),
            private_dns_release: Duration::from_secs(1),
            notebook_start: Duration::from_secs(2),
            notebook_stop: Duration::from_secs(1),
            notebook_delete: Duration::from_secs(1),
            notebook_update: Duration::from_secs(1),
            eni_release: Duration::from_secs(1),
            iam_propagation: Duration::from_millis(500),
            visibility: Duration::ZERO,
            description: Duration::ZERO,
        }
    }

    /// Everything at once.
    #[must_use]
    pub fn none() -> Self {
        Self {
            endpoint_create: Duration::ZERO,
            endpoint_delete: Duration::ZERO,
            endpoint_modify: Duration::ZERO,
            private_dns_release: Duration::ZERO,
            notebook_start: Duration::ZERO,
            notebook_stop: Duration::ZERO,
            notebook_delete: Duration::ZERO,
            notebook_update: Duration::ZERO,
            eni_release: Duration::ZERO,
            iam_propagation: Duration::ZERO,
            visibility: Duration::ZERO,
            description: Duration::ZERO,
        }
    }
}

/// The quotas of an account as AWS sets them; a test raises or lowers what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotas {
    /// VPCs in a region.
    pub vpcs_per_region: usize,
    /// Subnets in a VPC.
    pub subnets_per_vpc: usize,
    /// Route tables in a VPC.
    pub route_tables_per_vpc: usize,
    /// Routes in a route table.
    pub routes_per_table: usize,
    /// Security groups in a region.
    pub groups_per_region: usize,
    /// Rules of a security group in each direction.
    pub rules_per_group: usize,
    /// Security groups of a network interface.
    pub groups_per_interface: usize,
    /// Interface endpoints in a VPC.
    pub interface_endpoints_per_vpc: usize,
    /// Gateway endpoints in a region.
    pub gateway_endpoints_per_region: usize,
    /// Internet gateways in a region.
    pub internet_gateways_per_region: usize,
    /// CodeArtifact domains of an account and region.
    pub domains: usize,
    /// CodeArtifact repositories in a domain.
    pub repositories_per_domain: usize,
    /// Direct upstreams of a repository.
    pub upstreams: usize,
    /// Roles of an account.
    pub roles: usize,
    /// Customer managed policies of an account.
    pub managed_policies: usize,
    /// Managed policies attached to a role.
    pub managed_policies_per_role: usize,
    /// Notebook instances of an account and region.
    pub notebooks: usize,
    /// Notebook lifecycle configurations of an account and region.
    pub lifecycle_configurations: usize,
}

impl Quotas {
    /// The quotas of an account for which AWS raised what it raises on request, far beyond what a test needs.
    #[must_use]
    pub fn raised() -> Self {
        Self {
            vpcs_per_region: 1000,
            gateway_endpoints_per_region: 1000,
            internet_gateways_per_region: 1000,
            domains: 1000,
            roles: 5000,
            managed_policies: 5000,
            notebooks: 5000,
            lifecycle_configurations: 5000,
            ..Self::default()
        }
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            vpcs_per_region: 5,
            subnets_per_vpc: 200,
            route_tables_per_vpc: 200,
            routes_per_table: 50,
            groups_per_region: 2500,
            rules_per_group: 60,
            groups_per_interface: 5,
            interface_endpoints_per_vpc: 50,
            gateway_endpoints_per_region: 20,
            internet_gateways_per_region: 5,
            domains: 10,
            repositories_per_domain: 1000,
            upstreams: 10,
            roles: 1000,
            managed_policies: 1500,
            managed_policies_per_role: 10,
            notebooks: 100,
            lifecycle_configurations: 100,
        }
    }
}

/// What a test or the sandbox may choose about the simulated AWS.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long things take.
    pub delays: Delays,
    /// How much of everything is allowed.
    pub quotas: Quotas,
    /// Whether request rates are limited as AWS limits them.
    pub enforce_throttle: bool,
    /// Whether callers with an assumed role need permission.
    pub enforce_iam: bool,
    /// Where the simulator can be reached from outside, e.g. `http://127.0.0.1:4599`. With it, repository endpoints
    /// lead to the simulator's own package index; without, they are AWS's host names.
    pub public_url: Option<String>,
    /// Seed of all ids, so that a run can be repeated exactly.
    pub seed: u64,
    /// Services that are not offered in every zone: service name without the region (`codeartifact.api`) to the
    /// letters of the zones that have it. Absent means everywhere.
    pub service_zones: BTreeMap<String, Vec<char>>,
    /// Services that the regions do not have, named without the region.
    pub services_not_offered: Vec<String>,
    /// Services whose endpoints take no policy, named without the region.
    pub services_without_policy: Vec<String>,
    /// Services whose owner has to accept each endpoint, named without the region.
    pub services_with_acceptance: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            delays: Delays::real(),
            quotas: Quotas::default(),
            enforce_throttle: false,
            enforce_iam: true,
            public_url: None,
            seed: 0,
            service_zones: BTreeMap::new(),
            services_not_offered: Vec::new(),
            services_without_policy: Vec::new(),
            services_with_acceptance: Vec::new(),
        }
    }
}

impl Settings {
    /// The defaults with other delays.
    #[must_use]
    pub fn with_delays(delays: Delays) -> Self {
        Self { delays, ..Self::default() }
    }
}

/// Source of ids. A clone draws from the same source, so no id is given twice within a world.
#[derive(Debug, Clone)]
pub struct Ids(Arc<Mutex<fastrand::Rng>>);

impl Ids {
    fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An EC2 id: `hex("vpc")` is `vpc-0` and sixteen hexadecimal digits.
    #[must_use]
    pub fn hex(&self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.draw(|rng| rng.u64(..)))
    }

    /// An IAM unique id: the prefix (`AROA`, `ANPA`) and seventeen capital letters or digits.
    #[must_use]
    pub fn unique(&self, prefix: &str) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        self.draw(|rng| {
            let tail = (0..17).map(|_| char::from(ALPHABET[rng.usize(..ALPHABET.len())]));
            prefix.chars().chain(tail).collect()
        })
    }

    /// Lower-case letters and digits, as in the random part of an endpoint's DNS name.
    #[must_use]
    pub fn token(&self, length: usize) -> String {
        self.draw(|rng| (0..length).map(|_| rng.digit(36)).collect())
    }

    /// A number below `bound`, where AWS is free to choose.
    #[must_use]
    pub fn below(&self, bound: usize) -> usize {
        self.draw(|rng| rng.usize(..bound.max(1)))
    }

    /// A UUID, as in request ids and policy revisions.
    #[must_use]
    pub fn uuid(&self) -> String {
        let bits = self.draw(|rng| rng.u128(..));
        let hex = format!("{bits:032x}");
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }
}

/// All of the simulated AWS.
#[derive(Debug, Clone)]
pub struct World {
    /// What was chosen for this world.
    pub settings: Settings,
    /// Source of ids.
    pub ids: Ids,
    /// Credentials that STS has given out, for all accounts.
    pub sts: sts::State,
    /// By which way the request came that is being answered.
    pub way: Option<Way>,
    /// The partition in which the request is answered. Partitions are worlds of their own: an account number in one has nothing to do with
    /// the same number in another.
    pub partition: &'static str,
    accounts: BTreeMap<(&'static str, String), Account>,
}

impl World {
    /// A world in which no account has anything.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let ids = Ids::seeded(settings.seed);
        Self { settings, ids, sts: sts::State::default(), way: None, partition: PARTITION, accounts: BTreeMap::new() }
    }

    /// The account with this number; it exists from its first use on.
    pub fn account(&mut self, id: &str) -> &mut Account {
        self.accounts.entry((self.partition, id.to_owned())).or_insert_with(|| Account::new(id))
    }

    /// What a service of one region works with, side by side.
    pub fn desk(&mut self, account: &str, region: &str) -> (&Settings, &Ids, &mut Region) {
        let Self { settings, ids, accounts, partition, .. } = self;
        let account = accounts.entry((*partition, account.to_owned())).or_insert_with(|| Account::new(account));
        (settings, ids, account.region(region))
    }

    /// Every region of every account that has been used.
    pub fn all_regions_mut(&mut self) -> impl Iterator<Item = &mut Region> {
        self.accounts.values_mut().flat_map(|account| account.regions.values_mut())
    }

    /// The account with this number, if it has been used.
    #[must_use]
    pub fn existing_account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(&(self.partition, id.to_owned()))
    }

    /// The numbers of the accounts that have been used.
    pub fn account_ids(&self) -> impl Iterator<Item = &str> {
        self.accounts.keys().filter(|(partition, _)| *partition == self.partition).map(|(_, id)| id.as_str())
    }
}

/// An AWS account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// IAM is the same in all regions.
    pub iam: iam::State,
    regions: BTreeMap<String, Region>,
}

impl Account {
    fn new(id: &str) -> Self {
        Self { id: id.to_owned(), iam: iam::State::default(), regions: BTreeMap::new() }
    }

    /// A region of the account; it exists from its first use on.
    pub fn region(&mut self, name: &str) -> &mut Region {
        self.parts(name).1
    }

    /// IAM and a region side by side, for services that check roles while they change something.
    pub fn parts(&mut self, region: &str) -> (&mut iam::State, &mut Region) {
        let id = &self.id;
        let region = self.regions.entry(region.to_owned()).or_insert_with(|| Region {
            name: region.to_owned(),
            account: id.clone(),
            ec2: ec2::State::default(),
            codeartifact: codeartifact::State::default(),
            sagemaker: sagemaker::State::default(),
        });
        (&mut self.iam, region)
    }

    /// The names of the regions that have been used.
    pub fn region_names(&self) -> impl Iterator<Item = &str> {
        self.regions.keys().map(String::as_str)
    }
}

/// What an account has in one region.
#[derive(Debug, Clone)]
pub struct Region {
    /// For example `ap-northeast-1`.
    pub name: String,
    /// The account's number.
    pub account: String,
    /// Networks.
    pub ec2: ec2::State,
    /// Package domains and repositories.
    pub codeartifact: codeartifact::State,
    /// Notebooks.
    pub sagemaker: sagemaker::State,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_regions_are_separate_worlds() {
        let mut world = World::new(Settings::default());
        world.account("111122223333").region("eu-west-1");
        world.account("444455556666").region("us-east-1");
        assert_eq!(world.account_ids().collect::<Vec<_>>(), ["111122223333", "444455556666"]);
        assert_eq!(world.account("111122223333").region_names().collect::<Vec<_>>(), ["eu-west-1"]);
    }

    #[test]
    fn the_same_account_number_in_another_partition_is_another_account() {
        let mut world = World::new(Settings::default());
        world.account("111122223333").region("eu-west-1");
        world.partition = "aws-cn";
        assert!(world.existing_account("111122223333").is_none());
        assert_eq!(world.account_ids().count(), 0);
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let one = World::new(Settings::default());
        let other = World::new(Settings::default());
        assert_eq!(one.ids.hex("vpc"), other.ids.hex("vpc"));
        assert_ne!(one.ids.hex("vpc"), one.ids.hex("vpc"));
    }

    #[test]
    fn ids_have_the_shape_that_aws_gives_them() {
        let ids = World::new(Settings::default()).ids;
        assert_eq!(ids.hex("vpce").len(), "vpce-".len() + 17);
        assert_eq!(ids.unique("AROA").len(), 21);
        assert_eq!(ids.uuid().len(), 36);
    }
}
