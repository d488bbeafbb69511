//! Tags: kept in one place for all kinds, because EC2 has one API for all of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::filter::{Page, filters_in, glob, paged};
use super::table::{Kind, Resource};
use super::{Ec2, bad_request, done, missing};
use super::{acl, dhcp, endpoint, gateway, interface, peering, route_table, security_group, subnet, vpc};
use crate::sandbox::wire::{Refusal, Reply};

/// Tags by id of the resource.
pub type Tags = BTreeMap<String, BTreeMap<String, String>>;

const LIMIT: usize = 50;

/// Kinds that can be tagged.
const KINDS: [Kind; 14] = [
    vpc::Vpc::KIND,
    subnet::Subnet::KIND,
    route_table::RouteTable::KIND,
    security_group::Group::KIND,
    security_group::RULE_KIND,
    endpoint::Endpoint::KIND,
    interface::Interface::KIND,
    gateway::InternetGateway::KIND,
    gateway::NatGateway::KIND,
    gateway::EgressOnlyGateway::KIND,
    acl::Acl::KIND,
    dhcp::DhcpOptions::KIND,
    peering::Peering::KIND,
    peering::VpnGateway::KIND,
];

/// The tags that a create carries for the resource it makes.
///
/// # Errors
/// A tag specification is for another kind, or a tag is not acceptable.
pub fn of_create(ec2: &Ec2<'_>, resource_type: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let mut tags = BTreeMap::new();
    for specification in ec2.call.items("TagSpecification") {
        let given = specification.get("ResourceType").and_then(Value::as_str).unwrap_or_default();
        if given != resource_type {
            let message = format!("'{given}' is not a valid taggable resource type for this operation.");
            return Err(bad_request("InvalidParameterValue", message));
        }
        let items = specification.get("Tag").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (key, value) in items.iter().map(pair) {
            check(&key, &value)?;
            if tags.insert(key.clone(), value).is_some() {
                let message = format!("Duplicate tag key '{key}' specified.");
                return Err(bad_request("InvalidParameterValue", message));
            }
        }
    }
    within_limit(tags.len())?;
    Ok(tags)
}

fn pair(tag: &Value) -> (String, String) {
    let text = |name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("Key"), text("Value"))
}

const RESERVED: &str = "Tag keys starting with 'aws:' are reserved for internal use";

fn is_reserved(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with("aws:")
}

fn check(key: &str, value: &str) -> Result<(), Refusal> {
    let complaint = if key.is_empty() {
        "Tag key cannot be empty"
    } else if is_reserved(key) {
        RESERVED
    } else if key.chars().count() > 128 {
        "Tag key exceeds the maximum length of 128 characters"
    } else if value.chars().count() > 256 {
        "Tag value exceeds the maximum length of 256 characters"
    } else {
        return Ok(());
    };
    Err(bad_request("InvalidParameterValue", complaint))
}

fn within_limit(count: usize) -> Result<(), Refusal> {
    if count <= LIMIT {
        return Ok(());
    }
    Err(bad_request(
        "TagLimitExceeded",
        format!("The maximum number of Tags for a resource has been reached: {LIMIT}."),
    ))
}

/// The tags of a resource as all answers show them.
pub fn wire(tags: &Tags, id: &str) -> Value {
    let tags = tags.get(id).into_iter().flatten();
    Value::Array(tags.map(|(key, value)| json!({"key": key, "value": value})).collect())
}

/// `CreateTags`: all resources get all tags, or none gets any.
pub fn create_tags(ec2: &mut Ec2<'_>) -> Reply {
    let ids = resource_ids(ec2)?;
    let given: Vec<(String, String)> = ec2.call.items("Tag").iter().map(pair).collect();
    if given.is_empty() {
        return Err(missing("Tag"));
    }
    for (at, (key, value)) in given.iter().enumerate() {
        check(key, value)?;
        if given[..at].iter().any(|(earlier, _)| earlier == key) {
            return Err(bad_request("InvalidParameterValue", format!("Duplicate tag key '{key}' specified.")));
        }
    }
    for id in &ids {
        let present = ec2.state.tags.get(id);
        let new = given.iter().filter(|(key, _)| !present.is_some_and(|tags| tags.contains_key(key)));
        within_limit(present.map_or(0, BTreeMap::len) + new.count())?;
    }
    for id in ids {
        ec2.state.tags.entry(id).or_default().extend(given.iter().cloned());
    }
    done()
}

/// `DeleteTags`: a tag with a value goes only if it has that value; no tags at all means all of them.
pub fn delete_tags(ec2: &mut Ec2<'_>) -> Reply {
    let ids = resource_ids(ec2)?;
    let given = ec2.call.items("Tag");
    if given.iter().any(|tag| is_reserved(&pair(tag).0)) {
        return Err(bad_request("InvalidParameterValue", RESERVED));
    }
    for id in ids {
        let Some(tags) = ec2.state.tags.get_mut(&id) else { continue };
        if given.is_empty() {
            tags.clear();
        }
        for tag in given {
            let (key, value) = pair(tag);
            let any_value = tag.get("Value").is_none();
            if any_value || tags.get(&key) == Some(&value) {
                tags.remove(&key);
            }
        }
    }
    done()
}

fn resource_ids(ec2: &Ec2<'_>) -> Result<Vec<String>, Refusal> {
    let ids = ec2.call.texts("ResourceId");
    if ids.is_empty() {
        return Err(missing("ResourceId"));
    }
    for id in &ids {
        let Some(kind) = kind_of(id) else {
            return Err(bad_request("InvalidID", format!("The ID '{id}' is not valid")));
        };
        kind.check(id)?;
        if !ec2.state.has(id) {
            return Err(kind.absent(id));
        }
    }
    Ok(ids)
}

fn kind_of(id: &str) -> Option<&'static Kind> {
    let prefix = id.rsplit_once('-')?.0;
    KINDS.iter().find(|kind| kind.prefix == prefix)
}

const FILTERS: &[(&str, &str)] =
    &[("key", "key"), ("value", "value"), ("resource-id", "resourceId"), ("resource-type", "resourceType")];

/// Whether a tag, as `DescribeTags` shows it, passes a filter `tag:KEY`; `None` if the filter is another one.
fn passes_by_key(filter: &Value, key: &str, value: &str) -> Option<bool> {
    let wanted = filter.get("Name").and_then(Value::as_str)?.strip_prefix("tag:")?;
    let values = filter.get("Value").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let fits = |pattern: &Value| pattern.as_str().is_some_and(|pattern| glob(pattern, value));
    Some(wanted == key && values.iter().any(fits))
}

/// `DescribeTags`.
pub fn describe_tags(ec2: &mut Ec2<'_>) -> Reply {
    let (by_key, others): (Vec<Value>, Vec<Value>) =
        ec2.call.items("Filter").iter().cloned().partition(|filter| passes_by_key(filter, "", "").is_some());
    let filters = filters_in(&others, FILTERS, false)?;
    let mut rows = Vec::new();
    for (id, tags) in &ec2.state.tags {
        let resource_type = kind_of(id).map_or("", |kind| kind.resource_type);
        for (key, value) in tags {
            let row = json!({"resourceId": id, "resourceType": resource_type, "key": key, "value": value});
            let passes = by_key.iter().all(|filter| passes_by_key(filter, key, value) == Some(true));
            if passes && filters.iter().all(|filter| filter.admits(&row)) {
                rows.push((format!("{id} {key}"), row));
            }
        }
    }
    let (rows, next) = paged(ec2.call, Page::USUAL, rows)?;
    Ok(json!({"tagSet": rows, "nextToken": next}))
}
