"""Every operation of IAM and STS that the simulator has."""

import base64
import json

from judged import ACCOUNT

ISSUER = "oidc.example.com/id/ONE"


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


ALLOW = document({"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"})
TRUST = document(
    {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"},
    {"Effect": "Allow", "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"},
     "Action": "sts:AssumeRoleWithWebIdentity"},
)


def service_linked_roles(aws):
    iam = aws.iam
    name = iam.create_service_linked_role(AWSServiceName="sagemaker.amazonaws.com")["Role"]["RoleName"]
    aws.refused("InvalidInput", iam.create_service_linked_role, AWSServiceName="sagemaker.amazonaws.com")
    aws.refused("UnmodifiableEntity", iam.delete_role, RoleName=name)
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    iam.get_service_linked_role_deletion_status(DeletionTaskId=task)


def users(aws):
    iam = aws.iam
    iam.create_user(UserName="curator", Tags=[{"Key": "a", "Value": "b"}])
    aws.refused("EntityAlreadyExists", iam.create_user, UserName="curator")
    iam.get_user(UserName="curator")
    iam.list_users(MaxItems=1)


def policies(aws):
    iam = aws.iam
    aws.refused("MalformedPolicyDocument", iam.create_policy, PolicyName="broken", PolicyDocument='{"Statement":1}')
    tags = [{"Key": "a", "Value": "b"}]
    policy = iam.create_policy(PolicyName="Reads", PolicyDocument=ALLOW, Description="read", Tags=tags)["Policy"]["Arn"]
    aws.refused("EntityAlreadyExists", iam.create_policy, PolicyName="Reads", PolicyDocument=ALLOW)
    iam.get_policy(PolicyArn=policy)
    iam.list_policies(Scope="Local", MaxItems=1)
    assert aws.pages(iam, "list_policies", "Policies", Scope="All", PaginationConfig={"PageSize": 2})
    for _ in range(4):
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=ALLOW)
    aws.refused("LimitExceeded", iam.create_policy_version, PolicyArn=policy, PolicyDocument=ALLOW)
    iam.set_default_policy_version(PolicyArn=policy, VersionId="v2")
    aws.refused("DeleteConflict", iam.delete_policy_version, PolicyArn=policy, VersionId="v2")
    iam.get_policy_version(PolicyArn=policy, VersionId="v2")
    iam.list_policy_versions(PolicyArn=policy, MaxItems=2)
    iam.tag_policy(PolicyArn=policy, Tags=[{"Key": "c", "Value": ""}])
    iam.list_policy_tags(PolicyArn=policy)
    iam.untag_policy(PolicyArn=policy, TagKeys=["c"])
    aws.refused("NoSuchEntity", iam.get_policy, PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/None")
    return policy


def roles(aws, policy):
    iam, name = aws.iam, {"RoleName": "GeneralIsolatedNotebook"}
    aws.refused("MalformedPolicyDocument", iam.create_role, AssumeRolePolicyDocument="{}", **name)
    iam.create_role(AssumeRolePolicyDocument=TRUST, Description="of notebooks", MaxSessionDuration=7200,
                    PermissionsBoundary=policy, Tags=[{"Key": "a", "Value": "b"}], **name)
    aws.refused("EntityAlreadyExists", iam.create_role, AssumeRolePolicyDocument=TRUST, **name)
    iam.get_role(**name)
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=TRUST)
    assert len(aws.pages(iam, "list_roles", "Roles", PaginationConfig={"PageSize": 1})) >= 2
    iam.delete_role(RoleName="other")
    iam.update_role(Description="still of notebooks", MaxSessionDuration=3600, **name)
    iam.update_role_description(Description="of notebooks again", **name)
    iam.update_assume_role_policy(PolicyDocument=TRUST, **name)
    iam.tag_role(Tags=[{"Key": "c", "Value": ""}], **name)
    iam.list_role_tags(**name)
    iam.untag_role(TagKeys=["c"], **name)
    profile = {"InstanceProfileName": "machines"}
    iam.create_instance_profile(Tags=[{"Key": "a", "Value": "b"}], **profile)
    iam.add_role_to_instance_profile(**profile, **name)
    iam.get_instance_profile(**profile)
    assert iam.list_instance_profiles()["InstanceProfiles"] and iam.list_instance_profiles_for_role(**name)
    aws.refused("DeleteConflict", iam.delete_instance_profile, **profile)
    iam.remove_role_from_instance_profile(**profile, **name)
    iam.delete_instance_profile(**profile)
    iam.list_instance_profiles_for_role(**name)
    iam.put_role_policy(PolicyName="inline", PolicyDocument=ALLOW, **name)
    iam.get_role_policy(PolicyName="inline", **name)
    iam.put_role_policy(PolicyName="second", PolicyDocument=ALLOW, **name)
    assert len(aws.pages(iam, "list_role_policies", "PolicyNames", PaginationConfig={"PageSize": 1}, **name)) == 2
    iam.delete_role_policy(PolicyName="second", **name)
    iam.attach_role_policy(PolicyArn=policy, **name)
    iam.list_attached_role_policies(**name)
    iam.list_entities_for_policy(PolicyArn=policy)
    iam.delete_role_permissions_boundary(**name)
    iam.put_role_permissions_boundary(PermissionsBoundary=policy, **name)
    iam.get_account_authorization_details()
    assert aws.pages(iam, "get_account_authorization_details", "RoleDetailList", PaginationConfig={"PageSize": 1})
    aws.refused("DeleteConflict", iam.delete_role, **name)
    aws.refused("DeleteConflict", iam.delete_policy, PolicyArn=policy)
    aws.refused("NoSuchEntity", iam.get_role, RoleName="none")
    aws.refused("NoSuchEntity", iam.get_role_policy, PolicyName="none", **name)
    return name


def credentials(aws, name):
    sts = aws.sts
    sts.get_caller_identity()
    sts.get_session_token(DurationSeconds=900)
    arn = aws.iam.get_role(**name)["Role"]["Arn"]
    aws.refused("AccessDenied", sts.assume_role, RoleArn=f"{arn}-not", RoleSessionName="session")
    aws.refused("ValidationError", sts.assume_role, RoleArn=arn, RoleSessionName="session", DurationSeconds=43000)
    session = sts.assume_role(RoleArn=arn, RoleSessionName="session", ExternalId="external")["Credentials"]
    claims = {"iss": f"https://{ISSUER}", "sub": "system:serviceaccount:a:b", "aud": "sts.amazonaws.com"}
    token = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=")
                     for part in ('{"alg":"RS256"}', json.dumps(claims), "signature"))
    sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="pod", WebIdentityToken=token)
    aws.refused("InvalidIdentityToken", sts.assume_role_with_web_identity, RoleArn=arn, RoleSessionName="pod",
                WebIdentityToken="this is not a token")
    keys = {"aws_access_key_id": session["AccessKeyId"], "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"]}
    aws.client("sts", **keys).get_caller_identity()
    aws.refused("AccessDenied", aws.client("iam", **keys).list_roles)
    aws.refused("AccessDeniedException", aws.client("codeartifact", **keys).list_domains)
    aws.refused("AccessDeniedException", aws.client("sagemaker", **keys).list_notebook_instances)
    stranger = {"aws_access_key_id": "ASIAAAAAAAAAAAAAAAAA", "aws_secret_access_key": "s", "aws_session_token": "s"}
    aws.refused(["InvalidClientTokenId", "ExpiredToken"], aws.client("sts", **stranger).get_caller_identity)


def removal(aws, name, policy):
    iam = aws.iam
    iam.delete_role_permissions_boundary(**name)
    iam.detach_role_policy(PolicyArn=policy, **name)
    iam.delete_role_policy(PolicyName="inline", **name)
    iam.delete_role(**name)
    for version in iam.list_policy_versions(PolicyArn=policy)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=policy, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=policy)
    iam.delete_user(UserName="curator")


def everything(aws):
    users(aws)
    service_linked_roles(aws)
    policy = policies(aws)
    name = roles(aws, policy)
    credentials(aws, name)
    removal(aws, name, policy)
