//! Starting, stopping and deleting a notebook, and issuing the URL that opens it.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeNotebookInstance.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePresignedNotebookInstanceUrl.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html>.

use serde_json::json;

use super::notebook::{Ending, Status};
use super::rules::{NAME, invalid, limit_exceeded, not_found};
use super::{State, region};
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::{Call, Refusal, Reply};
use crate::sandbox::world::World;

fn name_in(call: &Call) -> Result<String, Refusal> {
    let mut members = Members::of(&call.params);
    let name = members.required("NotebookInstanceName", &NAME).to_owned();
    members.finish().map_err(invalid)?;
    Ok(name)
}

/// Refuses one more running notebook of a type whose quota is used up.
pub fn leave_room_for(state: &State, instance_type: &str) -> Result<(), Refusal> {
    let Some(&allowed) = state.instance_quotas.get(instance_type) else {
        return Ok(());
    };
    let runs = |status| matches!(status, Status::Pending | Status::InService | Status::Stopping);
    let running = state
        .notebooks
        .values()
        .filter(|notebook| notebook.configuration.instance_type == instance_type && runs(notebook.status))
        .count();
    if running < allowed {
        return Ok(());
    }
    Err(limit_exceeded(&format!("{instance_type} for notebook instance usage"), allowed, running))
}

/// How the start of this notebook will end.
pub fn ending_of_start(state: &mut State, name: &str) -> Ending {
    state.failing_starts.remove(name).map_or(Ending::Reaches(Status::InService), Ending::Fails)
}

/// `StartNotebookInstance`.
pub fn start(world: &mut World, call: &Call) -> Reply {
    let name = name_in(call)?;
    let due = call.now + world.settings.delays.notebook_start;
    let state = &mut region(world, call).sagemaker;
    let notebook = state.notebook(&name)?;
    notebook.must_be_in(&[Status::Stopped, Status::Failed], Status::Pending)?;
    let instance_type = notebook.configuration.instance_type.clone();
    leave_room_for(state, &instance_type)?;
    // A start "sometimes doesn't take".
    if state.lost_starts.remove(&name) {
        return Ok(json!({}));
    }
    let ending = ending_of_start(state, &name);
    state.notebook(&name)?.begin(Status::Pending, call.now, due, ending);
    Ok(json!({}))
}

/// `StopNotebookInstance`.
pub fn stop(world: &mut World, call: &Call) -> Reply {
    let name = name_in(call)?;
    let due = call.now + world.settings.delays.notebook_stop;
    let notebook = region(world, call).sagemaker.notebook(&name)?;
    notebook.must_be_in(&[Status::InService], Status::Stopping)?;
    notebook.begin(Status::Stopping, call.now, due, Ending::Reaches(Status::Stopped));
    Ok(json!({}))
}

/// `DeleteNotebookInstance`. The interface outlives the notebook for a while.
pub fn delete(world: &mut World, call: &Call) -> Reply {
    let name = name_in(call)?;
    let due = call.now + world.settings.delays.notebook_delete;
    let released = due + world.settings.delays.eni_release;
    let region = region(world, call);
    let notebook = region.sagemaker.notebook(&name)?;
    notebook.must_be_in(&[Status::Stopped, Status::Failed], Status::Deleting)?;
    notebook.begin(Status::Deleting, call.now, due, Ending::Vanishes);
    if let Some(interface) = notebook.interface.clone() {
        region.ec2.release_interface(&interface, released);
    }
    Ok(json!({}))
}

/// `CreatePresignedNotebookInstanceUrl`. Whoever has the URL can use it; it is different every time.
pub fn presign(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let name = members.required("NotebookInstanceName", &NAME).to_owned();
    members.number("SessionExpirationDurationInSeconds", 1800, 43200);
    members.finish().map_err(invalid)?;
    let token = world.ids.token(64);
    let notebook = region(world, call).sagemaker.notebooks.get(&name).ok_or_else(not_found)?;
    if notebook.status != Status::InService {
        // The code is certain, the words are not.
        return Err(invalid(format!(
            "Unable to create a presigned URL for Notebook Instance ({}): Status ({}) not in ([InService])",
            notebook.arn,
            notebook.status.name()
        )));
    }
    Ok(json!({"AuthorizedUrl": format!("https://{}?authToken={token}", notebook.url)}))
}
