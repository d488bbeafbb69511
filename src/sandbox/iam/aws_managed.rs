//! A few of the policies that AWS provides. Their documents say the same as AWS's about the services that are simulated
//! here and are shorter about all others; any other name does not exist.

use serde_json::{Value, json};

use super::super::clock::Instant;
use super::policy::ManagedPolicy;

const NAMES: [&str; 18] = [
    "AWSCodeArtifactAdminAccess",
    "AWSCodeArtifactReadOnlyAccess",
    "AWSDenyAll",
    "AdministratorAccess",
    "AmazonAthenaFullAccess",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEC2FullAccess",
    "AmazonEC2ReadOnlyAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSageMakerFullAccess",
    "AmazonSageMakerReadOnly",
    "AmazonSSMManagedInstanceCore",
    "AmazonVPCFullAccess",
    "CloudWatchLogsFullAccess",
    "IAMFullAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
];

/// The policy of AWS with this ARN. Every partition has them.
pub(super) fn find(arn: &str) -> Option<ManagedPolicy> {
    let (partition, name) = arn.strip_prefix("arn:")?.split_once(":iam::aws:policy/")?;
    NAMES.iter().position(|known| *known == name).map(|position| policy(position, partition))
}

/// All that are known here, with the ARNs of a partition.
pub(super) fn all(partition: &str) -> impl Iterator<Item = ManagedPolicy> {
    (0..NAMES.len()).map(move |position| policy(position, partition))
}

fn policy(position: usize, partition: &str) -> ManagedPolicy {
    let name = NAMES[position];
    let document = json!({"Version": "2012-10-17", "Statement": statements(name)}).to_string();
    let id = format!("ANPAAWSMANAGEDPOLICY{}", char::from(b'A' + u8::try_from(position).unwrap_or_default()));
    // February 2015, when AWS published the first of its managed policies.
    let published = Instant::from_hours(395_322);
    ManagedPolicy::new(format!("arn:{partition}:iam::aws:policy/{name}"), id, document, published)
}

fn statements(name: &str) -> Value {
    let allow = |actions: Value| json!([{"Effect": "Allow", "Action": actions, "Resource": "*"}]);
    match name {
        "AWSCodeArtifactAdminAccess" => json!([
            {"Effect": "Allow", "Action": ["codeartifact:*"], "Resource": "*"},
            {"Effect": "Allow", "Action": "sts:GetServiceBearerToken", "Resource": "*",
             "Condition": {"StringEquals": {"sts:AWSServiceName": "codeartifact.amazonaws.com"}}},
        ]),
        "AWSCodeArtifactReadOnlyAccess" => json!([
            {"Effect": "Allow",
             "Action": ["codeartifact:Describe*", "codeartifact:Get*", "codeartifact:List*", "codeartifact:ReadFromRepository"],
             "Resource": "*"},
            {"Effect": "Allow", "Action": "sts:GetServiceBearerToken", "Resource": "*",
             "Condition": {"StringEquals": {"sts:AWSServiceName": "codeartifact.amazonaws.com"}}},
        ]),
        "AWSDenyAll" => json!([{"Sid": "DenyAll", "Effect": "Deny", "Action": ["*"], "Resource": "*"}]),
        "AdministratorAccess" => allow(json!("*")),
        "AmazonAthenaFullAccess" => allow(json!(["athena:*", "glue:Get*", "s3:GetBucketLocation", "s3:GetObject"])),
        "AmazonEC2ContainerRegistryReadOnly" => allow(json!([
            "ecr:GetAuthorizationToken",
            "ecr:BatchCheckLayerAvailability",
            "ecr:GetDownloadUrlForLayer",
            "ecr:BatchGetImage",
            "ecr:Describe*",
            "ecr:List*",
        ])),
        "AmazonSSMManagedInstanceCore" => allow(json!([
            "ssm:DescribeAssociation",
            "ssm:GetDocument",
            "ssm:UpdateInstanceInformation",
            "ssmmessages:*",
            "ec2messages:*",
        ])),
        "CloudWatchLogsFullAccess" => allow(json!(["logs:*", "cloudwatch:GenerateQuery"])),
        "AmazonEC2FullAccess" => allow(json!("ec2:*")),
        "AmazonEC2ReadOnlyAccess" => allow(json!(["ec2:Describe*", "ec2:Get*"])),
        "AmazonS3FullAccess" => allow(json!(["s3:*", "s3-object-lambda:*"])),
        "AmazonS3ReadOnlyAccess" => {
            allow(json!(["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*",]))
        }
        "AmazonSageMakerFullAccess" => json!([
            {"Effect": "Allow", "Action": ["sagemaker:*"], "Resource": "*"},
            {"Effect": "Allow",
             "Action": ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:CreateVpcEndpoint", "ec2:Describe*",
                        "iam:ListRoles", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:Describe*",
                        "logs:PutLogEvents", "s3:ListAllMyBuckets", "s3:GetBucketLocation"],
             "Resource": "*"},
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
             "Resource": ["arn:aws:s3:::*SageMaker*", "arn:aws:s3:::*Sagemaker*", "arn:aws:s3:::*sagemaker*"]},
            {"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": "arn:aws:iam::*:role/*",
             "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}},
        ]),
        "AmazonSageMakerReadOnly" => allow(json!(["sagemaker:Describe*", "sagemaker:List*", "sagemaker:Get*"])),
        // The list of AWS's is longer; within EC2 it covers what makes up a network.
        "AmazonVPCFullAccess" => allow(json!([
            "ec2:*Vpc*",
            "ec2:*Subnet*",
            "ec2:*Route*",
            "ec2:*SecurityGroup*",
            "ec2:*Gateway*",
            "ec2:*NetworkAcl*",
            "ec2:*NetworkInterface*",
            "ec2:CreateTags",
            "ec2:DeleteTags",
            "ec2:Describe*",
        ])),
        "IAMFullAccess" => allow(json!(["iam:*"])),
        "PowerUserAccess" => json!([
            {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
            {"Effect": "Allow",
             "Action": ["iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:ListRoles",
                        "organizations:DescribeOrganization", "account:ListRegions", "account:GetAccountInformation"],
             "Resource": "*"},
        ]),
        // ReadOnlyAccess, and nothing else is left.
        _ => allow(json!([
            "codeartifact:Describe*",
            "codeartifact:Get*",
            "codeartifact:List*",
            "codeartifact:ReadFromRepository",
            "ec2:Describe*",
            "ec2:Get*",
            "iam:Generate*",
            "iam:Get*",
            "iam:List*",
            "iam:Simulate*",
            "logs:Describe*",
            "logs:Get*",
            "s3:Get*",
            "s3:List*",
            "sagemaker:Describe*",
            "sagemaker:List*",
            "sts:GetAccessKeyInfo",
        ])),
    }
}
