//! `plan`, `drift` and `import` as their users run them: the real program against the simulated AWS on a port, its output held against
//! `tests/goldens`. `UPDATE_GOLDENS=1` writes these anew.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use cloister::sandbox::{Simulator, server, world::Delays};
use serde_json::Value as Json;

use crate::{
    cluster::checkout,
    existing::Existing,
    hands::{EVERYTHING, Hands, made},
    world::{ACCOUNT, World, assert_ready},
};

/// A simulated AWS on a port, and a home without a kubeconfig.
pub struct Desk {
    /// AWS.
    pub simulator: Arc<Simulator>,
    url: String,
    home: tempfile::TempDir,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What the program said.
pub struct Said {
    /// What it ended with.
    pub code: i32,
    /// Its answer.
    pub out: String,
    /// Its complaints.
    pub err: String,
}

impl Desk {
    /// A desk at which this AWS answers. What was virtual time goes on as real time.
    pub async fn at(simulator: &Arc<Simulator>) -> Self {
        tokio::time::resume();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let server = tokio::spawn(server::serve(Arc::clone(simulator), listener, std::future::pending()));
        simulator.clear_log();
        Self { simulator: Arc::clone(simulator), url, home: tempfile::tempdir().expect("a folder"), server }
    }

    /// Run the program.
    pub async fn run(&self, args: &[&str]) -> Said {
        self.run_with(args, &[]).await
    }

    /// Run the program with other environment variables; an empty value takes one away.
    pub async fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_cloister"));
        command
            .args(args)
            .env_remove("KUBECONFIG")
            .env_remove("AWS_PROFILE")
            .env("HOME", self.home.path())
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "any")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null());
        for (name, value) in variables {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        let output = command.output().await.expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        let said = Said {
            code: output.status.code().expect("it ended by itself"),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        for text in [&said.out, &said.err] {
            assert!(!text.contains("panicked") && !text.contains("backtrace"), "{text}");
            assert!(!text.contains('\x1b'), "colours are for terminals: {text}");
        }
        said
    }

    /// A file in the home.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    }

    /// Nothing was written since the desk was set up, and something was read.
    pub fn assert_read_only(&self) {
        let log = self.simulator.log();
        assert!(!log.is_empty(), "AWS was asked");
        let writes: Vec<&str> = log.iter().filter(|entry| entry.write).map(|entry| entry.operation.as_str()).collect();
        assert_eq!(writes, Vec::<&str>::new());
    }
}

fn example(name: &str) -> String {
    std::fs::read_to_string(checkout().join("examples").join(name)).expect("an example")
}

fn example_path(name: &str) -> String {
    checkout().join("examples").join(name).to_str().expect("a path").to_owned()
}

/// The manifest of scenario C for a notebook that exists.
fn for_existing(existing: &Existing) -> String {
    example("isolated-sagemaker.yaml")
        .replace("vpc-0123456789abcdef0", &existing.vpc)
        .replace("subnet-0123456789abcdef0", &existing.subnet)
        .replace("sg-0123456789abcdef0", &existing.group)
}

/// Hold an answer against the golden file of this name, with ids numbered as they occur.
fn assert_golden(name: &str, text: &str) {
    let path: PathBuf = checkout().join("tests/goldens").join(name);
    let found = numbered(text);
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(&path, &found).expect("the golden file is written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == golden, "{name} is not as it was; UPDATE_GOLDENS=1 accepts this:\n{found}");
}

/// `vpc-0a1b…` becomes `vpc-1`: what AWS makes up differs from run to run. So do digests of what contains such an id.
fn numbered(text: &str) -> String {
    let id = regex::Regex::new(r"\b(vpc|subnet|sg|sgr|rtb|vpce|eni|igw)-[0-9a-f]{8,17}\b").expect("a pattern");
    let mut seen: Vec<String> = Vec::new();
    let text = id.replace_all(text, |found: &regex::Captures<'_>| {
        let whole = found[0].to_owned();
        if !seen.contains(&whole) {
            seen.push(whole.clone());
        }
        let of_kind = seen.iter().filter(|id| id.starts_with(&format!("{}-", &found[1])));
        let number = of_kind.take_while(|id| **id != whole).count() + 1;
        format!("{}-{number}", &found[1])
    });
    let approval = regex::Regex::new(r#"(approve=|"approval": ")[0-9a-f]{8,}"#).expect("a pattern");
    let digest = regex::Regex::new(r"sha256:[0-9a-f]{8,}").expect("a pattern");
    digest.replace_all(&approval.replace_all(&text, "${1}DIGEST"), "sha256:DIGEST").into_owned()
}

#[test]
fn ids_are_numbered_by_their_first_occurrence() {
    let text = "vpc-0123456789abcdef0 sg-0123456789abcdef0 vpc-0123456789abcdef1 vpc-0123456789abcdef0";
    assert_eq!(numbered(text), "vpc-1 sg-1 vpc-2 vpc-1");
}

#[tokio::test(start_paused = true)]
async fn one_name_in_two_clusters_has_to_be_told_apart() {
    let world = World::new(Delays::none());
    let (_tenant, _hands) = made(&world).await;
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk("ap-northeast-1").await);
    let vpc = ec2.create_vpc().cidr_block("10.9.0.0/16").send().await.expect("a VPC").vpc.and_then(|vpc| vpc.vpc_id);
    let tags = [("cluster", "cluster-2"), ("namespace", "data-science"), ("name", "closed-network"), ("uid", "u")];
    let tags = tags
        .map(|(key, value)| aws_sdk_ec2::types::Tag::builder().key(format!("cloister.dev/{key}")).value(value).build());
    ec2.create_tags().resources(vpc.expect("its id")).set_tags(Some(tags.to_vec())).send().await.expect("its tags");
    let desk = Desk::at(&world.simulator).await;
    let (file, identity) = (example_path("closed-network.yaml"), example_path("identity.yaml"));
    let plan = ["plan", "-f", &file, "--identity", &identity];
    let said = desk.run(&plan).await;
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("ClusterAmbiguous") && said.out.contains("cluster-1, cluster-2"), "{}", said.out);
    let said = desk.run(&[&plan[..], &["--cluster-id", "cluster-1"]].concat()).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    desk.assert_read_only();
}

#[tokio::test(start_paused = true)]
async fn the_plan_of_a_closed_network_from_nothing() {
    let world = World::new(Delays::none());
    let desk = Desk::at(&world.simulator).await;
    let file = example_path("closed-network.yaml");
    let identity = example_path("identity.yaml");
    let plan = ["plan", "-f", &file, "--identity", &identity, "--cluster-id", "cluster-1"];
    let said = desk.run(&plan).await;
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert_golden("plan-closed-network.txt", &said.out);
    let json = desk.run(&[&plan[..], &["-o", "json"]].concat()).await;
    assert_eq!(json.code, 2);
    assert_golden("plan-closed-network.json", &json.out);
    let document: Json = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!((&document["apiVersion"], &document["exitCode"]), (&"cli.cloister.dev/v1".into(), &2.into()));
    assert_eq!(document["environments"][0]["summary"]["create"], 20);
    desk.assert_read_only();
}

#[tokio::test(start_paused = true)]
async fn the_plan_for_an_existing_notebook_with_nothing_but_credentials() {
    let world = World::new(Delays::none());
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let desk = Desk::at(&world.simulator).await;
    let file = desk.file("env.yaml", &for_existing(&existing));
    let said = desk.run(&["plan", "-f", &file]).await;
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert!(said.out.contains(&format!("account {ACCOUNT}, to which the credentials at hand lead")), "{}", said.out);
    assert_golden("plan-isolated-sagemaker.txt", &said.out);
    let json = desk.run(&["plan", "-f", &file, "-o", "json"]).await;
    assert_golden("plan-isolated-sagemaker.json", &json.out);
    desk.assert_read_only();
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_is_ready_has_no_plan_and_a_change_by_hand_is_drift() {
    let world = World::new(Delays::none());
    let (_tenant, hands) = made(&world).await;
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk("ap-northeast-1").await);
    let endpoints = ec2.describe_vpc_endpoints().send().await.expect("endpoints").vpc_endpoints.unwrap_or_default();
    let desk = Desk::at(&world.simulator).await;
    let (file, identity) = (example_path("closed-network.yaml"), example_path("identity.yaml"));
    let look = |verb| ["", "-f", &file, "--identity", &identity].map(|word| if word.is_empty() { verb } else { word });

    for verb in ["plan", "drift"] {
        let said = desk.run(&look(verb)).await;
        assert_eq!(said.code, 0, "{verb}: {}{}", said.out, said.err);
        assert!(said.out.contains("cluster cluster-1 and uid uid-of-closed-network"), "{}", said.out);
    }
    desk.assert_read_only();

    let role = hands.iam.list_roles().send().await.expect("roles").roles;
    let role = role.iter().map(|role| role.role_name.as_str()).find(|name| name.contains("role")).expect("the role");
    hands
        .iam
        .put_role_policy()
        .role_name(role)
        .policy_name("Extra")
        .policy_document(EVERYTHING)
        .send()
        .await
        .expect("a policy more");
    let (sts, logs) = (by_service(&endpoints, ".sts"), by_service(&endpoints, ".logs"));
    ec2.modify_vpc_endpoint().vpc_endpoint_id(&sts).private_dns_enabled(false).send().await.expect("private DNS off");
    ec2.delete_vpc_endpoints().vpc_endpoint_ids(&logs).send().await.expect("an endpoint less");
    desk.simulator.clear_log();

    let said = desk.run(&look("drift")).await;
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert_golden("drift-closed-network.txt", &said.out);
    let json = desk.run(&[&look("drift")[..], &["-o", "json"]].concat()).await;
    assert_golden("drift-closed-network.json", &json.out);
    assert_golden("plan-corrections.txt", &desk.run(&look("plan")).await.out);
    desk.assert_read_only();
}

#[tokio::test(start_paused = true)]
async fn an_isolated_notebook_that_has_its_packages_has_no_plan_and_a_change_by_hand_is_drift() {
    let world = World::new(Delays::none());
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let mut tenant = existing.tenant("isolated-sagemaker.yaml", "isolated-sagemaker");
    assert_ready(&world.settle(&mut tenant).await.report);
    let desk = Desk::at(&world.simulator).await;
    let (file, identity) = (desk.file("env.yaml", &for_existing(&existing)), example_path("identity.yaml"));
    let look = |verb| ["", "-f", &file, "--identity", &identity].map(|word| if word.is_empty() { verb } else { word });
    for verb in ["plan", "drift"] {
        let said = desk.run(&look(verb)).await;
        assert_eq!(said.code, 0, "{verb}: {}{}", said.out, said.err);
    }
    desk.assert_read_only();

    let hands = Hands::on(&world);
    let role = existing.role.rsplit('/').next().expect("a name");
    let attached = hands.iam.list_attached_role_policies().role_name(role).send().await.expect("a list");
    let policy = attached.attached_policies()[0].policy_arn().expect("an ARN");
    hands.iam.detach_role_policy().role_name(role).policy_arn(policy).send().await.expect("detached");
    let ec2 = aws_sdk_ec2::Client::new(&world.sdk("us-east-1").await);
    let endpoints = ec2.describe_vpc_endpoints().send().await.expect("endpoints").vpc_endpoints.unwrap_or_default();
    let api = by_service(&endpoints, ".codeartifact.api");
    ec2.modify_vpc_endpoint().vpc_endpoint_id(&api).reset_policy(true).send().await.expect("a policy for everybody");
    desk.simulator.clear_log();

    let said = desk.run(&look("drift")).await;
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert_golden("drift-isolated-sagemaker.txt", &said.out);
    let json = desk.run(&[&look("drift")[..], &["-o", "json"]].concat()).await;
    assert_golden("drift-isolated-sagemaker.json", &json.out);
    desk.assert_read_only();
}

fn by_service(endpoints: &[aws_sdk_ec2::types::VpcEndpoint], suffix: &str) -> String {
    let found = endpoints.iter().find(|endpoint| endpoint.service_name().is_some_and(|name| name.ends_with(suffix)));
    found.and_then(|endpoint| endpoint.vpc_endpoint_id.clone()).expect("an endpoint of the service")
}

#[tokio::test(start_paused = true)]
async fn a_step_that_stops_a_notebook_is_held_with_the_line_that_allows_it() {
    let world = World::new(Delays::none());
    let (_tenant, _hands) = made(&world).await;
    let desk = Desk::at(&world.simulator).await;
    let edited = example("closed-network.yaml").replace("ml.t3.medium", "ml.t3.large");
    let (file, identity) = (desk.file("env.yaml", &edited), example_path("identity.yaml"));
    let said = desk.run(&["plan", "-f", &file, "--identity", &identity]).await;
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert_golden("plan-held.txt", &said.out);

    let digest = said.out.rsplit("approve=").next().expect("a digest").trim().to_owned();
    let approved = edited.replace(
        "  namespace: data-science\n",
        &format!("  namespace: data-science\n  annotations: {{cloister.dev/approve: {digest}}}\n"),
    );
    let file = desk.file("approved.yaml", &approved);
    let said = desk.run(&["plan", "-f", &file, "--identity", &identity]).await;
    assert!(!said.out.contains("HELD") && said.out.contains("DISRUPTIVE: stops the notebook"), "{}", said.out);

    let observed = edited.replace("  region: ap", "  management: Observe\n  region: ap");
    let file = desk.file("observed.yaml", &observed);
    let said = desk.run(&["plan", "-f", &file, "--identity", &identity]).await;
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    desk.assert_read_only();
}

#[tokio::test(start_paused = true)]
async fn what_leaves_the_manifest_is_to_be_deleted_and_a_notebook_is_held() {
    let world = World::new(Delays::none());
    let (_tenant, _hands) = made(&world).await;
    let desk = Desk::at(&world.simulator).await;
    let whole = example("closed-network.yaml");
    let (rest, _) = whole.split_once("\n  notebooks:").expect("the notebooks come last");
    let file = desk.file("env.yaml", rest);
    let said = desk.run(&["plan", "-f", &file, "--identity", &example_path("identity.yaml")]).await;
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert_golden("plan-removal.txt", &said.out);
    desk.assert_read_only();
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_the_way_is_named_with_the_line_that_adopts_it() {
    let world = World::new(Delays::none());
    let codeartifact = aws_sdk_codeartifact::Client::new(&world.sdk("ap-northeast-1").await);
    codeartifact.create_domain().domain("test-artifact-domain").send().await.expect("somebody's domain");
    let desk = Desk::at(&world.simulator).await;
    let manifest = example("closed-network.yaml");
    let (file, identity) = (desk.file("env.yaml", &manifest), example_path("identity.yaml"));
    let last = ["--identity", &identity, "--cluster-id", "cluster-1"];
    let said = desk.run(&[&["plan", "-f", &file], &last[..]].concat()).await;
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("AlreadyExists: Domain/test-artifact-domain"), "{}", said.out);
    assert!(said.out.contains("cloister.dev/adopt=Domain/test-artifact-domain"), "{}", said.out);

    let annotated = "  namespace: data-science\n  annotations: {cloister.dev/adopt: Domain/test-artifact-domain}\n";
    let file = desk.file("adopt.yaml", &manifest.replace("  namespace: data-science\n", annotated));
    let said = desk.run(&[&["plan", "-f", &file], &last[..]].concat()).await;
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert!(said.out.contains("adopt    Domain/test-artifact-domain"), "{}", said.out);
    desk.assert_read_only();
}

#[tokio::test(start_paused = true)]
async fn a_problem_that_needs_a_person_blocks_a_plan() {
    let world = World::new(Delays::none());
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let desk = Desk::at(&world.simulator).await;
    let file = desk.file("env.yaml", &for_existing(&existing).replace(&existing.subnet, "subnet-0123456789abcdef0"));
    let said = desk.run(&["plan", "-f", &file]).await;
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("ExistingNotFound") && said.out.contains("subnet-0123456789abcdef0"), "{}", said.out);
    desk.assert_read_only();
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_named_and_ends_with_one() {
    let world = World::new(Delays::none());
    let desk = Desk::at(&world.simulator).await;
    let identity = example_path("identity.yaml");
    let good = example("closed-network.yaml");
    let nowhere = desk.file("nowhere.yaml", &good.replace("ap-northeast-1", "atlantis-1"));
    let typo = desk.file("typo.yaml", &good.replace("volumeSizeGiB", "volumeSize"));
    let circle = desk.file(
        "circle.yaml",
        &good.replace("externalConnection: \"public:pypi\"", "upstreams: [test-artifact-repository]"),
    );
    let closed = example_path("closed-network.yaml");
    let cases: [(&[&str], &str); 8] = [
        (&["plan", "-f", &nowhere], "spec.region: `region` must be one that has CodeArtifact"),
        (&["plan", "-f", &typo], "spec.notebooks[0].volumeSize: unknown field"),
        (&["plan", "-f", &circle, "--identity", &identity], "upstreams form a circle"),
        (&["plan", "-f", "/nowhere/env.yaml"], "/nowhere/env.yaml could not be read"),
        (&["plan", "-f", &closed], "permissions boundary"),
        (&["plan", "closed-network"], "there is no kubeconfig"),
        (&["plan"], "required"),
        (&["drift", "--kubeconfig", "/nowhere/config"], "the kubeconfig cannot be used"),
    ];
    for (args, says) in cases {
        let said = desk.run(args).await;
        assert_eq!(said.code, 1, "{args:?}: {}{}", said.out, said.err);
        assert!(said.out.contains(says) || said.err.contains(says), "{args:?}: {}{}", said.out, said.err);
    }
    let nobody = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    let said = desk.run_with(&["plan", "-f", &closed, "--identity", &identity], &nobody).await;
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("credentials"), "{}{}", said.out, said.err);
}

#[tokio::test(start_paused = true)]
async fn an_isolated_notebook_is_imported_and_its_manifest_has_no_plan() {
    let world = World::new(Delays::none());
    let existing = world.isolated_notebook("us-east-1", 0).await;
    let codeartifact = aws_sdk_codeartifact::Client::new(&world.sdk("us-east-1").await);
    let desk = Desk::at(&world.simulator).await;
    let import = ["import", "--region", "us-east-1", "--vpc", &existing.vpc, "--notebook", &existing.notebook];

    let said = desk.run(&import).await;
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{}", said.err);
    assert!(said.err.contains("there is no CodeArtifact domain in us-east-1"), "{}", said.err);

    let named = [&import[..], &["--domain", "isolatedsm"]].concat();
    let said = desk.run(&named).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("Plan: 3 to create, 3 of these held."), "what is to be made is said: {}", said.err);

    codeartifact.create_domain().domain("isolatedsm").send().await.expect("a domain");
    for name in ["pypi-store", "isolatedsm"] {
        codeartifact.create_repository().domain("isolatedsm").repository(name).send().await.expect("a repository");
    }
    let associate = codeartifact.associate_external_connection().domain("isolatedsm").repository("pypi-store");
    associate.external_connection("public:pypi").send().await.expect("a connection");
    let upstream = aws_sdk_codeartifact::types::UpstreamRepository::builder().repository_name("pypi-store").build();
    let update = codeartifact.update_repository().domain("isolatedsm").repository("isolatedsm");
    update.upstreams(upstream.expect("an upstream")).send().await.expect("an upstream");
    desk.simulator.clear_log();

    let said =
        desk.run(&[&import[..], &["--name", "isolated-sagemaker", "--namespace", "data-science"]].concat()).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert_golden("import-isolated-sagemaker.yaml", &said.out);
    assert_golden("import-isolated-sagemaker.stderr", &said.err);
    let file = desk.file("env.yaml", &said.out);
    let said = desk.run(&["plan", "-f", &file]).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    desk.assert_read_only();
}

#[tokio::test(start_paused = true)]
async fn what_cloister_made_can_be_imported_as_somebody_elses() {
    let world = World::new(Delays::none());
    let (tenant, _hands) = made(&world).await;
    let vpc = tenant.remembered.iter().find(|(address, _)| address.to_string() == "VPC/main").expect("the VPC").1;
    let desk = Desk::at(&world.simulator).await;
    let notebook = "Test-Notebook-Instance";
    let said = desk.run(&["import", "--region", "ap-northeast-1", "--vpc", vpc, "--notebook", notebook]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert_golden("import-closed-network.yaml", &said.out);
    let file = desk.file("env.yaml", &said.out);
    let said = desk.run(&["plan", "-f", &file]).await;
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("Plan: nothing to do."), "{}", said.out);

    for (args, says) in [
        (["--region", "ap-northeast-1", "--vpc", "vpc-0123456789abcdef0"], "there is no VPC vpc-0123456789abcdef0"),
        (["--region", "atlantis-1", "--vpc", vpc], "--region atlantis-1 has no CodeArtifact"),
        (["--region", "ap-northeast-1", "--vpc", vpc], "give --role, or a --notebook"),
    ] {
        let with_role = says.starts_with("there is no VPC");
        let role: &[&str] = if with_role { &["--role", "Some"] } else { &[] };
        let said = desk.run(&[&["import"], &args[..], role].concat()).await;
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(said.err.contains(says), "{}", said.err);
    }
    desk.assert_read_only();
}

#[test]
fn the_readme_shows_what_is_really_printed() {
    let path = checkout().join("README.md");
    let page = std::fs::read_to_string(&path).expect("the README");
    let mut current = String::new();
    let mut rest = page.as_str();
    for name in ["plan-corrections.txt", "drift-closed-network.txt"] {
        let marker = format!("<!-- golden: {name} -->\n");
        let (before, after) = rest.split_once(&marker).expect("the marker");
        let golden = std::fs::read_to_string(checkout().join("tests/goldens").join(name)).expect("the golden");
        current.extend([before, &marker, "```text\n", &golden, "```\n<!-- end -->"]);
        rest = after.split_once("<!-- end -->").expect("its end").1;
    }
    current.push_str(rest);
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&path, current).expect("the README is written");
    } else {
        assert!(page == current, "UPDATE_GOLDENS=1, twice when a golden was not up to date, puts the goldens in");
    }
}

#[test]
fn every_golden_is_held_against_something() {
    let here =
        std::fs::read_to_string(Path::new(file!())).or_else(|_| std::fs::read_to_string(checkout().join(file!())));
    let here = here.expect("this file");
    for entry in std::fs::read_dir(checkout().join("tests/goldens")).expect("goldens").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        assert!(here.contains(&format!("\"{name}\"")), "{name} is of no use");
    }
}
