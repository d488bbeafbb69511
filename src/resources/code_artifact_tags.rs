//! Tags of domains and repositories: read alike, written alike.

use async_trait::async_trait;
use aws_sdk_codeartifact::types::Tag;

use super::point_tags;
use crate::{
    aws::{
        account::Clients,
        error::{AwsError, from_sdk},
        inventory::Listing,
        provider::{Reader, Writer},
    },
    model::{owner::Tags, resource::Seen},
};

/// The tags of one domain or repository.
pub struct CodeArtifactTags(Tags);

impl AsRef<Tags> for CodeArtifactTags {
    fn as_ref(&self) -> &Tags {
        &self.0
    }
}

#[async_trait]
impl Listing for CodeArtifactTags {
    async fn fetch(clients: &Clients, shelf: &str) -> Result<Self, AwsError> {
        read_now(clients, point_tags::arn_of(shelf)).await.map(Self)
    }
}

/// The tags as they are at this moment.
pub async fn read_now(clients: &Clients, arn: &str) -> Result<Tags, AwsError> {
    let list = clients.codeartifact.list_tags_for_resource().resource_arn(arn);
    let answer = list.send().await.map_err(from_sdk("codeartifact:ListTagsForResource"))?;
    Ok(point_tags::without_reserved(answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value))))
}

/// The tags as they were less than an hour ago; of a thing that `should` be ours and is not, as they are.
pub async fn look(reader: &Reader<'_>, arn: &str, born: &str, should: bool) -> Result<Tags, AwsError> {
    let shelf = point_tags::shelf(arn, born);
    let look = reader.look_at_tags::<CodeArtifactTags>(&shelf, point_tags::MAX_AGE, should).await?;
    Ok(look.rows.0.clone())
}

/// The tags as they are at this moment, and from now on the ones that are known.
pub async fn refresh(writer: &Writer<'_>, arn: &str, born: &str) -> Result<Tags, AwsError> {
    let tags = read_now(writer.read(), arn).await?;
    learn(writer, arn, born, tags.clone()).await;
    Ok(tags)
}

/// Keep in mind what was just written.
pub async fn learn(writer: &Writer<'_>, arn: &str, born: &str, tags: Tags) {
    writer.learn(&point_tags::shelf(arn, born), CodeArtifactTags(tags)).await;
}

/// The tags in the form of requests.
pub fn request(tags: &Tags) -> Vec<Tag> {
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

/// Add or overwrite tags.
pub async fn add(writer: &Writer<'_>, arn: &str, born: &str, seen: &Seen, tags: &Tags) -> Result<(), AwsError> {
    if tags.is_empty() {
        return Ok(());
    }
    let tag = writer
        .write("codeartifact:TagResource")?
        .codeartifact
        .tag_resource()
        .resource_arn(arn)
        .set_tags(Some(request(tags)));
    tag.send().await.map_err(from_sdk("codeartifact:TagResource"))?;
    let mut all = seen.tags.clone();
    all.extend(tags.clone());
    learn(writer, arn, born, all).await;
    Ok(())
}

/// Take off these tags and whatever else we noted.
pub async fn release(writer: &Writer<'_>, arn: &str, born: &str, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
    let keys = point_tags::released(seen, keys);
    let untag = writer.write("codeartifact:UntagResource")?.codeartifact.untag_resource().resource_arn(arn);
    untag.set_tag_keys(Some(keys.clone())).send().await.map_err(from_sdk("codeartifact:UntagResource"))?;
    let mut left = seen.tags.clone();
    left.retain(|key, _| !keys.contains(key));
    learn(writer, arn, born, left).await;
    Ok(())
}
