//! Associating subnets with route tables.

use serde_json::json;

use super::super::{Ec2, bad_request, done, invalid, missing, vpc};
use super::{Association, RouteTable};
use crate::sandbox::wire::{Refusal, Reply};

pub(super) fn associate(ec2: &mut Ec2<'_>) -> Reply {
    let table_id = ec2.required("RouteTableId")?.to_owned();
    let Some(subnet_id) = ec2.call.text("SubnetId").map(str::to_owned) else {
        return Err(missing("SubnetId"));
    };
    let table = ec2.state.route_tables.get(&table_id)?;
    let subnet = ec2.state.subnets.get(&subnet_id)?;
    vpc::same_network(("route table", &table_id), ("subnet", &subnet_id), table.vpc == subnet.vpc)?;
    let subnet = Some(subnet_id);
    let associated = |table: &RouteTable| table.associations.iter().any(|association| association.subnet == subnet);
    if ec2.state.route_tables.iter().any(associated) {
        let message =
            format!("the specified association for route table {table_id} conflicts with an existing association");
        return Err(bad_request("Resource.AlreadyAssociated", message));
    }
    let id = ec2.ids.hex("rtbassoc");
    ec2.state.route_tables.get_mut(&table_id)?.associations.push(Association { id: id.clone(), subnet });
    Ok(json!({"associationId": id, "associationState": {"state": "associated"}}))
}

fn absent(id: &str) -> Refusal {
    bad_request("InvalidAssociationID.NotFound", format!("The association ID '{id}' does not exist"))
}

/// The table that has an association, and what the association is for.
fn holder(ec2: &Ec2<'_>, id: &str) -> Result<(String, Option<String>), Refusal> {
    let tables = ec2.state.route_tables.iter();
    let mut pairs = tables.flat_map(|table| table.associations.iter().map(move |association| (table, association)));
    let (table, association) = pairs.find(|(_, association)| association.id == id).ok_or_else(|| absent(id))?;
    Ok((table.id.clone(), association.subnet.clone()))
}

pub(super) fn disassociate(ec2: &mut Ec2<'_>) -> Reply {
    let id = ec2.required("AssociationId")?.to_owned();
    let (table, subnet) = holder(ec2, &id)?;
    if subnet.is_none() {
        return Err(invalid(format!("cannot disassociate the main route table association {id}")));
    }
    take(ec2, &table, &id);
    done()
}

fn take(ec2: &mut Ec2<'_>, table: &str, id: &str) {
    if let Some(table) = ec2.state.route_tables.peek_mut(table) {
        table.associations.retain(|association| association.id != id);
    }
}

/// Moves an association to another table and gives it a new id. This is also how a VPC gets another main table.
pub(super) fn replace(ec2: &mut Ec2<'_>) -> Reply {
    let old = ec2.required("AssociationId")?.to_owned();
    let target_id = ec2.required("RouteTableId")?.to_owned();
    let (from, subnet) = holder(ec2, &old)?;
    let to = ec2.state.route_tables.get(&target_id)?;
    let same_vpc = ec2.state.route_tables.peek(&from).is_some_and(|table| table.vpc == to.vpc);
    vpc::same_network(("route table", &target_id), ("route table", &from), same_vpc)?;
    take(ec2, &from, &old);
    let id = ec2.ids.hex("rtbassoc");
    ec2.state.route_tables.get_mut(&target_id)?.associations.push(Association { id: id.clone(), subnet });
    Ok(json!({"newAssociationId": id, "associationState": {"state": "associated"}}))
}
