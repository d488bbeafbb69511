//! Tags of notebooks and lifecycle configurations. They are shown by `ListTags` only.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html>.

use std::collections::BTreeMap;

use serde_json::json;

use super::rules::{NEXT_TOKEN, RESOURCE_ARN, TAG_KEY, forbid_reserved, invalid, not_found, show_tags, tags};
use super::{State, region};
use crate::sandbox::constraint::Members;
use crate::sandbox::paging::page;
use crate::sandbox::wire::{Call, Refusal, Reply};
use crate::sandbox::world::World;

/// Tags that a resource can have.
const MOST: usize = 50;

fn tags_of<'s>(state: &'s mut State, arn: &str) -> Result<&'s mut BTreeMap<String, String>, Refusal> {
    // ARNs of SageMaker are compared as they are: names keep their case in them.
    let notebook = state.notebooks.values_mut().find(|notebook| notebook.arn == arn);
    if let Some(notebook) = notebook {
        return Ok(&mut notebook.tags);
    }
    let lifecycle = state.lifecycles.values_mut().find(|lifecycle| lifecycle.arn == arn);
    lifecycle.map(|lifecycle| &mut lifecycle.tags).ok_or_else(not_found)
}

/// `AddTags`: adds and overwrites; answers with all tags.
pub fn add(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let arn = members.required("ResourceArn", &RESOURCE_ARN);
    if members.raw("Tags").is_none() {
        members.missing("Tags");
    }
    let added = tags(&mut members);
    members.finish().map_err(invalid)?;
    forbid_reserved(&added)?;
    let present = tags_of(&mut region(world, call).sagemaker, arn)?;
    let mut all = present.clone();
    all.extend(added);
    if all.len() > MOST {
        return Err(invalid(format!("The number of tags on {arn} would exceed the limit of {MOST}")));
    }
    *present = all;
    Ok(json!({"Tags": show_tags(&*present)}))
}

/// `DeleteTags`: keys that are not there do no harm.
pub fn delete(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let arn = members.required("ResourceArn", &RESOURCE_ARN);
    let keys = members.texts("TagKeys", 1, MOST, &TAG_KEY);
    if keys.is_none() {
        members.missing("TagKeys");
    }
    members.finish().map_err(invalid)?;
    let present = tags_of(&mut region(world, call).sagemaker, arn)?;
    for key in keys.unwrap_or_default() {
        present.remove(&key);
    }
    Ok(json!({}))
}

/// `ListTags`. A page has room for at least fifty tags, which is all a resource can have.
pub fn list(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let arn = members.required("ResourceArn", &RESOURCE_ARN);
    let size = members.number("MaxResults", 50, i64::MAX).unwrap_or(50);
    let token = members.text("NextToken", &NEXT_TOKEN);
    members.finish().map_err(invalid)?;
    let state = &mut region(world, call).sagemaker;
    let size = usize::try_from(size).unwrap_or(MOST).min(state.tags_per_page.unwrap_or(usize::MAX));
    let present = tags_of(state, arn)?;
    let entries = present.iter().map(|(key, value)| (key.clone(), json!({"Key": key, "Value": value}))).collect();
    let page = page(entries, false, token, size).ok_or_else(|| invalid("The NextToken is not valid."))?;
    let mut answer = json!({"Tags": page.entries});
    if let Some(next) = page.next {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}
