//! The way by which a request came. One that was sent to an own name of a VPC endpoint came through that endpoint: its policy has a
//! say, and policies see the endpoint and its VPC in place of an address.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html>,
//! <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.

use bytes::Bytes;
use http::{Request, header};

use super::ec2::endpoint::Endpoint;
use super::policy::{AccessRequest, Decision, Document, Kind, evaluate};
use super::world::World;

/// A VPC endpoint on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Its id.
    pub endpoint: String,
    /// The VPC it is in.
    pub vpc: String,
    /// What it lets through.
    pub policy: String,
}

/// A name that leads nowhere: there is no such endpoint, or not yet, or not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nowhere;

/// Through which endpoint a request came, if through one.
///
/// # Errors
/// It was sent to an endpoint that is not there.
pub fn of(world: &mut World, request: &Request<Bytes>) -> Result<Option<Way>, Nowhere> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).or(request.uri().host());
    let Some((id, region)) = host.and_then(endpoint_in) else { return Ok(None) };
    let accounts: Vec<String> = world.account_ids().map(str::to_owned).collect();
    for account in accounts {
        let endpoints = &world.account(&account).region(&region).ec2.endpoints;
        if let Some(endpoint) = endpoints.peek(&id).filter(|endpoint| endpoint.is_open()) {
            let policy = endpoint.policy().to_owned();
            return Ok(Some(Way { endpoint: id, vpc: endpoint.vpc.clone(), policy }));
        }
    }
    Err(Nowhere)
}

/// Id and region in the name of an endpoint, `vpce-ID-LABEL[-ZONE].SERVICE.REGION.vpce.amazonaws.com`.
fn endpoint_in(host: &str) -> Option<(String, String)> {
    let (label, rest) = host.strip_suffix(".vpce.amazonaws.com")?.split_once('.')?;
    let id: Vec<&str> = label.splitn(3, '-').take(2).collect();
    let id = id.join("-");
    Endpoint::is_id(&id).then_some(())?;
    Some((id, rest.rsplit('.').next()?.to_owned()))
}

impl Way {
    /// What policies see of it.
    pub fn describe(&self, request: &mut AccessRequest) {
        request.context.remove("aws:SourceIp");
        request.context.insert("aws:SourceVpce".into(), vec![self.endpoint.clone()]);
        request.context.insert("aws:SourceVpc".into(), vec![self.vpc.clone()]);
    }

    /// Whether the endpoint lets a request pass; if not, the end of AWS's sentence.
    ///
    /// # Errors
    /// Why not.
    pub fn lets_pass(&self, request: &AccessRequest) -> Result<(), String> {
        let documents: Vec<Document> = Document::parse(&self.policy, Kind::Resource).into_iter().collect();
        match evaluate(&documents, request) {
            Decision::Allow(_) => Ok(()),
            Decision::ExplicitDeny(_) => Err("with an explicit deny in a VPC endpoint policy".into()),
            Decision::ImplicitDeny => {
                Err(format!("because no VPC endpoint policy allows the {} action", request.action))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_endpoint_says_which_one_it_is_and_where() {
        let id = "vpce-0123456789abcdef0";
        let named = |host: &str| endpoint_in(host);
        let found = Some((id.to_owned(), "us-east-1".to_owned()));
        assert_eq!(named(&format!("{id}-a1b2c3d4.api.codeartifact.us-east-1.vpce.amazonaws.com")), found);
        assert_eq!(named(&format!("{id}-a1b2c3d4-us-east-1a.d.codeartifact.us-east-1.vpce.amazonaws.com")), found);
        assert_eq!(named("codeartifact.us-east-1.amazonaws.com"), None);
    }
}
