//! Tags of EC2 things: read alike, written alike.

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};

use crate::{
    aws::{
        error::{AwsError, from_sdk},
        provider::Writer,
    },
    model::{diff::FieldDiff, owner::Tags},
};

/// What EC2 says, without the tags that AWS reserves for itself.
pub fn read(tags: Option<&[Tag]>) -> Tags {
    let pairs = tags
        .unwrap_or_default()
        .iter()
        .filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default())));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// The tags of a thing about to be created.
pub fn specification(kind: ResourceType, tags: &Tags) -> TagSpecification {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags)).build()
}

/// Set those of the wanted tags that deviate.
pub async fn correct(writer: &Writer<'_>, id: &str, wanted: &Tags, diffs: &[FieldDiff]) -> Result<(), AwsError> {
    let deviating = wanted
        .iter()
        .filter(|(key, _)| diffs.iter().any(|diff| diff.path == format!("tags[{key}]")))
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    let create = writer.write("ec2:CreateTags")?.ec2.create_tags().resources(id).set_tags(Some(deviating));
    create.send().await.map_err(from_sdk("ec2:CreateTags"))?;
    Ok(())
}

/// Take tags off.
pub async fn remove(writer: &Writer<'_>, id: &str, keys: &[String]) -> Result<(), AwsError> {
    let tags = keys.iter().map(|key| Tag::builder().key(key).build()).collect();
    let delete = writer.write("ec2:DeleteTags")?.ec2.delete_tags().resources(id).set_tags(Some(tags));
    delete.send().await.map_err(from_sdk("ec2:DeleteTags"))?;
    Ok(())
}
