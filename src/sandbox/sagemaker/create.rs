//! `CreateNotebookInstance`: all its checks, in the order in which AWS makes them as far as that is known, and the
//! interface in the customer's subnet.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeNotebookInstance.html>.

use serde_json::json;

use super::access::must_be_assumable;
use super::notebook::{Notebook, Status};
use super::rules::{EC2_ID, KMS_KEY, NAME, forbid_reserved, invalid, limit_exceeded, tags};
use super::transition::{ending_of_start, leave_room_for};
use super::wish::Wish;
use super::{State, region};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::{Call, Refusal, Reply};
use crate::sandbox::world::World;

/// A request that has kept the rules of the model.
struct Request {
    name: String,
    subnet: Option<String>,
    groups: Vec<String>,
    kms_key: Option<String>,
    direct_internet_access: String,
    tags: Vec<(String, String)>,
    wish: Wish,
}

impl Request {
    fn read(call: &Call) -> Result<Self, Refusal> {
        let mut members = Members::of(&call.params);
        for name in ["InstanceType", "RoleArn"] {
            if members.raw(name).is_none() {
                members.missing(name);
            }
        }
        let access = members.choice("DirectInternetAccess", &["Enabled", "Disabled"]);
        let request = Self {
            name: members.required("NotebookInstanceName", &NAME).to_owned(),
            subnet: members.text("SubnetId", &EC2_ID).map(str::to_owned),
            groups: members.texts("SecurityGroupIds", 0, 5, &EC2_ID).unwrap_or_default(),
            kms_key: members.text("KmsKeyId", &KMS_KEY).map(str::to_owned),
            direct_internet_access: access.unwrap_or("Enabled").to_owned(),
            tags: tags(&mut members),
            wish: Wish::read(&mut members),
        };
        members.finish().map_err(invalid)?;
        Ok(request)
    }

    /// Without direct internet access there has to be a subnet, and a subnet needs security groups.
    fn must_have_a_network(&self) -> Result<(), Refusal> {
        if self.subnet.is_none() && self.direct_internet_access == "Disabled" {
            return Err(invalid("DirectInternetAccess can only be set to Disabled if a SubnetId is specified."));
        }
        if self.subnet.is_some() == self.groups.is_empty() {
            return Err(invalid("SubnetId and SecurityGroupIds must be specified together."));
        }
        Ok(())
    }
}

fn must_fit(state: &State, arn: &str, allowed: usize) -> Result<(), Refusal> {
    // Names keep their case, ARNs do not: two names that differ only in case would share one.
    if state.notebooks.values().any(|notebook| notebook.arn == arn) {
        return Err(invalid(format!("Cannot create a duplicate Notebook Instance ({arn})")));
    }
    let used = state.notebooks.len();
    if used >= allowed {
        return Err(limit_exceeded("Total number of notebook instances", allowed, used));
    }
    Ok(())
}

/// Makes the interface through which the notebook is in the customer's subnet, which checks subnet, groups and free
/// addresses on the way. SageMaker has no codes for these; EC2's words arrive as a validation error.
fn make_interface(world: &mut World, call: &Call, request: &Request, arn: &str) -> Result<Option<String>, Refusal> {
    let Some(subnet) = &request.subnet else {
        return Ok(None);
    };
    let id = world.ids.hex("eni");
    let description = format!("[DO NOT DELETE] ENI managed by SageMaker for NotebookInstance {arn}");
    let settings = world.settings.clone();
    let ec2 = &mut region(world, call).ec2;
    ec2.settle(call.now, &settings);
    if ec2.tenancy_around(subnet).is_some_and(|tenancy| tenancy != "default") {
        return Err(invalid(format!("The subnet {subnet} is in a VPC whose tenancy is not default.")));
    }
    ec2.create_interface(id.clone(), subnet, &request.groups, &description, true, "interface", call.now)
        .map_err(|refusal| invalid(refusal.message))?;
    Ok(Some(id))
}

/// `CreateNotebookInstance`. The notebook starts by itself.
pub fn create(world: &mut World, call: &Call) -> Reply {
    let request = Request::read(call)?;
    forbid_reserved(&request.tags)?;
    request.must_have_a_network()?;
    let partition = world.partition;
    let allowed = world.settings.quotas.notebooks;
    let due = call.now + world.settings.delays.notebook_start;
    let host = request.name.to_lowercase();
    let arn = format!("arn:{partition}:sagemaker:{}:{}:notebook-instance/{host}", call.region, call.account);
    let role = request.wish.role_arn().unwrap_or_default().to_owned();
    let state = &region(world, call).sagemaker;
    must_fit(state, &arn, allowed)?;
    request.wish.must_be_possible(state)?;
    leave_room_for(state, call.params["InstanceType"].as_str().unwrap_or_default())?;
    must_be_assumable(world, call, &role)?;
    let interface = make_interface(world, call, &request, &arn)?;
    let state = &mut region(world, call).sagemaker;
    let mut notebook = Notebook {
        url: format!("{host}.notebook.{}.sagemaker.aws", call.region),
        arn: arn.clone(),
        subnet: request.subnet,
        groups: request.groups,
        kms_key: request.kms_key,
        direct_internet_access: request.direct_internet_access,
        interface,
        configuration: request.wish.into_configuration(),
        status: Status::Pending,
        failure: None,
        transition: None,
        tags: request.tags.into_iter().collect(),
        created: call.now,
        modified: call.now,
        name: request.name,
    };
    let ending = ending_of_start(state, &notebook.name);
    notebook.begin(Status::Pending, call.now, due, ending);
    state.notebooks.insert(notebook.name.clone(), notebook);
    Ok(json!({"NotebookInstanceArn": arn}))
}
