//! Letting a VPN gateway add to the routes of a table.
//!
//! AWS on this: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableVgwRoutePropagation.html>.

use super::super::{Ec2, bad_request, done};
use crate::sandbox::wire::{Refusal, Reply};

pub(super) fn enable(ec2: &mut Ec2<'_>) -> Reply {
    let (table, gateway) = named(ec2)?;
    ec2.state.route_tables.get_mut(&table)?.propagating.insert(gateway);
    done()
}

pub(super) fn disable(ec2: &mut Ec2<'_>) -> Reply {
    let (table, gateway) = named(ec2)?;
    ec2.state.route_tables.get_mut(&table)?.propagating.remove(&gateway);
    done()
}

/// The table and the gateway that a call names, which are of the same VPC.
fn named(ec2: &Ec2<'_>) -> Result<(String, String), Refusal> {
    let table = ec2.required("RouteTableId")?.to_owned();
    let gateway = ec2.required("GatewayId")?.to_owned();
    let vpc = &ec2.state.route_tables.get(&table)?.vpc;
    if ec2.state.vpn_gateways.get(&gateway)?.vpc.as_ref() != Some(vpc) {
        let message = format!("resource {gateway} is not attached to network {vpc}");
        return Err(bad_request("Gateway.NotAttached", message));
    }
    Ok((table, gateway))
}
