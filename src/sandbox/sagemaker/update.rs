//! `UpdateNotebookInstance`: only of a stopped notebook, and only what is not fixed at creation.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html>.

use serde_json::json;

use super::access::must_be_assumable;
use super::notebook::{Ending, Status};
use super::region;
use super::rules::{NAME, invalid};
use super::wish::Wish;
use crate::sandbox::constraint::Members;
use crate::sandbox::wire::{Call, Reply};
use crate::sandbox::world::World;

/// `UpdateNotebookInstance`.
pub fn update(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let name = members.required("NotebookInstanceName", &NAME).to_owned();
    let wish = Wish::read(&mut members);
    members.finish().map_err(invalid)?;
    region(world, call).sagemaker.notebook(&name)?.must_be_in(&[Status::Stopped], Status::Updating)?;
    if let Some(role) = wish.role_arn() {
        must_be_assumable(world, call, role)?;
    }
    let due = call.now + world.settings.delays.notebook_update;
    let state = &mut region(world, call).sagemaker;
    wish.must_be_possible(state)?;
    let notebook = state.notebook(&name)?;
    wish.apply(&mut notebook.configuration)?;
    notebook.begin(Status::Updating, call.now, due, Ending::Reaches(Status::Stopped));
    Ok(json!({}))
}
