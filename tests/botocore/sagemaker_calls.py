"""Every operation of SageMaker that the simulator has."""

import base64

from judged import REGION, until

TRUST = ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},'
         '"Action":"sts:AssumeRole"}]}')


def lifecycle(aws):
    sagemaker = aws.sagemaker
    hook = [{"Content": base64.b64encode(b"#!/bin/bash\n").decode()}]
    name = {"NotebookInstanceLifecycleConfigName": "hooks"}
    sagemaker.create_notebook_instance_lifecycle_config(OnStart=hook, **name)
    aws.refused("ValidationException", sagemaker.create_notebook_instance_lifecycle_config, OnStart=hook, **name)
    sagemaker.update_notebook_instance_lifecycle_config(OnStart=hook, OnCreate=hook, **name)
    sagemaker.describe_notebook_instance_lifecycle_config(**name)
    sagemaker.list_notebook_instance_lifecycle_configs(NameContains="hook", MaxResults=1)
    other = {"NotebookInstanceLifecycleConfigName": "other"}
    sagemaker.create_notebook_instance_lifecycle_config(**other)
    listed = aws.pages(sagemaker, "list_notebook_instance_lifecycle_configs", "NotebookInstanceLifecycleConfigs",
                       PaginationConfig={"PageSize": 1})
    assert len(listed) == 2, listed
    sagemaker.delete_notebook_instance_lifecycle_config(**other)
    aws.refused("ValidationException", sagemaker.describe_notebook_instance_lifecycle_config,
                NotebookInstanceLifecycleConfigName="none")


def notebook(aws):
    sagemaker, ec2 = aws.sagemaker, aws.ec2
    role = aws.iam.create_role(RoleName="execution", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="notebook", Description="of notebooks", VpcId=vpc)["GroupId"]
    name = {"NotebookInstanceName": "Test-Notebook-Instance"}
    wish = {
        **name, "InstanceType": "ml.t3.medium", "RoleArn": role, "SubnetId": subnet, "SecurityGroupIds": [group],
        "DirectInternetAccess": "Disabled", "RootAccess": "Disabled", "LifecycleConfigName": "hooks",
        "VolumeSizeInGB": 5, "Tags": [{"Key": "a", "Value": "b"}],
        "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"},
    }
    arn = sagemaker.create_notebook_instance(**wish)["NotebookInstanceArn"]
    aws.refused("ValidationException", sagemaker.create_notebook_instance, **wish)
    in_state(sagemaker, name, "InService")
    sagemaker.list_notebook_instances(MaxResults=1, StatusEquals="InService")
    ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    sagemaker.create_presigned_notebook_instance_url(**name)
    aws.refused("ValidationException", sagemaker.delete_notebook_instance, **name)
    aws.refused("ValidationException", sagemaker.start_notebook_instance, **name)
    sagemaker.stop_notebook_instance(**name)
    in_state(sagemaker, name, "Stopped")
    sagemaker.update_notebook_instance(VolumeSizeInGB=6, DisassociateLifecycleConfig=True, **name)
    in_state(sagemaker, name, "Stopped")
    sagemaker.start_notebook_instance(**name)
    in_state(sagemaker, name, "InService")
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "c", "Value": ""}])
    sagemaker.list_tags(ResourceArn=arn, MaxResults=50)
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["c"])
    sagemaker.stop_notebook_instance(**name)
    in_state(sagemaker, name, "Stopped")
    sagemaker.delete_notebook_instance(**name)
    until(lambda: not sagemaker.list_notebook_instances()["NotebookInstances"])
    refusal = aws.refused("ValidationException", sagemaker.describe_notebook_instance, **name)
    assert "RecordNotFound" in refusal["Error"]["Message"], refusal

    sagemaker.delete_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="hooks")
    until(lambda: not ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkInterfaces"])
    ec2.delete_security_group(GroupId=group)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)
    aws.iam.delete_role(RoleName="execution")


def in_state(sagemaker, name, state):
    until(lambda: sagemaker.describe_notebook_instance(**name)["NotebookInstanceStatus"] == state)


def studio(aws):
    aws.sagemaker.list_domains()
    aws.refused("ResourceNotFound", aws.sagemaker.describe_domain, DomainId="d-0123456789ab")


def everything(aws):
    lifecycle(aws)
    notebook(aws)
    studio(aws)
