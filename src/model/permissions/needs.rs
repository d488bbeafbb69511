//! What installing packages, writing the log and using the data take: calls, the ways they go, and the condition keys they carry.

use crate::model::{
    access::{Context, Principal, Request},
    environment::{Environment, ExecutionRole},
    policy::Statement,
    resource::{Output, Seen},
    services::{Service, code_artifact_assets},
};

/// What a call is done to, as far as resource policies are seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Nothing that has a policy here.
    Nothing,
    /// The domain.
    Domain,
    /// A repository, by name.
    Repository(String),
}

/// A call that has to be possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    /// What it is for.
    pub(super) purpose: &'static str,
    /// What is done.
    pub(super) action: &'static str,
    /// To what.
    pub(super) resource: String,
    /// Whose policies have a say besides the role's.
    pub(super) target: Target,
    /// Through which endpoint it goes.
    pub(super) through: Option<Service>,
    /// Somebody else signed it: the role's policies have no say.
    pub(super) by_somebody: bool,
}

/// The token that CodeArtifact fetches from STS on the caller's behalf.
const BEARER: &str = "sts:GetServiceBearerToken";
/// Purposes that are no part of installing.
const LOG: &str = "write the log";
const DATA: &str = "use the data";
const CODE_ARTIFACT: &str = "codeartifact.amazonaws.com";

/// Keys that only calls of AWS services or of users have, and that no call here has.
const NEVER: [&str; 11] = [
    "aws:username",
    "aws:FederatedProvider",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceIdentity",
    "aws:TagKeys",
    "sts:ExternalId",
];

/// Everything that has to be possible.
pub(super) fn needs(environment: &Environment) -> Vec<Need> {
    let mut needs = install(environment);
    needs.extend(assets(environment));
    if let ExecutionRole::Managed(role) = &environment.role {
        needs.extend(logs(environment));
        for bucket in &role.s3 {
            let arn = format!("arn:aws:s3:::{}", bucket.bucket);
            let through = asked(environment, Service::S3);
            let data = |action, resource: String| Need { through, ..Need::plain(DATA, action, resource) };
            needs.push(data("s3:ListBucket", arn.clone()));
            needs.push(data("s3:GetObject", format!("{arn}/*")));
            if bucket.write {
                needs.push(data("s3:PutObject", format!("{arn}/*")));
            }
        }
    }
    needs
}

fn install(environment: &Environment) -> Vec<Need> {
    let Some(install) = &environment.packages.install else { return Vec::new() };
    let api = Some(Service::CodeArtifactApi);
    let repository = environment.repository_arn(&install.repository);
    let token = Need::plain("log in", "codeartifact:GetAuthorizationToken", environment.domain_arn());
    let bearer = Need::plain("log in", BEARER, "*".into());
    let resolve = Need::plain("find the repository", "codeartifact:GetRepositoryEndpoint", repository);
    vec![
        Need { target: Target::Domain, through: api, ..token },
        Need { through: api, ..bearer },
        Need { target: Target::Repository(install.repository.clone()), through: api, ..resolve },
        Need::read(environment, &install.repository),
    ]
}

fn assets(environment: &Environment) -> Option<Need> {
    environment.packages.install.as_ref().filter(|install| install.fetches_from_s3())?;
    let fetch = Need::plain("fetch files", "s3:GetObject", code_artifact_assets(&environment.region)?);
    Some(Need { through: Some(Service::S3), by_somebody: true, ..fetch })
}

fn logs(environment: &Environment) -> Vec<Need> {
    let Some(through) = asked(environment, Service::Logs) else { return Vec::new() };
    let group = format!(
        "arn:aws:logs:{}:{}:log-group:/aws/sagemaker/NotebookInstances:log-stream:*",
        environment.region, environment.account
    );
    let write = |action| Need { through: Some(through), ..Need::plain(LOG, action, group.clone()) };
    vec![write("logs:CreateLogStream"), write("logs:PutLogEvents")]
}

/// The service, if the environment has an endpoint for it.
fn asked(environment: &Environment, service: Service) -> Option<Service> {
    environment.network.endpoints.contains_key(&service).then_some(service)
}

impl Need {
    const fn plain(purpose: &'static str, action: &'static str, resource: String) -> Self {
        Self { purpose, action, resource, target: Target::Nothing, through: None, by_somebody: false }
    }

    /// To read packages of a repository, which is all that pip does.
    pub(super) fn read(environment: &Environment, repository: &str) -> Self {
        let read =
            Self::plain("read packages", "codeartifact:ReadFromRepository", environment.repository_arn(repository));
        Self {
            target: Target::Repository(repository.to_owned()),
            through: Some(Service::CodeArtifactRepositories),
            ..read
        }
    }

    /// The call as policies see it.
    pub(super) fn request(
        &self,
        environment: &Environment,
        role: &Seen,
        endpoint: Option<&Seen>,
        target: Option<&Seen>,
    ) -> Request {
        Request {
            principal: if self.by_somebody {
                Principal::Somebody
            } else {
                Principal::Role {
                    arn: role.outputs.get(&Output::Arn).cloned().unwrap_or_else(|| environment.role_arn()),
                }
            },
            action: self.action.to_owned(),
            resource: self.resource.clone(),
            context: self.context(environment, role, endpoint, target),
        }
    }

    fn context(
        &self,
        environment: &Environment,
        role: &Seen,
        endpoint: Option<&Seen>,
        target: Option<&Seen>,
    ) -> Context {
        if self.by_somebody {
            return Context::default().with("aws:SecureTransport", "true");
        }
        let mut context = Context::default()
            .with("aws:PrincipalArn", environment.role_arn())
            .with("aws:PrincipalAccount", &environment.account)
            .with("aws:PrincipalType", "AssumedRole")
            .with("aws:PrincipalIsAWSService", "false")
            .with("aws:RequestedRegion", &environment.region)
            .without(NEVER)
            .without_others("aws:RequestTag/")
            .without_others("aws:PrincipalTag/");
        for (key, value) in &role.tags {
            context = context.with(format!("aws:PrincipalTag/{key}"), value);
        }
        if self.action == BEARER {
            // CodeArtifact makes this call for the caller. Which keys of the caller's network it carries is not documented.
            return context.with("sts:AWSServiceName", CODE_ARTIFACT);
        }
        context = context.with("aws:SecureTransport", "true").with("aws:ViaAWSService", "false").without([
            "aws:CalledVia",
            "aws:CalledViaFirst",
            "aws:CalledViaLast",
        ]);
        if let Some(endpoint) = endpoint {
            context = context.with("aws:SourceVpce", &endpoint.id).without(["aws:SourceIp"]);
            if let Some(vpc) = endpoint.outputs.get(&Output::VpcId) {
                context = context.with("aws:SourceVpc", vpc);
            }
        }
        self.with_resource_keys(context, environment, target)
    }

    fn with_resource_keys(&self, context: Context, environment: &Environment, target: Option<&Seen>) -> Context {
        let owner = match self.target {
            Target::Domain | Target::Repository(_) => &environment.packages.domain.owner,
            // Whose bucket it is, nobody says.
            Target::Nothing => return context,
        };
        let context = context.with("aws:ResourceAccount", owner);
        // The tags of what another account owns may be hidden.
        match target.filter(|_| *owner == environment.account) {
            None => context,
            Some(target) => target
                .tags
                .iter()
                .fold(context, |context, (key, value)| context.with(format!("aws:ResourceTag/{key}"), value))
                .without_others("aws:ResourceTag/"),
        }
    }

    /// What it is about, for people: packages, the log, the data.
    pub(super) fn concern(&self) -> &'static str {
        match self.purpose {
            LOG | DATA => self.purpose,
            _ => "use packages",
        }
    }

    /// A statement of an identity policy that allows it.
    pub(super) fn grant(&self) -> Statement {
        let allow = Statement { sid: None, ..Statement::allow("", [self.action], [self.resource.clone()]) };
        if self.action == BEARER {
            return allow.when("StringEquals", "sts:AWSServiceName", [CODE_ARTIFACT]);
        }
        allow
    }
}
