//! Client tokens: the same token with the same parameters gives the same answer again, also when what it once made has
//! been deleted since. How long AWS remembers a token is not known; here it is for ever.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html>,
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Ec2, Operation, bad_request, endpoint};
use crate::sandbox::wire::Reply;

/// Parameters and answer by operation and token.
pub type Tokens = BTreeMap<(String, String), (Value, Value)>;

const WITH_TOKEN: [&str; 6] = [
    "CreateRouteTable",
    "CreateVpcEndpoint",
    "CreateNatGateway",
    "CreateEgressOnlyInternetGateway",
    "CreateNetworkAcl",
    "CreateNetworkInterface",
];

/// Does what is asked for, unless that has been done before under the same token.
pub fn once(ec2: &mut Ec2<'_>, operation: Operation) -> Reply {
    let name = ec2.call.operation.as_str();
    let token = ec2.call.text("ClientToken").filter(|_| WITH_TOKEN.contains(&name));
    let Some(token) = token else {
        return operation(ec2);
    };
    if token.len() > 64 || !token.is_ascii() {
        return Err(bad_request("InvalidParameterValue", "Client tokens are at most 64 ASCII characters long."));
    }
    let key = (name.to_owned(), token.to_owned());
    if let Some((params, answer)) = ec2.state.tokens.get(&key) {
        if *params != ec2.call.params {
            let message = "The client token was used before with other parameters.";
            return Err(bad_request("IdempotentParameterMismatch", message));
        }
        return Ok(endpoint::as_of_now(ec2, answer.clone()));
    }
    let answer = operation(ec2)?;
    ec2.state.tokens.insert(key, (ec2.call.params.clone(), answer.clone()));
    Ok(answer)
}
