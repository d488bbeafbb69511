//! AWS as the command line sees it: the engine that the controller uses, with its eyes and without its hands.
//!
//! Nothing in here can write. A [`Writer`](super::provider::Writer) is made where plans are carried out and nowhere else, and what carries
//! them out stays behind this border: there is no way from [`Eyes`] to `apply`.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, Tag};

use super::{
    account::{Accounts, Clients, Connection},
    engine::{Engine, Now},
    error::{AwsError, from_sdk},
    inventory::Listing,
    provider::Provider,
};
use crate::model::{
    owner::{CLUSTER_TAG, NAME_TAG, NAMESPACE_TAG, Tags, UID_TAG},
    port::{Cloud, Identity, Observation, Problem, Scope},
    resource::Sight,
};

/// AWS to look at.
pub struct Eyes {
    engine: Engine,
    accounts: Accounts,
}

/// An object that has left its tags in AWS: which cluster it was in, and its uid.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life {
    /// Uid of the cluster's `kube-system` namespace.
    pub cluster: String,
    /// Uid of the object.
    pub uid: String,
}

/// Lives, and how many resources carry the tags of each.
pub type Lives = BTreeMap<Life, usize>;

impl Eyes {
    /// Eyes for these kinds, which reach AWS by this connection.
    #[must_use]
    pub fn new(connection: Connection, providers: Vec<Arc<dyn Provider>>, now: Now) -> Self {
        Self { engine: Engine::new(connection.clone(), providers, now), accounts: Accounts::new(connection) }
    }

    /// What the controller would see.
    ///
    /// # Errors
    /// As [`Cloud::observe`].
    pub async fn look(&self, scope: &Scope) -> Result<Observation, Problem> {
        self.engine.observe(scope).await
    }

    /// The account that the default credentials lead to.
    ///
    /// # Errors
    /// When there are none, or AWS does not take them.
    pub async fn account(&self, region: &str) -> Result<String, Problem> {
        self.accounts.caller(region).await
    }

    /// A listing or a point read, which can only read.
    ///
    /// # Errors
    /// When the account cannot be opened or the read was refused.
    pub async fn read<T: Listing>(&self, identity: &Identity, region: &str, key: &str) -> Result<T, Problem> {
        let account = self.accounts.open(identity, region).await?;
        T::fetch(&account.clients, key).await.map_err(|error| error.problem())
    }

    /// Which objects called `namespace/name` have left their tags on resources: on those of the network, wherever they are, and on whatever
    /// stands under a name that `scope` wants. The cluster and the uid of the scope's owner do not matter.
    ///
    /// # Errors
    /// When AWS cannot be looked at.
    pub async fn lives(&self, scope: &Scope) -> Result<Lives, Problem> {
        let (namespace, name) = (&scope.owner.namespace, &scope.owner.name);
        let named: Named = self.read(&scope.identity, &scope.region, &format!("{namespace}/{name}")).await?;
        let observation = self.look(scope).await?;
        let by_name = observation.sights.values().filter_map(Sight::seen).map(|seen| &seen.tags);
        let mut lives = Lives::new();
        for tags in named.0.iter().chain(by_name) {
            let tag = |key: &str| tags.get(key).cloned().unwrap_or_default();
            if tag(NAMESPACE_TAG) == *namespace && tag(NAME_TAG) == *name && tags.contains_key(CLUSTER_TAG) {
                *lives.entry(Life { cluster: tag(CLUSTER_TAG), uid: tag(UID_TAG) }).or_default() += 1;
            }
        }
        Ok(lives)
    }
}

/// The tags of what carries the tags of an object, by `namespace/name`.
struct Named(Vec<Tags>);

#[async_trait]
impl Listing for Named {
    async fn fetch(clients: &Clients, key: &str) -> Result<Self, AwsError> {
        let (namespace, name) = key.split_once('/').unwrap_or_default();
        let filter = |tag: &str, value: &str| Filter::builder().name(format!("tag:{tag}")).values(value).build();
        let filters = Some(vec![filter(NAMESPACE_TAG, namespace), filter(NAME_TAG, name)]);
        let ec2 = &clients.ec2;
        let vpcs = ec2.describe_vpcs().set_filters(filters.clone()).into_paginator().items().send();
        let vpcs = vpcs.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeVpcs"))?;
        let groups = ec2.describe_security_groups().set_filters(filters.clone()).into_paginator().items().send();
        let groups = groups.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeSecurityGroups"))?;
        let endpoints = ec2.describe_vpc_endpoints().set_filters(filters).into_paginator().items().send();
        let endpoints = endpoints.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("ec2:DescribeVpcEndpoints"))?;
        let all = vpcs
            .into_iter()
            .map(|vpc| vpc.tags)
            .chain(groups.into_iter().map(|group| group.tags))
            .chain(endpoints.into_iter().map(|endpoint| endpoint.tags));
        Ok(Self(all.map(|tags| by_key(tags.unwrap_or_default())).collect()))
    }
}

fn by_key(tags: Vec<Tag>) -> Tags {
    tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect()
}
