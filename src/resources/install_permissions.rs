//! What a role must be allowed to do to install packages: the same whether it is ours or only gets a policy of ours.
//!
//! AWS on this: <https://docs.aws.amazon.com/codeartifact/latest/ug/python-configure-pip.html>.

use crate::model::{environment::Environment, policy::Statement};

/// The statements, none when nothing is installed.
///
/// Only the repository that is installed from is named: what it reaches through its upstreams it fetches itself, and a right to read
/// an upstream would go around it.
pub fn statements(environment: &Environment) -> Vec<Statement> {
    let Some(install) = &environment.packages.install else { return Vec::new() };
    let installed = environment.leaving.installed.iter().chain([&install.repository]);
    let repositories: Vec<String> = installed.map(|repository| environment.repository_arn(repository)).collect();
    vec![
        Statement::allow("Token", ["codeartifact:GetAuthorizationToken"], [environment.domain_arn()]),
        Statement::allow("Bearer", ["sts:GetServiceBearerToken"], ["*"]).when(
            "StringEquals",
            "sts:AWSServiceName",
            ["codeartifact.amazonaws.com"],
        ),
        Statement::allow(
            "Read",
            ["codeartifact:GetRepositoryEndpoint", "codeartifact:ReadFromRepository", "codeartifact:ListPackages"],
            repositories,
        ),
    ]
}
