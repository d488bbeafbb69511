//! The writes that make up a notebook, one state at a time.

use aws_sdk_sagemaker::types::{InstanceMetadataServiceConfiguration, InstanceType, RootAccess};

use super::{NotebookState, Written};
use crate::{
    aws::{
        error::{AwsError, from_sdk},
        provider::{Progress, Writer},
    },
    model::{
        diff::{FieldDiff, touches},
        owner::Tags,
        port::ErrorClass,
        resource::{Phase, Remedy, Seen},
    },
    resources::{notebook_note, sagemaker_tags},
};

pub(super) fn metadata(version: &str) -> InstanceMetadataServiceConfiguration {
    InstanceMetadataServiceConfiguration::builder().minimum_instance_metadata_service_version(version).build()
}

pub(super) async fn add_tags(writer: &Writer<'_>, seen: &Seen, tags: &Tags) -> Result<(), AwsError> {
    let Written { arn, born, .. } = &seen.state::<NotebookState>().written;
    sagemaker_tags::add(writer, arn, born, seen, tags).await
}

pub(super) async fn stop(writer: &Writer<'_>, name: &str) -> Result<Progress, AwsError> {
    const OPERATION: &str = "sagemaker:StopNotebookInstance";
    let stop = writer.write(OPERATION)?.sagemaker.stop_notebook_instance().notebook_instance_name(name);
    stop.send().await.map_err(from_sdk(OPERATION))?;
    Ok(Progress::Started("the notebook is stopping".into()))
}

pub(super) async fn start(writer: &Writer<'_>, name: &str) -> Result<Progress, AwsError> {
    const OPERATION: &str = "sagemaker:StartNotebookInstance";
    let start = writer.write(OPERATION)?.sagemaker.start_notebook_instance().notebook_instance_name(name);
    start.send().await.map_err(from_sdk(OPERATION))?;
    Ok(Progress::Started("the notebook is starting".into()))
}

/// Start a failed notebook, after noting that we do.
pub(super) async fn start_again(writer: &Writer<'_>, seen: &Seen, mut tags: Tags) -> Result<Progress, AwsError> {
    let Phase::Failed { remedy: Remedy::Update, .. } = &seen.phase else {
        let message = "the notebook failed and was started often enough; start it by hand once the reason is gone";
        return Err(AwsError::new(ErrorClass::Waiting, "sagemaker:StartNotebookInstance", message));
    };
    let Written { modified_seconds, note, .. } = &seen.state::<NotebookState>().written;
    tags.insert(notebook_note::TAG.to_owned(), note.started(*modified_seconds).text().unwrap_or_default());
    add_tags(writer, seen, &tags).await?;
    start(writer, &seen.id).await
}

/// Change what deviates of a stopped notebook.
pub(super) async fn change(
    writer: &Writer<'_>,
    wish: &NotebookState,
    seen: &Seen,
    diffs: &[FieldDiff],
) -> Result<Progress, AwsError> {
    const OPERATION: &str = "sagemaker:UpdateNotebookInstance";
    let on = |field: &str| touches(diffs, field);
    let lifecycle = wish.lifecycle_config.known().filter(|_| on("lifecycleConfig"));
    let update = writer.write(OPERATION)?.sagemaker.update_notebook_instance().notebook_instance_name(&seen.id);
    let update = update
        .set_instance_type(
            wish.instance_type.known().filter(|_| on("instanceType")).map(|kind| InstanceType::from(kind.as_str())),
        )
        .set_role_arn(wish.role_arn.known().filter(|_| on("roleArn")).cloned())
        .set_lifecycle_config_name(lifecycle.cloned().flatten())
        .set_disassociate_lifecycle_config(lifecycle.filter(|name| name.is_none()).map(|_| true))
        .set_root_access(
            wish.root_access.known().filter(|_| on("rootAccess")).map(|access| RootAccess::from(access.as_str())),
        )
        .set_instance_metadata_service_configuration(
            wish.minimum_imds_version.known().filter(|_| on("minimumIMDSVersion")).map(|version| metadata(version)),
        )
        .set_platform_identifier(wish.platform_identifier.known().filter(|_| on("platformIdentifier")).cloned())
        .set_volume_size_in_gb(wish.volume_size_gib.known().filter(|_| on("volumeSizeGiB")).copied());
    update.send().await.map_err(from_sdk(OPERATION))?;
    Ok(Progress::Started("the notebook is being updated".into()))
}
