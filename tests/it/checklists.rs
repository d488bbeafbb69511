//! What the published walk-throughs make, property by property, as the unmodified `aws` command finds it in AWS: with the manifest as published all
//! of it, with the recommended one all but what `docs/reference/deviations.md` lists.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::{end_to_end::Stage, world::ACCOUNT};

/// The administrative actions that the published endpoint policy denies.
const DENIED: [&str; 10] = [
    "codeartifact:CreateDomain",
    "codeartifact:CreateRepository",
    "codeartifact:DeleteDomain",
    "codeartifact:DeleteDomainPermissionsPolicy",
    "codeartifact:DeletePackageVersions",
    "codeartifact:DeleteRepository",
    "codeartifact:DeleteRepositoryPermissionsPolicy",
    "codeartifact:PutDomainPermissionsPolicy",
    "codeartifact:PutRepositoryPermissionsPolicy",
    "codeartifact:UpdateRepository",
];

/// What the published repository policy lets the role do.
const GRANTED: [&str; 21] = [
    "codeartifact:AssociateExternalConnection",
    "codeartifact:CopyPackageVersions",
    "codeartifact:DeletePackageVersions",
    "codeartifact:DeleteRepository",
    "codeartifact:DeleteRepositoryPermissionsPolicy",
    "codeartifact:DescribePackageVersion",
    "codeartifact:DescribeRepository",
    "codeartifact:DisassociateExternalConnection",
    "codeartifact:DisposePackageVersions",
    "codeartifact:GetPackageVersionReadme",
    "codeartifact:GetRepositoryEndpoint",
    "codeartifact:ListPackageVersionAssets",
    "codeartifact:ListPackageVersionDependencies",
    "codeartifact:ListPackageVersions",
    "codeartifact:ListPackages",
    "codeartifact:PublishPackageVersion",
    "codeartifact:PutPackageMetadata",
    "codeartifact:PutRepositoryPermissionsPolicy",
    "codeartifact:ReadFromRepository",
    "codeartifact:UpdatePackageVersionsStatus",
    "codeartifact:UpdateRepository",
];

/// The `aws` command in one region, and what the environment's status says.
struct Checklist<'a> {
    stage: &'a Stage,
    region: &'static str,
    status: Json,
    published: bool,
}

/// A list's items.
fn items(list: &Json) -> &[Json] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The texts of a field that is one text or a list of them, or of a field of a list's items.
fn texts(value: &Json) -> BTreeSet<String> {
    match value {
        Json::String(text) => BTreeSet::from([text.clone()]),
        other => items(other).iter().filter_map(Json::as_str).map(ToOwned::to_owned).collect(),
    }
}

fn set<const N: usize>(values: [&str; N]) -> BTreeSet<String> {
    values.into_iter().map(ToOwned::to_owned).collect()
}

fn text<'a>(value: &'a Json, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value:#}"))
}

/// What the statements of an effect say about these actions, as pairs of action and resource.
fn grants(document: &Json, effect: &str) -> BTreeSet<(String, String)> {
    let statements = items(&document["Statement"]).iter().filter(|statement| statement["Effect"] == effect);
    let pairs = statements.flat_map(|statement| {
        let (actions, resources) = (texts(&statement["Action"]), texts(&statement["Resource"]));
        let pairs = actions.into_iter().flat_map(move |action| {
            resources.clone().into_iter().map(move |resource| (action.to_ascii_lowercase(), resource))
        });
        pairs.collect::<Vec<_>>()
    });
    pairs.collect()
}

fn policy_of(endpoint: &Json) -> Json {
    serde_json::from_str(text(endpoint, "PolicyDocument")).expect("JSON")
}

fn assert_granted(document: &Json, actions: &[&str], resource: &str) {
    let granted = grants(document, "Allow");
    for action in actions {
        let pair = (action.to_ascii_lowercase(), resource.to_owned());
        assert!(granted.contains(&pair), "{action} on {resource} in {document:#}");
    }
}

impl Checklist<'_> {
    fn aws(&self, args: &[&str]) -> Json {
        self.stage.aws(self.region, args)
    }

    fn codeartifact(&self, domain: &str, command: &str, args: &[&str]) -> Json {
        self.aws(&[&["codeartifact", command, "--domain", domain], args].concat())
    }

    /// A group's rules: who from or to, by which protocol and port.
    fn rules(&self, group: &str, egress: bool) -> BTreeSet<String> {
        let filter = format!("Name=group-id,Values={group}");
        let rules = self.aws(&["ec2", "describe-security-group-rules", "--filters", &filter]);
        let mine = items(&rules["SecurityGroupRules"]).iter().filter(|rule| rule["IsEgress"] == egress);
        let peer = |rule: &Json| {
            let group = rule["ReferencedGroupInfo"]["GroupId"].as_str();
            let peer = group.or(rule["CidrIpv4"].as_str()).or(rule["PrefixListId"].as_str());
            peer.unwrap_or_else(|| panic!("a rule towards nobody: {rule:#}")).to_owned()
        };
        mine.map(|rule| format!("{} {} {}", text(rule, "IpProtocol"), rule["FromPort"], peer(rule))).collect()
    }

    fn endpoints(&self) -> Vec<Json> {
        items(&self.aws(&["ec2", "describe-vpc-endpoints"])["VpcEndpoints"]).to_vec()
    }

    /// The status has the ids that AWS has.
    fn check_network_status(&self, vpc: &str, subnet: &str) {
        let network = &self.status["network"];
        assert_eq!((&network["vpcId"], &network["subnetIds"]), (&json!(vpc), &json!([subnet])));
        let told: BTreeSet<_> =
            items(&network["endpoints"]).iter().map(|one| (text(one, "id"), text(one, "state"))).collect();
        let endpoints = self.endpoints();
        let there: BTreeSet<_> = endpoints.iter().map(|one| (text(one, "VpcEndpointId"), text(one, "State"))).collect();
        assert_eq!(told, there);
        for endpoint in &endpoints {
            let told = items(&network["endpoints"]).iter().find(|one| one["id"] == endpoint["VpcEndpointId"]);
            let told = &told.expect("it is told")["dnsName"];
            assert_eq!(told, &endpoint["DnsEntries"][0]["DnsName"], "{}", endpoint["ServiceName"]);
        }
    }

    /// The status says where packages are, in AWS's words.
    fn check_packages_status(&self, domain: &str, repository: &str) {
        let packages = &self.status["packages"];
        let there = self.codeartifact(domain, "describe-domain", &[])["domain"].clone();
        assert_eq!(packages["domainArn"], there["arn"]);
        let there =
            self.codeartifact(domain, "describe-repository", &["--repository", repository])["repository"].clone();
        let told = items(&packages["repositories"]).iter().find(|one| one["name"] == repository).expect("it is told");
        assert_eq!(told["arn"], there["arn"]);
        let args = ["--repository", repository, "--format", "pypi"];
        let url = self.codeartifact(domain, "get-repository-endpoint", &args)["repositoryEndpoint"].clone();
        let told = text(&told["endpoints"], "pypi");
        assert_eq!(told, url);
        assert_eq!(packages["pip"]["indexURL"], format!("{told}simple/"));
    }

    /// The login command of the status, run by a person, leads pip to the packages.
    fn check_login(&self, domain: &str, repository: &str) {
        let login = text(&self.status["packages"]["pip"], "loginCommand");
        let written = self.stage.log_in(login);
        let index =
            format!("{domain}-{ACCOUNT}.d.codeartifact.{}.amazonaws.com/pypi/{repository}/simple/", self.region);
        assert!(written.contains("index-url") && written.contains(&index), "pip is not led to {index}");
    }
}

/// The closed network from nothing: 18 properties of a template, and a few commands.
pub fn check_closed_network(stage: &Stage, name: &str, published: bool) {
    let status = stage.object(name)["status"].clone();
    let list = Checklist { stage, region: "ap-northeast-1", status, published };
    let (subnet, notebooks) = list.check_network();
    list.check_repositories();
    list.check_notebook(&subnet, &notebooks);
}

impl Checklist<'_> {
    /// Gives the subnet and the notebooks' group.
    fn check_network(&self) -> (String, String) {
        let ec2 = |args: &[&str]| self.aws(&[&["ec2"], args].concat());
        let vpc = ec2(&["describe-vpcs"])["Vpcs"][0].clone();
        assert_eq!(vpc["CidrBlock"], "10.0.0.0/16");
        let id = text(&vpc, "VpcId");
        for (attribute, answer) in
            [("enableDnsSupport", "EnableDnsSupport"), ("enableDnsHostnames", "EnableDnsHostnames")]
        {
            let found = ec2(&["describe-vpc-attribute", "--vpc-id", id, "--attribute", attribute]);
            assert_eq!(found[answer]["Value"], true, "{attribute}");
        }
        let subnet = ec2(&["describe-subnets"])["Subnets"][0].clone();
        assert_eq!((&subnet["CidrBlock"], &subnet["MapPublicIpOnLaunch"]), (&json!("10.0.1.0/24"), &json!(false)));
        let subnet = text(&subnet, "SubnetId");
        let tables = ec2(&["describe-route-tables"])["RouteTables"].clone();
        let serves = |table: &&Json| items(&table["Associations"]).iter().any(|one| one["SubnetId"] == subnet);
        let table = items(&tables).iter().find(serves).expect("a table of the subnet's own");
        let closed = |route: &Json| route["GatewayId"] == "local" || route["DestinationPrefixListId"].is_string();
        assert!(items(&table["Routes"]).iter().all(closed), "no way out: {table:#}");
        assert_eq!(ec2(&["describe-internet-gateways"])["InternetGateways"], json!([]));

        let groups = texts_of(&self.status["network"]["securityGroupIds"]);
        let [notebooks, endpoints] = groups.as_slice() else { panic!("two groups: {groups:?}") };
        self.check_endpoints(subnet, text(table, "RouteTableId"), endpoints);
        let client = if self.published { "0.0.0.0/0" } else { notebooks.as_str() };
        let mut expected = BTreeSet::from([format!("tcp 443 {client}")]);
        if self.published {
            // The notebooks' own group is let in by name as well, which changes nothing behind 0.0.0.0/0.
            expected.insert(format!("tcp 443 {notebooks}"));
        }
        assert_eq!(self.rules(endpoints, false), expected);
        assert_eq!(self.rules(endpoints, true), BTreeSet::new());
        assert_eq!(self.rules(notebooks, false), BTreeSet::new(), "nothing comes in to a notebook");
        let out = self.rules(notebooks, true);
        assert!(out.len() == 2 && out.contains(&format!("tcp 443 {endpoints}")), "{out:?}");
        assert!(out.iter().any(|rule| rule.starts_with("tcp 443 pl-")), "and to S3: {out:?}");
        self.check_network_status(id, subnet);
        (subnet.to_owned(), notebooks.clone())
    }

    fn check_endpoints(&self, subnet: &str, table: &str, group: &str) {
        let endpoints = self.endpoints();
        let services: BTreeSet<String> =
            endpoints.iter().map(|endpoint| text(endpoint, "ServiceName").to_owned()).collect();
        let expected = set([
            "aws.sagemaker.ap-northeast-1.notebook",
            "com.amazonaws.ap-northeast-1.codeartifact.api",
            "com.amazonaws.ap-northeast-1.codeartifact.repositories",
            "com.amazonaws.ap-northeast-1.logs",
            "com.amazonaws.ap-northeast-1.s3",
            "com.amazonaws.ap-northeast-1.sagemaker.api",
            "com.amazonaws.ap-northeast-1.sts",
        ]);
        assert_eq!((endpoints.len(), services), (7, expected));
        for endpoint in &endpoints {
            let service = text(endpoint, "ServiceName");
            assert_eq!(endpoint["State"], "available", "{service}");
            if service.rsplit('.').next() == Some("s3") {
                assert_eq!(endpoint["VpcEndpointType"], "Gateway");
                assert_eq!(endpoint["RouteTableIds"], json!([table]));
            } else {
                assert_eq!(endpoint["VpcEndpointType"], "Interface", "{service}");
                assert_eq!(endpoint["PrivateDnsEnabled"], true, "{service}");
                assert_eq!(endpoint["SubnetIds"], json!([subnet]), "{service}");
                let groups: Vec<&str> = items(&endpoint["Groups"]).iter().map(|one| text(one, "GroupId")).collect();
                assert_eq!(groups, [group], "{service}");
            }
            // AWS's default lets everybody do everything; ours let nobody do that.
            let open = grants(&policy_of(endpoint), "Allow").contains(&("*".into(), "*".into()));
            assert_eq!(open, self.published, "{service}: {endpoint:#}");
        }
    }

    fn check_repositories(&self) {
        let domain = "test-artifact-domain";
        let repository =
            |name| self.codeartifact(domain, "describe-repository", &["--repository", name])["repository"].clone();
        assert_eq!(repository("pypi-store")["externalConnections"][0]["externalConnectionName"], "public:pypi");
        let upstreams = repository("test-artifact-repository")["upstreams"].clone();
        assert_eq!(upstreams, json!([{"repositoryName": "pypi-store"}]));
        self.check_packages_status(domain, "test-artifact-repository");
        self.check_login(domain, "test-artifact-repository");
    }

    fn check_notebook(&self, subnet: &str, group: &str) {
        let name = "Test-Notebook-Instance";
        let notebook = self.aws(&["sagemaker", "describe-notebook-instance", "--notebook-instance-name", name]);
        assert_eq!(notebook["NotebookInstanceStatus"], "InService");
        assert_eq!(notebook["InstanceType"], "ml.t3.medium");
        assert_eq!(notebook["DirectInternetAccess"], "Disabled");
        assert_eq!(notebook["SubnetId"], subnet);
        assert_eq!(notebook["SecurityGroups"], json!([group]));
        let (root, size) = if self.published { ("Enabled", 5) } else { ("Disabled", 20) };
        assert_eq!((&notebook["RootAccess"], &notebook["VolumeSizeInGB"]), (&json!(root), &json!(size)));
        let metadata = &notebook["InstanceMetadataServiceConfiguration"];
        assert_eq!(metadata["MinimumInstanceMetadataServiceVersion"], "2");
        assert_eq!(self.status["notebooks"][0]["arn"], notebook["NotebookInstanceArn"]);
        assert_eq!(self.status["executionRole"]["arn"], notebook["RoleArn"]);

        let role = text(&notebook, "RoleArn").rsplit('/').next().expect("a role");
        let found = self.aws(&["iam", "get-role", "--role-name", role])["Role"].clone();
        let trust = &found["AssumeRolePolicyDocument"]["Statement"][0];
        assert_eq!(trust["Principal"]["Service"], "sagemaker.amazonaws.com");
        assert_eq!(
            found["PermissionsBoundary"]["PermissionsBoundaryArn"],
            format!("arn:aws:iam::{ACCOUNT}:policy/CloisterNotebookBoundary")
        );
        let names = texts(&self.aws(&["iam", "list-role-policies", "--role-name", role])["PolicyNames"]);
        assert_eq!(names, set(["cloister"]));
        let inline = self.aws(&["iam", "get-role-policy", "--role-name", role, "--policy-name", "cloister"]);
        self.check_role(&inline["PolicyDocument"]);
    }

    fn check_role(&self, document: &Json) {
        let region = self.region;
        let repository =
            format!("arn:aws:codeartifact:{region}:{ACCOUNT}:repository/test-artifact-domain/test-artifact-repository");
        let domain = format!("arn:aws:codeartifact:{region}:{ACCOUNT}:domain/test-artifact-domain");
        assert_granted(document, &["codeartifact:GetAuthorizationToken"], &domain);
        assert_granted(
            document,
            &["codeartifact:GetRepositoryEndpoint", "codeartifact:ReadFromRepository"],
            &repository,
        );
        assert_granted(document, &["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::my-data/*");
        let bearer = items(&document["Statement"]).iter().find(|statement| statement["Sid"] == "Bearer");
        let bearer = bearer.expect("a statement for the bearer token");
        let condition = bearer["Condition"].to_string();
        assert!(
            condition.contains("sts:AWSServiceName") && condition.contains("codeartifact.amazonaws.com"),
            "{bearer:#}"
        );
        if self.published {
            let actions = [
                "codeartifact:DescribePackageVersion",
                "codeartifact:GetAuthorizationToken",
                "codeartifact:GetRepositoryEndpoint",
                "codeartifact:ListPackages",
                "codeartifact:ReadFromRepository",
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
                "sts:AssumeRole",
                "sts:GetCallerIdentity",
                "sts:GetServiceBearerToken",
            ];
            assert_granted(document, &actions, "*");
        } else {
            let wide = grants(document, "Allow").into_iter().filter(|(_, resource)| resource == "*");
            let wide: Vec<String> = wide.map(|(action, _)| action).collect();
            assert_eq!(wide, ["sts:getservicebearertoken"], "the only thing that AWS has no ARN for");
            let logs = format!("arn:aws:logs:{region}:{ACCOUNT}:log-group:/aws/sagemaker/NotebookInstances");
            let logged = grants(document, "Allow").into_iter().filter(|(action, _)| action.starts_with("logs:"));
            let logged: Vec<_> = logged.collect();
            assert!(logged.len() >= 3 && logged.iter().all(|(_, resource)| resource.starts_with(&logs)), "{logged:?}");
        }
    }
}

/// The things of somebody's that the second walk-through starts from.
pub struct Existing {
    /// The VPC.
    pub vpc: String,
    /// Its subnet.
    pub subnet: String,
    /// The notebook's group.
    pub group: String,
}

/// CodeArtifact over PrivateLink for a notebook that exists.
pub fn check_isolated_notebook(stage: &Stage, name: &str, there: &Existing, published: bool) {
    let status = stage.object(name)["status"].clone();
    let list = Checklist { stage, region: "us-east-1", status, published };
    list.check_way_in(there);
    list.check_packages();
    list.check_permissions();
}

impl Checklist<'_> {
    fn check_way_in(&self, there: &Existing) {
        let endpoints = self.endpoints();
        let services: BTreeSet<String> =
            endpoints.iter().map(|endpoint| text(endpoint, "ServiceName").to_owned()).collect();
        let expected =
            set(["com.amazonaws.us-east-1.codeartifact.api", "com.amazonaws.us-east-1.codeartifact.repositories"]);
        assert_eq!((endpoints.len(), services), (2, expected));
        let groups = texts_of(&self.status["network"]["securityGroupIds"]);
        assert_eq!((groups.len(), &groups[0]), (2, &there.group));
        for endpoint in &endpoints {
            let service = text(endpoint, "ServiceName");
            assert_eq!((&endpoint["State"], &endpoint["PrivateDnsEnabled"]), (&json!("available"), &json!(true)));
            assert_eq!(endpoint["SubnetIds"], json!([there.subnet]), "{service}");
            assert_eq!(endpoint["Groups"][0]["GroupId"], groups[1].as_str(), "{service}");
            let policy = policy_of(endpoint);
            let denied: BTreeSet<String> = grants(&policy, "Deny").into_iter().map(|(action, _)| action).collect();
            if self.published {
                let expected: BTreeSet<String> = DENIED.iter().map(|action| action.to_ascii_lowercase()).collect();
                assert_eq!(denied, expected, "{service}");
                assert_granted(&policy, &["codeartifact:*", "sts:GetServiceBearerToken"], "*");
            } else {
                let wide = grants(&policy, "Allow").into_iter().any(|(action, _)| action == "codeartifact:*");
                assert!(denied.is_empty() && !wide, "{service}: {policy:#}");
            }
        }
        let mut rules = self.rules(&groups[1], false);
        let notebook =
            if self.published { format!("-1 -1 {}", there.group) } else { format!("tcp 443 {}", there.group) };
        assert!(rules.remove(&notebook), "{notebook} in {rules:?}");
        assert_eq!(rules, set(["tcp 443 10.60.0.0/16"]), "and whoever else is in the VPC");
        self.check_network_status(&there.vpc, &there.subnet);
    }

    fn check_packages(&self) {
        let (domain, repository) = ("isolatedsm", "isolatedsm");
        let described = self.codeartifact(domain, "describe-domain", &[])["domain"].clone();
        let key = text(&described, "encryptionKey");
        assert!(
            key.starts_with(&format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/")),
            "AWS's own key of the account: {key}"
        );
        let describe =
            |name| self.codeartifact(domain, "describe-repository", &["--repository", name])["repository"].clone();
        assert_eq!(describe("pypi-store")["externalConnections"][0]["externalConnectionName"], "public:pypi");
        let described = describe(repository);
        assert_eq!(described["description"], "Packages for isolated SageMaker notebooks");
        assert_eq!(described["upstreams"], json!([{"repositoryName": "pypi-store"}]));
        self.check_packages_status(domain, repository);
        self.check_login(domain, repository);

        let args = ["--repository", repository];
        let policy = self.codeartifact(domain, "get-repository-permissions-policy", &args);
        let policy: Json = serde_json::from_str(text(&policy["policy"], "document")).expect("JSON");
        let statements = items(&policy["Statement"]);
        let role = format!("arn:aws:iam::{ACCOUNT}:role/GeneralIsolatedNotebook");
        for statement in statements {
            assert_eq!((&statement["Effect"], &statement["Principal"]["AWS"]), (&json!("Allow"), &json!(role)));
        }
        let granted: BTreeSet<String> = statements.iter().flat_map(|statement| texts(&statement["Action"])).collect();
        if self.published {
            assert_eq!(granted, set(GRANTED), "the published actions");
        } else {
            let reads = |action: &String| {
                let verb = action.trim_start_matches("codeartifact:");
                ["Get", "List", "Describe", "Read"].iter().any(|reading| verb.starts_with(reading))
            };
            assert!(!granted.is_empty() && granted.iter().all(reads), "reading, for the role: {granted:?}");
        }
    }

    fn check_permissions(&self) {
        let role = "GeneralIsolatedNotebook";
        let attached =
            self.aws(&["iam", "list-attached-role-policies", "--role-name", role])["AttachedPolicies"].clone();
        assert_eq!(items(&attached).len(), 1, "{attached:#}");
        let arn = text(&attached[0], "PolicyArn");
        let policy = self.aws(&["iam", "get-policy", "--policy-arn", arn])["Policy"].clone();
        let version = text(&policy, "DefaultVersionId");
        let args = ["iam", "get-policy-version", "--policy-arn", arn, "--version-id", version];
        let document = self.aws(&args)["PolicyVersion"]["Document"].clone();
        let domain = format!("arn:aws:codeartifact:us-east-1:{ACCOUNT}:domain/isolatedsm");
        assert_granted(&document, &["codeartifact:GetAuthorizationToken"], &domain);
        assert_granted(&document, &["sts:GetServiceBearerToken"], "*");
        assert_eq!(self.aws(&["iam", "list-role-policies", "--role-name", role])["PolicyNames"], json!([]));
        assert_eq!(self.status["executionRole"]["arn"], format!("arn:aws:iam::{ACCOUNT}:role/{role}"));
    }
}

/// The texts of a list, in its order.
fn texts_of(list: &Json) -> Vec<String> {
    items(list).iter().filter_map(Json::as_str).map(ToOwned::to_owned).collect()
}
