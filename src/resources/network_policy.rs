//! What an endpoint of ours lets through: the least that the environment needs, service by service.
//! Pure.
//!
//! An endpoint policy grants nothing. It is the limit of what anybody can do through the endpoint, with whatever credentials: without one, somebody
//! in the notebook could carry data out to a bucket or a repository of an account of their own. Every statement is for `Principal: "*"` and
//! names the role or the account in a condition: a gateway endpoint takes no other principal, and the ARN of a role as principal is turned
//! into the id of that very role, so that it means nothing any more when the role is made again.
//!
//! AWS on this: <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/python-configure-pip.html>,
//! <https://docs.aws.amazon.com/codeartifact/latest/ug/create-s3-gateway-endpoint.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    environment::{BucketAccess, EndpointPolicy, Environment, ExecutionRole, Install},
    policy::{Caseless, Effect, PolicyDocument, Statement},
    services::{Service, code_artifact_assets},
};

/// The most characters that AWS takes.
pub const SIZE_LIMIT: usize = 20_480;

/// The policy that an endpoint should have.
#[must_use]
pub fn policy_of(environment: &Environment, service: Service, policy: &EndpointPolicy) -> PolicyDocument {
    match policy {
        EndpointPolicy::LeastPrivilege => least_privilege(environment, service),
        EndpointPolicy::FullAccess => full_access(),
        EndpointPolicy::Document(document) => document.clone(),
    }
}

/// What AWS gives an endpoint that is made without a policy: everything to everybody.
fn full_access() -> PolicyDocument {
    let everything = Statement { sid: None, ..Statement::allow("", ["*"], ["*"]).by(["*"]) };
    PolicyDocument { version: "2008-10-17".into(), statements: BTreeSet::from([everything]) }
}

/// What this environment needs of a service, and no more.
#[must_use]
pub fn least_privilege(environment: &Environment, service: Service) -> PolicyDocument {
    let of_role = OfRole { environment };
    let statements = match service {
        Service::CodeArtifactApi => code_artifact_api(environment, &of_role),
        Service::CodeArtifactRepositories => {
            vec![of_role.allows("ReadPackages", READ_PACKAGES, repositories(environment))]
        }
        Service::SageMakerApi => sagemaker_api(environment, &of_role),
        Service::SageMakerNotebook => vec![open_notebooks(environment)],
        Service::SageMakerRuntime => of_account_or_role(environment, &of_role, "sagemaker", &[]),
        Service::Sts => of_account_or_role(environment, &of_role, "sts", &STS),
        Service::Logs => logs(environment, &of_role),
        Service::S3 => s3(environment, &of_role),
        Service::Monitoring | Service::Kms | Service::EcrApi | Service::EcrDocker | Service::Ec2 => {
            vec![own_account(environment)]
        }
    };
    PolicyDocument::new(or_nothing(statements))
}

/// Reading packages is all that pip does at `codeartifact.repositories`. Publishing would be a way to carry data out.
const READ_PACKAGES: [&str; 1] = ["codeartifact:ReadFromRepository"];
/// What logging in asks of the domain, and what finding one's way around it asks.
const DOMAIN: [&str; 3] =
    ["codeartifact:GetAuthorizationToken", "codeartifact:DescribeDomain", "codeartifact:ListRepositoriesInDomain"];
/// What reading asks of a repository.
const REPOSITORY: [&str; 4] = [
    "codeartifact:GetRepositoryEndpoint",
    "codeartifact:ReadFromRepository",
    "codeartifact:DescribeRepository",
    "codeartifact:ListPackages",
];
/// What reading asks of packages, which have ARNs of their own.
const PACKAGE: [&str; 4] = [
    "codeartifact:DescribePackageVersion",
    "codeartifact:ListPackageVersions",
    "codeartifact:ListPackageVersionAssets",
    "codeartifact:GetPackageVersionReadme",
];
/// What people and idle-stop scripts in the VPC do with notebooks.
const NOTEBOOKS: [&str; 5] = [
    "sagemaker:CreatePresignedNotebookInstanceUrl",
    "sagemaker:DescribeNotebookInstance",
    "sagemaker:StartNotebookInstance",
    "sagemaker:StopNotebookInstance",
    "sagemaker:ListTags",
];
const STS: [&str; 2] = ["sts:GetCallerIdentity", "sts:GetServiceBearerToken"];
const LOGS: [&str; 4] = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"];

/// Keys of conditions of which endpoint policies take whole values only.
const IN_FULL: [&str; 8] = [
    "aws:PrincipalAccount",
    "aws:PrincipalOrgID",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:SourceAccount",
    "aws:SourceOrgID",
    "aws:SourceVpc",
    "aws:SourceVpce",
];
/// How many characters have to stand together on one side of a wildcard.
const AROUND_WILDCARD: usize = 6;

/// What an endpoint policy takes of the conditions under an operator: fewer wildcards than a policy of IAM. What it does not take is left to the
/// role's own policy, which says it all the same.
fn taken_by_endpoints(
    (operator, mut keys): (String, BTreeMap<Caseless, BTreeSet<String>>),
) -> Option<(String, BTreeMap<Caseless, BTreeSet<String>>)> {
    if operator.rsplit(':').next().is_some_and(|operator| operator.starts_with("String")) {
        keys.retain(|key, values| {
            let in_full = IN_FULL.iter().any(|name| name.eq_ignore_ascii_case(key.as_str()));
            values.iter().all(|value| {
                let parts: Vec<usize> = value.split(['*', '?']).map(|part| part.chars().count()).collect();
                let beside = |pair: &[usize]| pair.iter().any(|part| *part >= AROUND_WILDCARD);
                parts.len() == 1 || !in_full && parts.windows(2).all(beside)
            })
        });
    }
    (!keys.is_empty()).then_some((operator, keys))
}

/// Everything that the notebooks' role may do through an endpoint.
struct OfRole<'a> {
    environment: &'a Environment,
}

impl OfRole<'_> {
    /// The role may do this. A session of the role has the role's ARN in `aws:PrincipalArn`.
    fn allows<A: Into<String>, R: Into<String>>(
        &self,
        sid: &str,
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Statement {
        self.only(Statement::allow(sid, actions, resources))
    }

    /// What the manifest's own statements let the role do at a service: they would be void if the endpoint stopped it. The Sids are ours, as
    /// two statements of the manifest may well have none.
    fn statements_of(&self, service: &str) -> Vec<Statement> {
        let ExecutionRole::Managed(role) = &self.environment.role else { return Vec::new() };
        let prefix = format!("{service}:");
        let granting =
            role.statements.iter().filter(|statement| statement.effect == Effect::Allow && !statement.actions.negated);
        let relevant = granting.filter_map(|statement| {
            let mut statement = statement.clone();
            statement.actions.patterns.retain(|action| action.starts_with(&prefix) || action.as_str() == "*");
            statement.conditions = statement.conditions.into_iter().filter_map(taken_by_endpoints).collect();
            (!statement.actions.patterns.is_empty()).then_some(statement)
        });
        let renamed =
            relevant.enumerate().map(|(at, statement)| Statement { sid: Some(format!("Role{}", at + 1)), ..statement });
        renamed.map(|statement| self.only(statement)).collect()
    }

    fn only(&self, statement: Statement) -> Statement {
        let leaving = self.environment.leaving.roles.iter().cloned();
        statement.by(["*"]).when("ArnEquals", "aws:PrincipalArn", leaving.chain([self.environment.role_arn()]))
    }
}

/// Everybody with credentials of the environment's account may do this, nobody else.
fn of_account<A: Into<String>, R: Into<String>>(
    environment: &Environment,
    sid: &str,
    actions: impl IntoIterator<Item = A>,
    resources: impl IntoIterator<Item = R>,
) -> Statement {
    Statement::allow(sid, actions, resources).by(["*"]).when(
        "StringEquals",
        "aws:PrincipalAccount",
        [environment.account.clone()],
    )
}

/// For services of which the product does not know what they are used for: whatever the account's own principals may do.
fn own_account(environment: &Environment) -> Statement {
    of_account(environment, "OwnAccount", ["*"], ["*"])
}

fn of_account_or_role(
    environment: &Environment,
    of_role: &OfRole<'_>,
    service: &str,
    actions: &[&str],
) -> Vec<Statement> {
    let mut statements = of_role.statements_of(service);
    if !actions.is_empty() {
        statements.push(of_account(environment, "OwnAccount", actions.iter().copied(), ["*"]));
    }
    statements
}

/// Logging in (`CodeArtifact` asks STS for the token on the caller's behalf, and that must pass here) and reading.
fn code_artifact_api(environment: &Environment, of_role: &OfRole<'_>) -> Vec<Statement> {
    vec![
        of_role.allows("BearerToken", ["sts:GetServiceBearerToken"], ["*"]),
        of_role.allows("Domain", DOMAIN, [environment.domain_arn()]),
        of_role.allows("Repositories", REPOSITORY, repositories(environment)),
        of_role.allows("Packages", PACKAGE, packages(environment)),
    ]
}

/// The environment's repositories. All of them, not only the one that is installed from: whether reading through an upstream is checked against the
/// upstream as well is not documented, and which of them the role may read is for its own policy to say.
fn repositories(environment: &Environment) -> BTreeSet<String> {
    let names = environment.packages.repositories.iter().map(|repository| &repository.name);
    let installed = environment.packages.install.iter().map(|install| &install.repository);
    let names = names.chain(installed).chain(&environment.leaving.repositories);
    let arns: BTreeSet<String> = names.map(|name| environment.repository_arn(name)).collect();
    if arns.is_empty() { BTreeSet::from([environment.repository_arn("*")]) } else { arns }
}

fn packages(environment: &Environment) -> BTreeSet<String> {
    repositories(environment).iter().map(|arn| format!("{}/*", arn.replacen(":repository/", ":package/", 1))).collect()
}

fn sagemaker_api(environment: &Environment, of_role: &OfRole<'_>) -> Vec<Statement> {
    let mut statements = of_role.statements_of("sagemaker");
    statements.push(of_account(environment, "Notebooks", NOTEBOOKS, notebooks(environment)));
    // Lists have no resource.
    statements.push(of_account(environment, "List", ["sagemaker:ListNotebookInstances"], ["*"]));
    statements
}

/// Every request to a notebook's own address counts as the one that made its URL.
fn open_notebooks(environment: &Environment) -> Statement {
    of_account(environment, "OpenNotebooks", ["sagemaker:CreatePresignedNotebookInstanceUrl"], notebooks(environment))
}

/// The ARNs of the environment's notebooks, in both spellings of their names: AWS shows some names in lower case.
fn notebooks(environment: &Environment) -> BTreeSet<String> {
    let arn = |name: &str| {
        format!("arn:aws:sagemaker:{}:{}:notebook-instance/{name}", environment.region, environment.account)
    };
    let names = environment.notebooks.iter().map(|notebook| &notebook.name).chain(&environment.leaving.notebooks);
    let names = names.flat_map(|name| [name.clone(), name.to_ascii_lowercase()]);
    let arns: BTreeSet<String> = names.map(|name| arn(&name)).collect();
    if arns.is_empty() { BTreeSet::from([arn("*")]) } else { arns }
}

fn logs(environment: &Environment, of_role: &OfRole<'_>) -> Vec<Statement> {
    let group = format!("arn:aws:logs:{}:{}:log-group:/aws/sagemaker/*", environment.region, environment.account);
    let mut statements = of_role.statements_of("logs");
    statements.push(of_account(environment, "NotebookLogs", LOGS, [group]));
    statements
}

/// The buckets of the role. Those with `CodeArtifact`'s assets only for formats that fetch from there, which pip does not: such requests carry URLs
/// that a service signed, so that neither role nor account can be demanded.
fn s3(environment: &Environment, of_role: &OfRole<'_>) -> Vec<Statement> {
    let mut statements = of_role.statements_of("s3");
    statements.extend(bucket_statements(environment.buckets(), of_role));
    if environment.packages.install.as_ref().is_some_and(Install::fetches_from_s3) {
        let assets = code_artifact_assets(&environment.region);
        statements.extend(assets.map(|assets| Statement::allow("PackageAssets", ["s3:GetObject"], [assets]).by(["*"])));
    }
    statements
}

fn bucket_statements(buckets: &[BucketAccess], of_role: &OfRole<'_>) -> Vec<Statement> {
    let arn = |access: &BucketAccess| format!("arn:aws:s3:::{}", access.bucket);
    let objects = |access: &BucketAccess| format!("{}/*", arn(access));
    let mut statements = Vec::new();
    if !buckets.is_empty() {
        statements.push(of_role.allows("Buckets", ["s3:ListBucket", "s3:GetBucketLocation"], buckets.iter().map(arn)));
        statements.push(of_role.allows("ReadObjects", ["s3:GetObject"], buckets.iter().map(objects)));
    }
    let writable: Vec<String> = buckets.iter().filter(|access| access.write).map(objects).collect();
    if !writable.is_empty() {
        let actions = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];
        statements.push(of_role.allows("WriteObjects", actions, writable));
    }
    statements
}

/// AWS takes no policy without statements; an endpoint of which nothing is needed lets nothing through.
fn or_nothing(statements: Vec<Statement>) -> Vec<Statement> {
    if statements.is_empty() { vec![Statement::allow("Nothing", ["*"], ["*"]).by(["*"]).denying()] } else { statements }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::policy::Clause;
    use crate::{
        model::environment::ManagedRole,
        resources::test_environment::{environment, managed_role},
    };

    fn statement<'a>(policy: &'a PolicyDocument, sid: &str) -> &'a Statement {
        policy
            .statements
            .iter()
            .find(|statement| statement.sid.as_deref() == Some(sid))
            .unwrap_or_else(|| panic!("no statement {sid}"))
    }

    fn condition(statement: &Statement, operator: &str, key: &str) -> Vec<String> {
        statement.conditions[operator][&key.into()].iter().cloned().collect()
    }

    fn with_role(change: impl FnOnce(&mut ManagedRole)) -> Environment {
        let mut environment = environment();
        change(managed_role(&mut environment));
        environment
    }

    #[test]
    fn nothing_passes_an_endpoint_with_foreign_credentials_but_signed_asset_urls() {
        let environment = environment();
        for service in Service::ALL {
            for statement in &least_privilege(&environment, service).statements {
                let role = statement.conditions.get("ArnEquals").and_then(|keys| keys.get(&"aws:PrincipalArn".into()));
                let account =
                    statement.conditions.get("StringEquals").and_then(|keys| keys.get(&"aws:PrincipalAccount".into()));
                assert!(role.or(account).is_some() || statement.effect == Effect::Deny, "{service}: {statement:?}");
                assert_eq!(
                    statement.principals.as_ref().map(|clause| clause.patterns.contains("*")),
                    Some(true),
                    "{service}"
                );
            }
        }
    }

    #[test]
    fn the_role_logs_in_and_reads_its_repositories_through_the_code_artifact_endpoints() {
        let environment = environment();
        let api = least_privilege(&environment, Service::CodeArtifactApi);
        let bearer = statement(&api, "BearerToken");
        assert!(bearer.actions.patterns.contains(&"sts:GetServiceBearerToken".into()));
        assert_eq!(condition(bearer, "ArnEquals", "aws:principalarn"), [environment.role_arn()]);
        assert!(statement(&api, "Domain").actions.patterns.contains(&"codeartifact:GetAuthorizationToken".into()));
        let packages = statement(&api, "Packages").resources.as_ref().unwrap();
        assert!(
            packages
                .patterns
                .contains("arn:aws:codeartifact:ap-northeast-1:111122223333:package/test-artifact-domain/pypi-store/*")
        );
        let repositories = least_privilege(&environment, Service::CodeArtifactRepositories);
        let read = statement(&repositories, "ReadPackages");
        assert_eq!(read.actions, Clause::of(["codeartifact:ReadFromRepository"]));
        assert!(
            read.resources.as_ref().unwrap().patterns.contains(&environment.repository_arn("test-artifact-repository"))
        );
    }

    #[test]
    fn nobody_publishes_through_an_endpoint() {
        let environment = environment();
        for service in [Service::CodeArtifactApi, Service::CodeArtifactRepositories] {
            let text = least_privilege(&environment, service).to_json();
            assert!(
                !text.contains("publish") && !text.contains("copy") && !text.contains("\"codeartifact:*\""),
                "{text}"
            );
        }
    }

    #[test]
    fn the_asset_bucket_is_reachable_only_for_formats_that_need_it() {
        let mut environment = environment();
        assert!(!least_privilege(&environment, Service::S3).to_json().contains("assets-"));
        environment.packages.install.as_mut().unwrap().formats.insert("npm".into());
        let policy = least_privilege(&environment, Service::S3);
        let assets = statement(&policy, "PackageAssets");
        assert!(assets.conditions.is_empty(), "a service signs these requests");
        assert_eq!(
            assets.resources.as_ref().unwrap().patterns.first().unwrap(),
            "arn:aws:s3:::assets-660291247815-ap-northeast-1/*"
        );
    }

    #[test]
    fn only_writable_buckets_can_be_written_to() {
        let environment = with_role(|role| {
            role.s3 = vec![
                BucketAccess { bucket: "in".into(), write: false },
                BucketAccess { bucket: "out".into(), write: true },
            ];
        });
        let policy = least_privilege(&environment, Service::S3);
        let write = statement(&policy, "WriteObjects").resources.as_ref().unwrap();
        assert_eq!(write.patterns.iter().collect::<Vec<_>>(), ["arn:aws:s3:::out/*"]);
        assert_eq!(statement(&policy, "ReadObjects").resources.as_ref().unwrap().patterns.len(), 2);
    }

    #[test]
    fn an_endpoint_of_which_nothing_is_needed_lets_nothing_through() {
        let environment = with_role(|role| role.s3.clear());
        let policy = least_privilege(&environment, Service::S3);
        assert!(policy.only_denies());
    }

    #[test]
    fn what_the_manifest_grants_the_role_passes_for_the_role_only() {
        let environment = with_role(|role| {
            let training = Statement::allow("Train", ["sagemaker:CreateTrainingJob", "iam:PassRole"], ["*"]);
            role.statements = vec![training, Statement::allow("No", ["sagemaker:DeleteModel"], ["*"]).denying()];
        });
        let policy = least_privilege(&environment, Service::SageMakerApi);
        let train = statement(&policy, "Role1");
        assert_eq!(train.actions, Clause::of(["sagemaker:CreateTrainingJob"]));
        assert_eq!(condition(train, "ArnEquals", "aws:principalarn"), [environment.role_arn()]);
        assert!(!policy.to_json().contains("deletemodel"));
    }

    #[test]
    fn conditions_that_no_endpoint_takes_are_left_to_the_role() {
        let environment = with_role(|role| {
            let list = Statement::allow("List", ["s3:ListBucket"], ["*"])
                .when("StringLike", "s3:prefix", ["home/*"])
                .when("StringEquals", "s3:delimiter", ["/"])
                .when("ForAnyValue:StringLike", "aws:SourceVpc", ["vpc-0123456*"]);
            role.statements = vec![
                list,
                Statement::allow("Get", ["s3:GetObject"], ["*"]).when(
                    "StringLike",
                    "s3:ExistingObjectTag/team",
                    ["data-science-*"],
                ),
            ];
        });
        let policy = least_privilege(&environment, Service::S3);
        let text = policy.to_json();
        assert!(!text.contains("home/") && !text.contains("vpc-0123456"), "{text}");
        assert_eq!(condition(statement(&policy, "Role1"), "StringEquals", "s3:delimiter"), ["/"]);
        assert!(text.contains("data-science-*"), "{text}");
    }

    #[test]
    fn notebooks_are_opened_by_the_accounts_own_principals() {
        let policy = least_privilege(&environment(), Service::SageMakerNotebook);
        let open = statement(&policy, "OpenNotebooks");
        assert_eq!(condition(open, "StringEquals", "aws:principalaccount"), ["111122223333"]);
        let arns = &open.resources.as_ref().unwrap().patterns;
        assert!(arns.contains("arn:aws:sagemaker:ap-northeast-1:111122223333:notebook-instance/test-notebook"));
    }

    #[test]
    fn full_access_means_what_aws_means() {
        let aws = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
        let policy = policy_of(&environment(), Service::Sts, &EndpointPolicy::FullAccess);
        assert_eq!(policy, PolicyDocument::parse(aws).unwrap());
    }

    #[test]
    fn a_large_environment_stays_within_what_aws_takes() {
        let mut environment = environment();
        let repository = environment.packages.repositories[0].clone();
        let names = (0..20).map(|at| format!("{}-{at}", "r".repeat(90)));
        environment.packages.repositories =
            names.map(|name| crate::model::environment::Repository { name, ..repository.clone() }).collect();
        for service in Service::ALL {
            assert!(least_privilege(&environment, service).to_json().len() <= SIZE_LIMIT, "{service}");
        }
    }
}
