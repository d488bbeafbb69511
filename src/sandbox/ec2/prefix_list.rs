//! The prefix lists that AWS keeps for gateway endpoints.

use serde_json::{Value, json};

use super::filter::{Listing, Page, list_values};
use super::table::Kind;
use super::{Ec2, State, fingerprint};
use crate::sandbox::wire::{Refusal, Reply};

/// Prefix lists as errors name them.
pub const KIND: Kind = Kind {
    prefix: "pl",
    resource_type: "prefix-list",
    not_found: "InvalidPrefixListID.NotFound",
    malformed: "InvalidPrefixListId.Malformed",
    noun: "prefix list ID",
};

/// Services with a prefix list, and the address blocks in it.
const LISTS: [(&str, &[&str]); 2] =
    [("s3", &["52.219.0.0/20", "52.219.16.0/22", "3.5.152.0/21"]), ("dynamodb", &["52.119.224.0/21", "35.71.64.0/22"])];

/// The name of the list of a service: also the name of its endpoint service.
fn name(region: &str, service: &str) -> String {
    format!("com.amazonaws.{region}.{service}")
}

/// The id of a list. It differs from region to region and is the same for every account.
fn id(name: &str) -> String {
    format!("pl-{}", fingerprint(name, 4))
}

/// The list that belongs to an endpoint service.
pub fn of_service(service_name: &str, region: &str) -> Option<String> {
    LISTS.iter().map(|list| name(region, list.0)).find(|name| name == service_name).map(|name| id(&name))
}

/// Refuses an id that is no list of the region.
pub fn check(region: &str, wanted: &str) -> Result<(), Refusal> {
    KIND.check(wanted)?;
    if LISTS.iter().any(|list| id(&name(region, list.0)) == wanted) {
        return Ok(());
    }
    Err(KIND.absent(wanted))
}

fn rows(ec2: &Ec2<'_>) -> Vec<(String, String, &'static [&'static str])> {
    let region = &ec2.call.region;
    let mut rows: Vec<_> = LISTS
        .iter()
        .map(|(service, blocks)| {
            let name = name(region, service);
            (id(&name), name, *blocks)
        })
        .collect();
    rows.sort();
    rows
}

const LISTING: Listing = Listing {
    set: "prefixListSet",
    ids: "PrefixListId",
    id: "prefixListId",
    filters: &[("prefix-list-id", "prefixListId"), ("prefix-list-name", "prefixListName")],
    tagged: false,
    page: Page::LENIENT,
};

/// `DescribePrefixLists`.
pub fn describe_prefix_lists(ec2: &mut Ec2<'_>) -> Reply {
    let rows = rows(ec2)
        .into_iter()
        .map(|(id, name, blocks)| json!({"prefixListId": id, "prefixListName": name, "cidrSet": blocks}))
        .collect();
    list_values(ec2, &LISTING, &KIND, rows)
}

const MANAGED: Listing = Listing {
    filters: &[("owner-id", "ownerId"), ("prefix-list-id", "prefixListId"), ("prefix-list-name", "prefixListName")],
    page: Page { least: 1, most: 100, strict: true },
    ..LISTING
};

/// `DescribeManagedPrefixLists`: only those of AWS.
pub fn describe_managed_prefix_lists(ec2: &mut Ec2<'_>) -> Reply {
    let region = &ec2.call.region;
    let partition = crate::sandbox::region::partition(region);
    let rows = rows(ec2)
        .into_iter()
        .map(|(id, name, _)| {
            json!({
                "prefixListArn": format!("arn:{partition}:ec2:{region}:aws:prefix-list/{id}"),
                "prefixListId": id,
                "prefixListName": name,
                "addressFamily": "IPv4",
                "ownerId": "AWS",
                "state": "create-complete",
                "tagSet": [],
            })
        })
        .collect();
    list_values(ec2, &MANAGED, &KIND, rows)
}

/// `GetManagedPrefixListEntries`.
pub fn get_managed_prefix_list_entries(ec2: &mut Ec2<'_>) -> Reply {
    let wanted = ec2.required("PrefixListId")?;
    check(&ec2.call.region, wanted)?;
    let blocks = rows(ec2).into_iter().find(|row| row.0 == wanted).map(|row| row.2).unwrap_or_default();
    let entries: Vec<Value> = blocks.iter().map(|block| json!({"cidr": block})).collect();
    Ok(json!({"entrySet": entries}))
}

/// Whether a route table sends a prefix list to an endpoint.
pub fn routed_by(state: &State, table: &str, list: &str) -> bool {
    state.route_tables.peek(table).is_some_and(|table| table.routes.iter().any(|route| route.destination == list))
}
