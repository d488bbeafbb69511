//! What scenario C finds: an isolated notebook that somebody else made, in a VPC with a subnet, a group and a role of theirs. Made with the real
//! SDK clients, as its owner would.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::types::AttributeBooleanValue;
use cloister::sandbox::in_process::InProcess;

use crate::{
    hands::{EVERYTHING, TRUST},
    world::{ACCOUNT, Tenant, World},
};

/// The policy that limits what the examples' roles can ever do.
pub const BOUNDARY: &str = "CloisterNotebookBoundary";

/// Somebody else's isolated notebook.
pub struct Existing {
    /// Its VPC.
    pub vpc: String,
    /// Its subnet.
    pub subnet: String,
    /// Its security group.
    pub group: String,
    /// Its role's ARN.
    pub role: String,
    /// Its name.
    pub notebook: String,
}

impl World {
    /// The SDK as somebody else in the same account would use it.
    pub async fn sdk(&self, region: &str) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.to_owned()))
            .http_client(InProcess::shared(self.simulator.clone()))
            .credentials_provider(aws_credential_types::Credentials::new(ACCOUNT, "secret", None, None, "test"))
            .load()
            .await
    }

    /// The boundary that the examples' identity requires.
    pub async fn with_boundary(&self) {
        let iam = aws_sdk_iam::Client::new(&self.sdk("us-east-1").await);
        iam.create_policy().policy_name(BOUNDARY).policy_document(EVERYTHING).send().await.expect("a boundary");
        self.simulator.clear_log();
    }

    /// An isolated notebook with everything that it needs, `number` of its kind.
    pub async fn isolated_notebook(&self, region: &str, number: usize) -> Existing {
        let config = self.sdk(region).await;
        let ec2 = aws_sdk_ec2::Client::new(&config);
        let vpc = ec2
            .create_vpc()
            .cidr_block("10.60.0.0/16")
            .send()
            .await
            .expect("a VPC")
            .vpc
            .and_then(|vpc| vpc.vpc_id)
            .expect("an id");
        let on = AttributeBooleanValue::builder().value(true).build();
        ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(on).send().await.expect("hostnames");
        let subnet = ec2
            .create_subnet()
            .vpc_id(&vpc)
            .cidr_block("10.60.1.0/24")
            .availability_zone(format!("{region}a"))
            .send()
            .await;
        let subnet = subnet.expect("a subnet").subnet.and_then(|subnet| subnet.subnet_id).expect("an id");
        let group =
            ec2.create_security_group().group_name("notebook").description("notebook").vpc_id(&vpc).send().await;
        let group = group.expect("a group").group_id.expect("an id");
        let name = if number == 0 {
            "GeneralIsolatedNotebook".to_owned()
        } else {
            format!("GeneralIsolatedNotebook-{number}")
        };
        let iam = aws_sdk_iam::Client::new(&config);
        iam.create_role().role_name(&name).assume_role_policy_document(TRUST).send().await.expect("a role");
        let notebook = if number == 0 { "isolated-notebook".to_owned() } else { format!("isolated-notebook-{number}") };
        let role = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
        tokio::time::sleep(std::time::Duration::from_mins(1)).await;
        let sagemaker = aws_sdk_sagemaker::Client::new(&config);
        let create = sagemaker
            .create_notebook_instance()
            .notebook_instance_name(&notebook)
            .instance_type("ml.t3.medium".into())
            .role_arn(&role)
            .subnet_id(&subnet)
            .security_group_ids(&group)
            .direct_internet_access("Disabled".into());
        create.send().await.expect("a notebook");
        tokio::time::sleep(std::time::Duration::from_mins(10)).await;
        self.simulator.clear_log();
        Existing { vpc, subnet, group, role, notebook }
    }
}

impl Existing {
    /// The example's environment, for this notebook.
    pub fn tenant(&self, example: &str, name: &str) -> Tenant {
        Tenant::of(example, |object| {
            object.metadata.name = Some(name.to_owned());
            object.metadata.uid = Some(format!("uid-of-{name}"));
            let network = &mut object.spec.network;
            network.vpc.id = Some(self.vpc.clone());
            network.subnets[0].id = Some(self.subnet.clone());
            if let Some(group) = &mut network.security_groups.notebooks {
                group.id.clone_from(&self.group);
            }
            object.spec.execution_role.arn = Some(self.role.clone());
            object.spec.notebooks[0].name.clone_from(&self.notebook);
        })
    }
}
