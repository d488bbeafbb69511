//! Tags of EC2 things: read alike, written alike.

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};

use crate::{
    aws::{
        error::{AwsError, from_sdk},
        provider::{Reader, Writer},
    },
    model::{
        diff::FieldDiff,
        owner::{Tags, is_telling},
        resource::{Management, Wanted},
    },
};

/// What EC2 says, without the tags that AWS reserves for itself, but with those that say whose a thing is.
pub fn read(tags: Option<&[Tag]>) -> Tags {
    let pairs = tags
        .unwrap_or_default()
        .iter()
        .filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default())));
    pairs.filter(|(key, _)| is_telling(key)).collect()
}

/// Whether a thing with this id and these tags may be the environment's: it has its owner tags, is asked for by id, was known before, or may
/// be taken over.
pub fn concerns(reader: &Reader<'_>, wanted: &[Wanted], id: &str, tags: &Tags) -> bool {
    let asked_for = wanted.iter().any(|wanted| match &wanted.management {
        Management::Existing(known) | Management::Addition(known) => known == id,
        Management::Owned => false,
    });
    asked_for
        || reader.may_adopt(id)
        || reader.remembered.values().any(|known| known == id)
        || reader.owner.address_of(tags).is_some()
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
    remove_from(writer, &[id.to_owned()], keys).await
}

/// Take tags off several things, in one call.
pub async fn remove_from(writer: &Writer<'_>, ids: &[String], keys: &[String]) -> Result<(), AwsError> {
    let tags = keys.iter().map(|key| Tag::builder().key(key).build()).collect();
    let delete =
        writer.write("ec2:DeleteTags")?.ec2.delete_tags().set_resources(Some(ids.to_vec())).set_tags(Some(tags));
    delete.send().await.map_err(from_sdk("ec2:DeleteTags"))?;
    Ok(())
}
