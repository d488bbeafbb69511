//! Tags of notebooks and their lifecycle configurations: read alike, written alike.
//!
//! AWS on this: <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html>.

use async_trait::async_trait;
use aws_sdk_sagemaker::types::Tag;

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

/// The tags of one notebook or lifecycle configuration.
pub struct SageMakerTags(Tags);

impl AsRef<Tags> for SageMakerTags {
    fn as_ref(&self) -> &Tags {
        &self.0
    }
}

#[async_trait]
impl Listing for SageMakerTags {
    async fn fetch(clients: &Clients, shelf: &str) -> Result<Self, AwsError> {
        read_now(clients, point_tags::arn_of(shelf)).await.map(Self)
    }
}

/// The tags as they are at this moment. There is nearly always one page of them, but only AWS can say so.
pub async fn read_now(clients: &Clients, arn: &str) -> Result<Tags, AwsError> {
    let pages = clients.sagemaker.list_tags().resource_arn(arn).max_results(50).into_paginator().items().send();
    let tags = pages.collect::<Result<Vec<_>, _>>().await.map_err(from_sdk("sagemaker:ListTags"))?;
    let pairs = tags.into_iter();
    Ok(point_tags::without_reserved(pairs.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))))
}

/// The tags as they were less than an hour ago; of a thing that `should` be ours and is not, as they are.
pub async fn look(reader: &Reader<'_>, arn: &str, born: &str, should: bool) -> Result<Tags, AwsError> {
    let shelf = point_tags::shelf(arn, born);
    let look = reader.look_at_tags::<SageMakerTags>(&shelf, point_tags::MAX_AGE, should).await?;
    Ok(look.rows.0.clone())
}

/// The tags as they are at this moment, and from now on the ones that are known.
pub async fn refresh(writer: &Writer<'_>, arn: &str, born: &str) -> Result<Tags, AwsError> {
    let tags = read_now(writer.read(), arn).await?;
    learn(writer, arn, born, tags.clone()).await;
    Ok(tags)
}

/// Keep in mind what was just written.
async fn learn(writer: &Writer<'_>, arn: &str, born: &str, tags: Tags) {
    writer.learn(&point_tags::shelf(arn, born), SageMakerTags(tags)).await;
}

/// The tags in the form of requests.
pub fn request(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Add or overwrite tags.
pub async fn add(writer: &Writer<'_>, arn: &str, born: &str, seen: &Seen, tags: &Tags) -> Result<(), AwsError> {
    if tags.is_empty() {
        return Ok(());
    }
    let add = writer.write("sagemaker:AddTags")?.sagemaker.add_tags().resource_arn(arn).set_tags(Some(request(tags)));
    add.send().await.map_err(from_sdk("sagemaker:AddTags"))?;
    let mut all = seen.tags.clone();
    all.extend(tags.clone());
    learn(writer, arn, born, all).await;
    Ok(())
}

/// Take tags off.
pub async fn remove(writer: &Writer<'_>, arn: &str, born: &str, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
    let delete = writer.write("sagemaker:DeleteTags")?.sagemaker.delete_tags().resource_arn(arn);
    delete.set_tag_keys(Some(keys.to_vec())).send().await.map_err(from_sdk("sagemaker:DeleteTags"))?;
    let mut left = seen.tags.clone();
    left.retain(|key, _| !keys.contains(key));
    learn(writer, arn, born, left).await;
    Ok(())
}
