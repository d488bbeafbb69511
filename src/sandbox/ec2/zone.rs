//! Regions and availability zones: three in each region, `a` to `c`.

use serde_json::{Value, json};

use super::filter::filters;
use super::{Ec2, bad_request, invalid};
use crate::sandbox::wire::{Refusal, Reply};

const LETTERS: [char; 3] = ['a', 'b', 'c'];

/// The names of the zones of a region.
pub fn names(region: &str) -> impl Iterator<Item = String> {
    LETTERS.iter().map(move |letter| format!("{region}{letter}"))
}

/// The id of a zone: `apne1-az1` for `ap-northeast-1a`.
pub fn id_of(zone: &str) -> String {
    let (region, letter) = zone.split_at(zone.len().saturating_sub(1));
    let number = LETTERS.iter().position(|known| letter.starts_with(*known)).map_or(0, |at| at + 1);
    format!("{}-az{number}", abbreviation(region))
}

fn abbreviation(region: &str) -> String {
    region.split('-').map(short_part).collect()
}

fn short_part(part: &str) -> &str {
    match part {
        "north" => "n",
        "south" => "s",
        "east" => "e",
        "west" => "w",
        "central" => "c",
        "northeast" => "ne",
        "northwest" => "nw",
        "southeast" => "se",
        "southwest" => "sw",
        "gov" => "g",
        other => other,
    }
}

/// The zone that a create names, or one that AWS picks.
pub fn chosen(ec2: &Ec2<'_>) -> Result<String, Refusal> {
    let zones: Vec<String> = names(&ec2.call.region).collect();
    if let Some(id) = ec2.call.text("AvailabilityZoneId") {
        let found = zones.iter().find(|zone| id_of(zone) == id).cloned();
        return found.ok_or_else(|| invalid(format!("Value ({id}) for parameter availabilityZoneId is invalid.")));
    }
    let Some(name) = ec2.call.text("AvailabilityZone") else {
        return Ok(zones[ec2.ids.below(zones.len())].clone());
    };
    if zones.iter().any(|zone| zone == name) {
        return Ok(name.to_owned());
    }
    Err(invalid(format!(
        "Value ({name}) for parameter availabilityZone is invalid. Subnets can currently only be created in the \
         following availability zones: {}.",
        zones.join(", ")
    )))
}

const FILTERS: &[(&str, &str)] = &[
    ("group-long-name", "groupLongName"),
    ("group-name", "groupName"),
    ("message", "messageSet.message"),
    ("opt-in-status", "optInStatus"),
    ("parent-zone-id", "parentZoneId"),
    ("parent-zone-name", "parentZoneName"),
    ("region-name", "regionName"),
    ("state", "zoneState"),
    ("zone-id", "zoneId"),
    ("zone-name", "zoneName"),
    ("zone-type", "zoneType"),
];

/// `DescribeAvailabilityZones`.
pub fn describe_availability_zones(ec2: &mut Ec2<'_>) -> Reply {
    let region = &ec2.call.region;
    let rows: Vec<Value> = names(region)
        .map(|zone| {
            json!({
                "zoneName": zone,
                "zoneId": id_of(&zone),
                "zoneState": "available",
                "zoneType": "availability-zone",
                "regionName": region,
                "groupName": format!("{region}-zg-1"),
                "networkBorderGroup": region,
                "optInStatus": opt_in_status(region),
                "messageSet": [],
            })
        })
        .collect();
    let filters = filters(ec2.call, FILTERS, false)?;
    for (parameter, member) in [("ZoneName", "zoneName"), ("ZoneId", "zoneId")] {
        for wanted in ec2.call.texts(parameter) {
            if !rows.iter().any(|row| row.get(member).and_then(Value::as_str) == Some(&wanted)) {
                return Err(invalid(format!("Invalid availability zone: [{wanted}]")));
            }
        }
    }
    let wanted = |row: &Value, parameter: &str, member: &str| {
        let names = ec2.call.texts(parameter);
        names.is_empty() || names.iter().any(|name| row.get(member).and_then(Value::as_str) == Some(name))
    };
    let rows: Vec<Value> = rows
        .into_iter()
        .filter(|row| wanted(row, "ZoneName", "zoneName") && wanted(row, "ZoneId", "zoneId"))
        .filter(|row| filters.iter().all(|filter| filter.admits(row)))
        .collect();
    Ok(json!({"availabilityZoneInfo": rows}))
}

const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Regions that an account has to opt in to, and of which these accounts have.
const OPTED_IN: [&str; 1] = ["eu-south-1"];

fn opt_in_status(region: &str) -> &'static str {
    if OPTED_IN.contains(&region) { "opted-in" } else { "opt-in-not-required" }
}

const REGION_FILTERS: &[(&str, &str)] =
    &[("endpoint", "regionEndpoint"), ("opt-in-status", "optInStatus"), ("region-name", "regionName")];

/// `DescribeRegions`: those that the accounts can use.
pub fn describe_regions(ec2: &mut Ec2<'_>) -> Reply {
    let wanted = ec2.call.texts("RegionName");
    let all = || REGIONS.iter().chain(&OPTED_IN);
    if let Some(unknown) = wanted.iter().find(|name| !all().any(|region| region == name)) {
        return Err(bad_request("InvalidParameterValue", format!("Invalid region name: {unknown}")));
    }
    let filters = filters(ec2.call, REGION_FILTERS, false)?;
    let rows: Vec<Value> = all()
        .filter(|region| wanted.is_empty() || wanted.iter().any(|name| name == *region))
        .map(|region| {
            json!({
                "regionName": region,
                "regionEndpoint": format!("ec2.{region}.{}", crate::sandbox::region::dns_suffix(region)),
                "optInStatus": opt_in_status(region),
            })
        })
        .filter(|row| filters.iter().all(|filter| filter.admits(row)))
        .collect();
    Ok(json!({"regionInfo": rows}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_ids_abbreviate_the_region() {
        assert_eq!(id_of("ap-northeast-1a"), "apne1-az1");
        assert_eq!(id_of("us-gov-west-1c"), "usgw1-az3");
    }
}
