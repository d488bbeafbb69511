//! The vocabulary of the schema: patterns that several fields share, and how a rule is written down.

use kube::core::{Reason, Rule};

/// An IAM role's ARN.
pub(super) const ROLE_ARN: &str = r"^arn:aws:iam::[0-9]{12}:role/([\x21-\x7E]{1,510}/)?[A-Za-z0-9_+=,.@-]{1,64}$";
/// An IAM policy's ARN, of an account or of AWS.
pub(super) const POLICY_ARN: &str =
    r"^arn:aws:iam::([0-9]{12}|aws):policy/([\x21-\x7E]{1,510}/)?[A-Za-z0-9_+=,.@-]{1,128}$";
/// ARN or account id of who may do something with a repository.
pub(super) const PRINCIPAL: &str =
    r"^([0-9]{12}|arn:aws:(iam|sts)::[0-9]{12}:(root|(role|user|assumed-role)/[\x21-\x7E]+))$";
/// An action of an IAM policy.
pub(super) const ACTION: &str = r"^(\*|[a-z0-9-]+:[A-Za-z0-9*?]+)$";
/// A resource of an IAM policy.
pub(super) const RESOURCE: &str = r"^(\*|arn:[\x20-\x7E]+)$";
/// A statement's identifier.
pub(super) const SID: &str = r"^[A-Za-z0-9]+$";
/// An AWS account id.
pub(super) const ACCOUNT: &str = r"^[0-9]{12}$";
/// A region of the partition `aws`.
pub(super) const REGION: &str = r"^[a-z]{2}(-[a-z]+)+-[0-9]$";
/// A VPC's id.
pub(super) const VPC_ID: &str = r"^vpc-([0-9a-f]{8}|[0-9a-f]{17})$";
/// A subnet's id.
pub(super) const SUBNET_ID: &str = r"^subnet-([0-9a-f]{8}|[0-9a-f]{17})$";
/// A security group's id.
pub(super) const SECURITY_GROUP_ID: &str = r"^sg-([0-9a-f]{8}|[0-9a-f]{17})$";
/// A VPC endpoint's id.
pub(super) const ENDPOINT_ID: &str = r"^vpce-([0-9a-f]{8}|[0-9a-f]{17})$";
/// The id, ARN or alias of a KMS key.
pub(super) const KMS_KEY: &str = r"^[A-Za-z0-9:/_-]+$";
/// A name within one of our lists: a DNS label.
pub(super) const LABEL: &str = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$";
/// A CodeArtifact domain's name.
pub(super) const DOMAIN_NAME: &str = r"^[a-z][a-z0-9-]{0,48}[a-z0-9]$";
/// A CodeArtifact repository's name.
pub(super) const REPOSITORY_NAME: &str = r"^[A-Za-z0-9][A-Za-z0-9._-]{1,99}$";
/// A notebook instance's name.
pub(super) const NOTEBOOK_NAME: &str = r"^[A-Za-z0-9](-*[A-Za-z0-9])*$";
/// A notebook's instance type.
pub(super) const INSTANCE_TYPE: &str = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$";

/// A rule about the value at hand, reported at the field that breaks it.
pub(super) fn rule(field: &str, cel: &str, message: &str) -> Rule {
    let rule = Rule::new(cel).message(message);
    if field.is_empty() { rule } else { rule.field_path(format!(".{field}")) }
}

/// Refuses two statements of the same list with one identifier.
pub(super) fn distinct_sids(list: &str) -> Rule {
    let cel = "!has(self.statements) || \
               self.statements.all(s, !has(s.sid) || self.statements.exists_one(t, has(t.sid) && t.sid == s.sid))";
    rule("statements", cel, &format!("`sid` must not appear twice in `{list}`"))
}

/// A rule about what may become of the value: AWS cannot change it, or we will not.
pub(super) fn unchanged(field: &str, cel: &str, message: &str) -> Rule {
    rule(field, cel, message).reason(Reason::FieldValueForbidden)
}

/// Refuses every change of an optional field. It belongs on the parent, where it also sees the field removed and, later,
/// set to something else: a rule on the field itself is not asked then.
pub(super) fn unchanged_optional(field: &str, message: &str) -> Rule {
    let cel =
        format!("has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})");
    unchanged(field, &cel, message)
}

/// Refuses that an existing thing becomes a managed one under the same name.
pub(super) fn never_taken_over(what: &str) -> Rule {
    unchanged(
        "existing",
        "!(has(oldSelf.existing) && oldSelf.existing) || (has(self.existing) && self.existing)",
        &format!(
            "an existing {what} cannot become a managed one; adopt it with the annotation `cloister.dev/adopt` on an \
             environment that manages it from the start"
        ),
    )
}

/// Leaves the words of an enum and takes what the type says of itself, which would hide what a field says of the choice.
pub(super) fn words(schema: &mut schemars::Schema) {
    schema.remove("description");
}

/// Bounds a map of policy conditions, which no attribute of the field can reach.
pub(super) fn conditions(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": {
            "type": "object",
            "maxProperties": 16,
            "additionalProperties": {
                "type": "array",
                "minItems": 1,
                "maxItems": 64,
                "x-kubernetes-list-type": "atomic",
                "items": {"type": "string", "maxLength": 1024}
            }
        }
    })
}

/// Bounds the tags of a user: AWS allows 50, of which six are ours.
pub(super) fn tags(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 44,
        "additionalProperties": {
            "type": "string",
            "maxLength": 256,
            "pattern": r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$"
        }
    })
}

/// Bounds a map of labels.
pub(super) fn labels(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": {
            "type": "string",
            "maxLength": 63,
            "pattern": r"^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$"
        }
    })
}

/// Bounds the addresses of a repository by package format.
pub(super) fn addresses(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": {"type": "string", "maxLength": 1024}
    })
}

/// The conditions of a status, bounded as `metav1.Condition` is.
pub(super) fn status_conditions(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "array",
        "maxItems": 32,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "description": "One aspect of the environment's state.",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {
                    "type": "string",
                    "description": "Name of the condition.",
                    "maxLength": 316,
                    "pattern": r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
                },
                "status": {
                    "type": "string",
                    "description": "Whether it holds: True, False or Unknown.",
                    "enum": ["True", "False", "Unknown"]
                },
                "observedGeneration": {
                    "type": "integer",
                    "format": "int64",
                    "description": "The `metadata.generation` that the condition speaks of.",
                    "minimum": 0
                },
                "lastTransitionTime": {
                    "type": "string",
                    "format": "date-time",
                    "description": "When the status last changed from one value to another."
                },
                "reason": {
                    "type": "string",
                    "description": "Why, in one CamelCase word.",
                    "minLength": 1,
                    "maxLength": 1024,
                    "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
                },
                "message": {
                    "type": "string",
                    "description": "Why, and what to do, for people.",
                    "maxLength": 32768
                }
            }
        }
    })
}
