//! Notebooks as the SDK sees them, in virtual time.

use std::time::Duration;

use aws_sdk_ec2::types::Tenancy;
use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::operation::create_notebook_instance::builders::CreateNotebookInstanceFluentBuilder;
use aws_sdk_sagemaker::types::{
    DirectInternetAccess, InstanceType, NotebookInstanceLifecycleHook, NotebookInstanceSortKey,
    NotebookInstanceSortOrder, NotebookInstanceStatus, Tag,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::sandbox::testing::{ACCOUNT, Bench, REGION, refusal};
use crate::sandbox::{Delays, Settings};

const TRUST: &str = r#"{"Service":"sagemaker.amazonaws.com"}"#;

struct Lab {
    bench: Bench,
    sagemaker: Client,
    ec2: aws_sdk_ec2::Client,
    role: String,
    subnet: String,
    group: String,
}

impl Lab {
    async fn new() -> Self {
        Self::with(Settings::with_delays(Delays::real())).await
    }

    async fn with(settings: Settings) -> Self {
        let bench = Bench::new(settings);
        let config = bench.config(ACCOUNT, REGION);
        let ec2 = aws_sdk_ec2::Client::new(&config);
        let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
        let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.1.0/24").send().await.unwrap();
        let group = ec2.create_security_group().vpc_id(&vpc).group_name("notebooks").description("n");
        let group = group.send().await.unwrap().group_id.unwrap();
        let role = bench.role("notebook", TRUST, "").await;
        bench.pass(Duration::from_mins(1)).await;
        let subnet = subnet.subnet.unwrap().subnet_id.unwrap();
        Self { sagemaker: Client::new(&config), ec2, role, subnet, group, bench }
    }

    fn create(&self, name: &str) -> CreateNotebookInstanceFluentBuilder {
        self.sagemaker
            .create_notebook_instance()
            .notebook_instance_name(name)
            .instance_type(InstanceType::MlT3Medium)
            .role_arn(&self.role)
    }

    fn isolated(&self, name: &str) -> CreateNotebookInstanceFluentBuilder {
        self.create(name)
            .subnet_id(&self.subnet)
            .security_group_ids(&self.group)
            .direct_internet_access(DirectInternetAccess::Disabled)
    }

    async fn status(&self, name: &str) -> NotebookInstanceStatus {
        let described = self.sagemaker.describe_notebook_instance().notebook_instance_name(name).send().await;
        described.unwrap().notebook_instance_status.unwrap()
    }

    async fn stopped(&self, name: &str) {
        self.isolated(name).send().await.unwrap();
        self.bench.pass(Duration::from_mins(5)).await;
        self.sagemaker.stop_notebook_instance().notebook_instance_name(name).send().await.unwrap();
        self.bench.pass(Duration::from_mins(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_notebook_goes_through_its_states_and_leaves_its_interface_behind_for_a_while() {
    let lab = Lab::new().await;
    let arn = lab.isolated("Test-Notebook").send().await.unwrap().notebook_instance_arn.unwrap();
    assert_eq!(arn, format!("arn:aws:sagemaker:{REGION}:{ACCOUNT}:notebook-instance/test-notebook"));
    assert_eq!(lab.status("Test-Notebook").await, NotebookInstanceStatus::Pending);
    let name = "Test-Notebook";
    let stop = || lab.sagemaker.stop_notebook_instance().notebook_instance_name(name).send();
    let delete = || lab.sagemaker.delete_notebook_instance().notebook_instance_name(name).send();
    let (code, message) = refusal(stop().await);
    assert_eq!(code, "ValidationException");
    assert_eq!(
        message,
        format!(
            "Status (Pending) not in ([InService]). Unable to transition to (Stopping) for Notebook Instance ({arn})"
        )
    );
    assert!(refusal(delete().await).1.starts_with("Status (Pending) not in ([Stopped, Failed])"));

    lab.bench.pass(Duration::from_mins(4)).await;
    let described = lab.sagemaker.describe_notebook_instance().notebook_instance_name(name).send().await.unwrap();
    assert_eq!(described.notebook_instance_status, Some(NotebookInstanceStatus::InService));
    assert_eq!(described.url.as_deref(), Some("test-notebook.notebook.eu-west-1.sagemaker.aws"));
    assert_eq!(described.security_groups(), std::slice::from_ref(&lab.group));
    assert_eq!(described.platform_identifier.as_deref(), Some("notebook-al2023-v1"));
    let interface = described.network_interface_id.clone().unwrap();
    assert!(refusal(delete().await).1.contains("Unable to transition to (Deleting)"));

    stop().await.unwrap();
    assert_eq!(lab.status(name).await, NotebookInstanceStatus::Stopping);
    lab.bench.pass(Duration::from_mins(1)).await;
    assert_eq!(lab.status(name).await, NotebookInstanceStatus::Stopped);
    delete().await.unwrap();
    assert_eq!(lab.status(name).await, NotebookInstanceStatus::Deleting);
    lab.bench.pass(Duration::from_mins(1)).await;
    let gone = lab.sagemaker.describe_notebook_instance().notebook_instance_name(name).send().await;
    assert_eq!(refusal(gone), ("ValidationException".into(), "RecordNotFound".into()));

    let group_in_use = lab.ec2.delete_security_group().group_id(&lab.group).send().await;
    assert_eq!(refusal(group_in_use).0, "DependencyViolation", "{interface} outlives the notebook");
    lab.bench.pass(Duration::from_mins(5)).await;
    lab.ec2.delete_security_group().group_id(&lab.group).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_notebook_wants_shared_hardware_around_its_subnet() {
    let lab = Lab::new().await;
    let vpc = lab.ec2.create_vpc().cidr_block("10.9.0.0/16").instance_tenancy(Tenancy::Dedicated).send().await;
    let vpc = vpc.unwrap().vpc.unwrap().vpc_id.unwrap();
    let subnet = lab.ec2.create_subnet().vpc_id(&vpc).cidr_block("10.9.1.0/24").send().await.unwrap();
    let subnet = subnet.subnet.unwrap().subnet_id.unwrap();
    let group = lab.ec2.create_security_group().vpc_id(&vpc).group_name("n").description("n").send().await.unwrap();
    let create = lab.create("n").subnet_id(&subnet).security_group_ids(group.group_id.unwrap());
    let (code, message) = refusal(create.send().await);
    assert_eq!(code, "ValidationException");
    assert!(message.contains("tenancy"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn an_update_of_what_is_not_there_says_so_whatever_it_asks_for() {
    let lab = Lab::new().await;
    let update = lab.sagemaker.update_notebook_instance().notebook_instance_name("none");
    let update = update.role_arn(format!("arn:aws:iam::{ACCOUNT}:role/none")).send().await;
    assert_eq!(refusal(update).1, "RecordNotFound");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_was_just_made_or_trusts_somebody_else_cannot_be_taken() {
    let lab = Lab::new().await;
    let expected = |role: &str| {
        format!(
            "Could not assume role {role}. Please ensure that the role exists and allows principal \
             'sagemaker.amazonaws.com' to assume the role."
        )
    };
    let fresh = lab.bench.role("fresh", TRUST, "").await;
    assert_eq!(refusal(lab.create("n").role_arn(&fresh).send().await).1, expected(&fresh));
    lab.bench.pass(Duration::from_mins(1)).await;
    lab.create("n").role_arn(&fresh).send().await.unwrap();

    let other = lab.bench.role("other", r#"{"Service":"ec2.amazonaws.com"}"#, "").await;
    lab.bench.pass(Duration::from_mins(1)).await;
    assert_eq!(refusal(lab.create("m").role_arn(&other).send().await).1, expected(&other));
    let foreign = lab.create("m").role_arn("arn:aws:iam::444455556666:role/x").send().await;
    assert_eq!(refusal(foreign).0, "AccessDeniedException");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_created_is_refused_as_aws_refuses_it() {
    let lab = Lab::new().await;
    lab.create("taken").send().await.unwrap();
    let (code, message) = refusal(lab.create("taken").send().await);
    assert_eq!(code, "ValidationException");
    let arn = format!("arn:aws:sagemaker:{REGION}:{ACCOUNT}:notebook-instance/taken");
    assert_eq!(message, format!("Cannot create a duplicate Notebook Instance ({arn})"));

    let says = async |request: CreateNotebookInstanceFluentBuilder, words: &str| {
        let (code, message) = refusal(request.send().await);
        assert_eq!(code, "ValidationException");
        assert!(message.contains(words), "{message}");
    };
    says(lab.create("a_b"), "'notebookInstanceName' failed to satisfy constraint").await;
    says(lab.create("n").volume_size_in_gb(4), "greater than or equal to 5").await;
    says(lab.create("n").direct_internet_access(DirectInternetAccess::Disabled), "SubnetId").await;
    says(lab.create("n").subnet_id(&lab.subnet), "SecurityGroupIds").await;
    says(lab.isolated("n").subnet_id("subnet-0123456789abcdef0"), "subnet-0123456789abcdef0").await;
    says(lab.isolated("n").security_group_ids("sg-0123456789abcdef0"), "sg-0123456789abcdef0").await;
    says(lab.create("n").platform_identifier("notebook-al2-v2"), "notebook-al2-v2").await;
    says(lab.create("n").instance_type(InstanceType::MlP32Xlarge), "not supported").await;
    says(lab.create("n").instance_type("ml.t3.tiny".into()), "enum value set").await;
    says(lab.create("n").lifecycle_config_name("nowhere"), "nowhere").await;
    let five = (0..6).fold(lab.isolated("n"), |request, _| request.security_group_ids(&lab.group));
    says(five, "less than or equal to 5").await;
    let reserved = Tag::builder().key("aws:x").value("y").build();
    says(lab.create("n").tags(reserved), "aws:").await;
}

#[tokio::test(start_paused = true)]
async fn quotas_are_refused_with_the_only_code_that_is_modelled() {
    let mut settings = Settings::default();
    settings.quotas.notebooks = 1;
    let lab = Lab::with(settings).await;
    lab.create("one").send().await.unwrap();
    assert_eq!(refusal(lab.create("two").send().await).0, "ResourceLimitExceeded");

    let lab = Lab::new().await;
    lab.bench.simulator.with_world(|world| {
        world.account(ACCOUNT).region(REGION).sagemaker.limit_instance_type("ml.t3.medium", 0);
    });
    let (code, message) = refusal(lab.create("two").send().await);
    assert_eq!(code, "ResourceLimitExceeded");
    assert!(message.contains("'ml.t3.medium for notebook instance usage' is 0 Instances"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn only_a_stopped_notebook_is_changed_and_its_volume_only_grows() {
    let lab = Lab::new().await;
    lab.stopped("n").await;
    let update = || lab.sagemaker.update_notebook_instance().notebook_instance_name("n");
    update().volume_size_in_gb(20).instance_type(InstanceType::MlM5Xlarge).send().await.unwrap();
    assert_eq!(lab.status("n").await, NotebookInstanceStatus::Updating);
    assert!(refusal(update().volume_size_in_gb(30).send().await).1.starts_with("Status (Updating) not in ([Stopped])"));
    lab.bench.pass(Duration::from_mins(1)).await;
    let described = lab.sagemaker.describe_notebook_instance().notebook_instance_name("n").send().await.unwrap();
    assert_eq!(described.notebook_instance_status, Some(NotebookInstanceStatus::Stopped));
    assert_eq!((described.volume_size_in_gb, described.instance_type), (Some(20), Some(InstanceType::MlM5Xlarge)));
    assert!(refusal(update().volume_size_in_gb(10).send().await).1.contains("smaller"));
}

#[tokio::test(start_paused = true)]
async fn a_start_can_fail_or_be_lost_and_a_failed_notebook_starts_again() {
    let lab = Lab::new().await;
    lab.stopped("n").await;
    let start = || lab.sagemaker.start_notebook_instance().notebook_instance_name("n").send();
    let sagemaker = |change: &dyn Fn(&mut super::State)| {
        lab.bench.simulator.with_world(|world| change(&mut world.account(ACCOUNT).region(REGION).sagemaker));
    };
    sagemaker(&|state| state.lose_next_start("n"));
    start().await.unwrap();
    assert_eq!(lab.status("n").await, NotebookInstanceStatus::Stopped);

    sagemaker(&|state| state.fail_next_start("n", "Notebook Instance Lifecycle Config took longer than 5 minutes"));
    start().await.unwrap();
    assert_eq!(lab.status("n").await, NotebookInstanceStatus::Pending);
    lab.bench.pass(Duration::from_mins(4)).await;
    let failed = lab.sagemaker.describe_notebook_instance().notebook_instance_name("n").send().await.unwrap();
    assert_eq!(failed.notebook_instance_status, Some(NotebookInstanceStatus::Failed));
    assert!(failed.failure_reason.unwrap().contains("5 minutes"));
    start().await.unwrap();
    lab.bench.pass(Duration::from_mins(4)).await;
    assert_eq!(lab.status("n").await, NotebookInstanceStatus::InService);
}

#[tokio::test(start_paused = true)]
async fn only_a_running_notebook_has_a_presigned_url_and_every_one_is_new() {
    let lab = Lab::new().await;
    lab.create("Nb").send().await.unwrap();
    let presign = || lab.sagemaker.create_presigned_notebook_instance_url().notebook_instance_name("Nb");
    assert_eq!(refusal(presign().send().await).0, "ValidationException");
    lab.bench.pass(Duration::from_mins(4)).await;
    assert_eq!(refusal(presign().session_expiration_duration_in_seconds(60).send().await).0, "ValidationException");
    let one = presign().send().await.unwrap().authorized_url.unwrap();
    let other = presign().send().await.unwrap().authorized_url.unwrap();
    assert!(one.starts_with("https://nb.notebook.eu-west-1.sagemaker.aws?authToken="), "{one}");
    assert_ne!(one, other);
}

#[tokio::test(start_paused = true)]
async fn lists_are_filtered_sorted_and_cut_into_pages() {
    let lab = Lab::new().await;
    for name in ["alpha", "beta", "gamma"] {
        lab.create(name).send().await.unwrap();
        lab.bench.pass(Duration::from_secs(150)).await;
    }
    let names = |page: &aws_sdk_sagemaker::operation::list_notebook_instances::ListNotebookInstancesOutput| {
        let names = page.notebook_instances().iter().map(|one| one.notebook_instance_name.clone().unwrap());
        names.collect::<Vec<_>>()
    };
    let list = || lab.sagemaker.list_notebook_instances();
    let first = list().max_results(2).send().await.unwrap();
    assert_eq!(names(&first), ["alpha", "beta"]);
    assert!(first.notebook_instances()[0].last_modified_time.is_some());
    let second = list().max_results(2).next_token(first.next_token.unwrap()).send().await.unwrap();
    assert_eq!((names(&second), second.next_token.clone()), (vec!["gamma".to_owned()], None));
    let running = list().status_equals(NotebookInstanceStatus::InService).send().await.unwrap();
    assert_eq!(names(&running), ["alpha", "beta"]);
    let latest = list().sort_by(NotebookInstanceSortKey::CreationTime);
    let latest = latest.sort_order(NotebookInstanceSortOrder::Descending);
    assert_eq!(names(&latest.send().await.unwrap()), ["gamma", "beta", "alpha"]);
    assert_eq!(names(&list().name_contains("ET").send().await.unwrap()), ["beta"]);
}

#[tokio::test(start_paused = true)]
async fn a_lifecycle_configuration_is_kept_as_sent_and_cannot_go_while_it_is_used() {
    let lab = Lab::new().await;
    let script = STANDARD.encode("#!/bin/bash\n");
    let hook = |content: &str| NotebookInstanceLifecycleHook::builder().content(content).build();
    let create = |name: &str| {
        lab.sagemaker.create_notebook_instance_lifecycle_config().notebook_instance_lifecycle_config_name(name)
    };
    create("pip").on_start(hook(&script)).send().await.unwrap();
    assert!(refusal(create("pip").send().await).1.contains("duplicate"));
    assert!(refusal(create("Pip").send().await).1.contains("duplicate"), "both would have the same ARN");
    assert!(refusal(create("raw").on_start(hook("#!/bin/bash")).send().await).1.contains("Base64"));
    let long = "A".repeat(16388);
    assert!(refusal(create("long").on_start(hook(&long)).send().await).1.contains("16384"));
    let describe = || {
        lab.sagemaker
            .describe_notebook_instance_lifecycle_config()
            .notebook_instance_lifecycle_config_name("pip")
            .send()
    };
    let described = describe().await.unwrap();
    assert_eq!(described.on_start()[0].content.as_deref(), Some(script.as_str()));
    assert!(described.on_create().is_empty());

    lab.create("n").lifecycle_config_name("pip").send().await.unwrap();
    let update = lab.sagemaker.update_notebook_instance_lifecycle_config();
    update.notebook_instance_lifecycle_config_name("pip").on_create(hook(&script)).send().await.unwrap();
    let described = describe().await.unwrap();
    assert_eq!((described.on_create().len(), described.on_start().len()), (1, 1));
    let delete = || {
        lab.sagemaker.delete_notebook_instance_lifecycle_config().notebook_instance_lifecycle_config_name("pip").send()
    };
    assert!(refusal(delete().await).1.contains("in use"));
    lab.bench.pass(Duration::from_mins(4)).await;
    lab.sagemaker.stop_notebook_instance().notebook_instance_name("n").send().await.unwrap();
    lab.bench.pass(Duration::from_mins(1)).await;
    let detach = lab.sagemaker.update_notebook_instance().notebook_instance_name("n");
    detach.disassociate_lifecycle_config(true).send().await.unwrap();
    delete().await.unwrap();
    assert_eq!(refusal(describe().await), ("ValidationException".into(), "RecordNotFound".into()));
}

#[tokio::test(start_paused = true)]
async fn tags_are_added_listed_and_taken_away_by_arn() {
    let lab = Lab::new().await;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let arn = lab.create("n").tags(tag("a", "1")).send().await.unwrap().notebook_instance_arn.unwrap();
    lab.sagemaker.add_tags().resource_arn(&arn).tags(tag("a", "2")).tags(tag("b", "3")).send().await.unwrap();
    lab.sagemaker.delete_tags().resource_arn(&arn).tag_keys("b").tag_keys("never").send().await.unwrap();
    let listed = lab.sagemaker.list_tags().resource_arn(&arn).send().await.unwrap();
    assert_eq!(listed.tags(), [tag("a", "2")]);
    assert!(refusal(lab.sagemaker.list_tags().resource_arn(&arn).max_results(10).send().await).1.contains("50"));
    let elsewhere = format!("{arn}-not");
    assert!(refusal(lab.sagemaker.list_tags().resource_arn(elsewhere).send().await).1.contains("RecordNotFound"));
}

#[tokio::test(start_paused = true)]
async fn there_is_no_studio_domain() {
    let lab = Lab::new().await;
    assert!(lab.sagemaker.list_domains().send().await.unwrap().domains().is_empty());
    let described = lab.sagemaker.describe_domain().domain_id("d-abc").send().await.unwrap_err();
    assert!(described.into_service_error().is_resource_not_found());
}
