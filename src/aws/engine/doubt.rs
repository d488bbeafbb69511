//! Lists of AWS can lack what is there, for a moment or while a part of AWS is out of order. What the status knows by id and a list lacks is
//! asked for by that id: only if AWS says that there is no such thing is it made again, or taken for deleted.
//!
//! This is for the things of EC2, of which AWS makes a second one when asked twice. Everything else has a name that can be given only once.
//!
//! AWS on this: <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use aws_sdk_ec2::types::VpcEndpoint;

use super::memory::Marks;
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk},
        inventory::Listing,
        provider::{Item, Reader},
    },
    model::{
        address::{Address, Kind},
        resource::{Management, Sight, Wanted},
    },
};

/// How long AWS has to stay with it that something is gone before it is made again.
const CERTAIN: Duration = Duration::from_secs(20);
/// For how long an answer that names nothing and refuses nothing is not taken for a no: AWS refuses an id that it does not have.
const PATIENCE: Duration = Duration::from_mins(10);

/// Whether something that the status knows as `known` may be made again.
pub(super) fn is_certain(marks: &Marks, address: &Address, known: &str) -> bool {
    !can_be_asked_for(address.kind, known)
        || marks.has_deleted(address.kind, known)
        || marks.missing_for(address) >= CERTAIN
}

/// Ask by id for what the status knows and the list lacks. What AWS still has is not absent, whatever the list says.
pub(super) async fn ask_by_id(
    reader: &Reader<'_>,
    wanted: &[Wanted],
    items: &[Item],
    sights: &mut BTreeMap<Address, Sight>,
) {
    let owned = |address: &Address| {
        wanted.iter().find(|wanted| wanted.address == *address).is_none_or(|it| it.management == Management::Owned)
    };
    for (address, id) in reader.remembered.iter().filter(|(address, id)| can_be_asked_for(address.kind, id)) {
        let missing = address.kind == reader.kind
            && sights.get(address).is_none_or(|sight| matches!(sight, Sight::Absent))
            && items.iter().all(|item| item.id != *id)
            && !reader.marks.has_deleted(address.kind, id);
        if !missing || !owned(address) {
            continue;
        }
        let answer = reader.look::<ById>(id).await.map(|look| look.rows);
        match &answer {
            Ok(ById::There) => reader.marks.sighted(address, false),
            Ok(ById::Gone | ById::Unsaid) => reader.marks.sighted(address, true),
            Err(_) => {}
        }
        let sight = match answer {
            Ok(ById::Gone) => continue,
            Ok(ById::Unsaid) if reader.marks.missing_for(address) >= PATIENCE => continue,
            Ok(ById::There | ById::Unsaid) => Sight::Unlisted { id: id.clone() },
            Err(error) => Sight::Unknown(error.problem()),
        };
        sights.insert(address.clone(), sight);
    }
}

/// Rules are seen with their group: what is not known of that is not known of them.
pub(super) fn follow_the_group(groups: &BTreeMap<Address, Sight>, rules: &mut BTreeMap<Address, Sight>) {
    for (address, sight) in rules.iter_mut().filter(|(address, _)| address.kind == Kind::SecurityGroupRules) {
        let group = groups.get(&Address::new(Kind::SecurityGroup, address.name.clone()));
        if let (Sight::Absent, Some(unlisted @ Sight::Unlisted { .. })) = (&*sight, group) {
            *sight = unlisted.clone();
        }
    }
}

fn can_be_asked_for(kind: Kind, id: &str) -> bool {
    let prefix = match kind {
        Kind::Vpc => "vpc-",
        Kind::Subnet => "subnet-",
        Kind::RouteTable => "rtb-",
        Kind::SecurityGroup => "sg-",
        Kind::VpcEndpoint => "vpce-",
        Kind::SecurityGroupRules
        | Kind::Domain
        | Kind::Repository
        | Kind::Role
        | Kind::Policy
        | Kind::LifecycleConfiguration
        | Kind::NotebookInstance => return false,
    };
    id.starts_with(prefix)
}

/// What AWS says of an id.
#[derive(Debug, Clone, Copy)]
enum ById {
    There,
    Gone,
    /// Neither.
    Unsaid,
}

#[async_trait]
impl Listing for ById {
    async fn fetch(clients: &Clients, id: &str) -> Result<Self, AwsError> {
        match ask(clients, id).await {
            Err(error) if error.is_not_found() => Ok(Self::Gone),
            answer => answer,
        }
    }
}

async fn ask(clients: &Clients, id: &str) -> Result<ById, AwsError> {
    let ec2 = &clients.ec2;
    let found = match id.split('-').next().unwrap_or_default() {
        "vpc" => {
            let answer = ec2.describe_vpcs().vpc_ids(id).send().await;
            answer.map_err(from_sdk("ec2:DescribeVpcs"))?.vpcs().len()
        }
        "subnet" => {
            let answer = ec2.describe_subnets().subnet_ids(id).send().await;
            answer.map_err(from_sdk("ec2:DescribeSubnets"))?.subnets().len()
        }
        "rtb" => {
            let answer = ec2.describe_route_tables().route_table_ids(id).send().await;
            answer.map_err(from_sdk("ec2:DescribeRouteTables"))?.route_tables().len()
        }
        "sg" => {
            let answer = ec2.describe_security_groups().group_ids(id).send().await;
            answer.map_err(from_sdk("ec2:DescribeSecurityGroups"))?.security_groups().len()
        }
        _ => {
            let answer = ec2.describe_vpc_endpoints().vpc_endpoint_ids(id).send().await;
            let answer = answer.map_err(from_sdk("ec2:DescribeVpcEndpoints"))?;
            if answer.vpc_endpoints().iter().any(is_deleted) {
                return Ok(ById::Gone);
            }
            answer.vpc_endpoints().len()
        }
    };
    Ok(if found == 0 { ById::Unsaid } else { ById::There })
}

/// AWS shows endpoints for a while after they are gone.
fn is_deleted(endpoint: &VpcEndpoint) -> bool {
    endpoint.state().is_some_and(|state| state.as_str().eq_ignore_ascii_case("deleted"))
}
