//! DHCP options: which resolver a VPC's hosts use. A VPC whose options name another one does not resolve private
//! names of endpoints.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::filter::{Listing, Page, list};
use super::table::{Kind, Resource};
use super::{Ec2, Operation, done, in_use, invalid, missing, tags};
use crate::sandbox::wire::Reply;

/// A set of DHCP options.
#[derive(Debug, Clone)]
pub struct DhcpOptions {
    id: String,
    options: Vec<(String, Vec<String>)>,
    is_default: bool,
}

impl Resource for DhcpOptions {
    const KIND: Kind = Kind {
        prefix: "dopt",
        resource_type: "dhcp-options",
        not_found: "InvalidDhcpOptionID.NotFound",
        malformed: "InvalidDhcpOptionsId.Malformed",
        noun: "dhcpOption ID",
    };

    fn id(&self) -> &str {
        &self.id
    }
}

/// Every region has one set from the start.
pub(super) fn ensure_default(ec2: &mut Ec2<'_>) {
    if !ec2.state.dhcp_options.is_empty() {
        return;
    }
    let domain = match ec2.call.region.as_str() {
        "us-east-1" => "ec2.internal".to_owned(),
        region => format!("{region}.compute.internal"),
    };
    let options = vec![
        ("domain-name".to_owned(), vec![domain]),
        ("domain-name-servers".to_owned(), vec!["AmazonProvidedDNS".to_owned()]),
    ];
    let id = ec2.ids.hex("dopt");
    ec2.state.dhcp_options.insert_seen(DhcpOptions { id, options, is_default: true });
}

pub(super) fn default_id(ec2: &Ec2<'_>) -> String {
    let default = ec2.state.dhcp_options.iter().find(|options| options.is_default);
    default.map_or_else(|| "default".to_owned(), |options| options.id.clone())
}

pub(super) fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateDhcpOptions" => create,
        "AssociateDhcpOptions" => associate,
        "DeleteDhcpOptions" => delete,
        "DescribeDhcpOptions" => describe,
        _ => return None,
    })
}

fn create(ec2: &mut Ec2<'_>) -> Reply {
    const KEYS: [&str; 6] = [
        "domain-name",
        "domain-name-servers",
        "ntp-servers",
        "netbios-name-servers",
        "netbios-node-type",
        "ipv6-address-preferred-lease-time",
    ];
    let mut options = BTreeMap::new();
    for item in ec2.call.items("DhcpConfiguration") {
        let key = item.get("Key").and_then(Value::as_str).unwrap_or_default();
        if !KEYS.contains(&key) {
            return Err(invalid(format!("Value ({key}) for parameter dhcpConfiguration is invalid. Unknown option.")));
        }
        let values = item.get("Value").and_then(Value::as_array).into_iter().flatten();
        let values: Vec<String> = values.filter_map(|value| value.as_str().map(str::to_owned)).collect();
        options.insert(key.to_owned(), values);
    }
    if options.is_empty() {
        return Err(missing("DhcpConfiguration"));
    }
    let tags = tags::of_create(ec2, DhcpOptions::KIND.resource_type)?;
    let options = DhcpOptions { id: ec2.ids.hex("dopt"), options: options.into_iter().collect(), is_default: false };
    ec2.tag(&options.id, tags);
    let answer = wire(ec2, &options);
    ec2.state.dhcp_options.insert_seen(options);
    Ok(json!({"dhcpOptions": answer}))
}

fn wire(ec2: &Ec2<'_>, options: &DhcpOptions) -> Value {
    let configuration: Vec<Value> = options
        .options
        .iter()
        .map(|(key, values)| {
            let values: Vec<Value> = values.iter().map(|value| json!({"value": value})).collect();
            json!({"key": key, "valueSet": values})
        })
        .collect();
    json!({
        "dhcpOptionsId": options.id,
        "ownerId": ec2.call.account,
        "dhcpConfigurationSet": configuration,
        "tagSet": ec2.tags_of(&options.id),
    })
}

const LISTING: Listing = Listing {
    set: "dhcpOptionsSet",
    ids: "DhcpOptionsId",
    id: "dhcpOptionsId",
    filters: &[
        ("dhcp-options-id", "dhcpOptionsId"),
        ("key", "dhcpConfigurationSet.key"),
        ("value", "dhcpConfigurationSet.valueSet.value"),
        ("owner-id", "ownerId"),
    ],
    tagged: true,
    page: Page::USUAL,
};

fn describe(ec2: &mut Ec2<'_>) -> Reply {
    list(ec2, &LISTING, &ec2.state.dhcp_options, |options| wire(ec2, options))
}

/// `default` means no options at all.
fn associate(ec2: &mut Ec2<'_>) -> Reply {
    let vpc = ec2.required("VpcId")?.to_owned();
    let options = ec2.required("DhcpOptionsId")?.to_owned();
    if options != "default" {
        ec2.state.dhcp_options.get(&options)?;
    }
    ec2.state.vpcs.get_mut(&vpc)?.dhcp_options = options;
    done()
}

fn delete(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("DhcpOptionsId")?.to_owned();
    ec2.state.dhcp_options.get(&id)?;
    if ec2.state.vpcs.iter().any(|vpc| vpc.dhcp_options == id) {
        return Err(in_use("dhcpOptions", &id));
    }
    ec2.state.dhcp_options.remove(&id);
    ec2.state.tags.remove(&id);
    done()
}
