//! What somebody can do to the execution role, and to the policy of ours on somebody else's role.

use cloister::model::{
    policy::{PolicyDocument, placed},
    value::Value,
};
use serde_json::{Value as Json, json};

use super::table::{Row, Then, Thing, Told, changed, missing, row, unexpected};
use crate::{
    hands::{EVERYTHING, NOTHING, TRUST},
    laws::person::{Person, arn},
    world::ACCOUNT,
};

/// The name of our inline policy.
const OURS: &str = "cloister";
/// What AWS itself puts on a role whose keys have leaked, or somebody who wants to stop it.
const QUARANTINE: &str = "arn:aws:iam::aws:policy/AWSDenyAll";

/// The same policy with one more statement.
pub fn with_statement(policy: &str, statement: Json) -> String {
    let mut policy: Json = serde_json::from_str(policy).expect("a policy");
    policy["Statement"].as_array_mut().expect("statements").push(statement);
    policy.to_string()
}

/// A statement that only takes rights away; resource policies say whose.
pub fn deny(of_resource: bool) -> Json {
    let mut deny = json!({"Sid": "Keep", "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"});
    if of_resource {
        deny["Principal"] = json!("*");
    }
    deny
}

/// The same policy with one statement, under the name that it has, for everybody or on everything, and where that is. Where all are for everybody and
/// on everything, one loses its condition.
pub fn with_wider_statement(policy: &PolicyDocument, field: &str) -> (String, Told) {
    let mut policy: Json = serde_json::from_str(&policy.to_json()).expect("a policy");
    let mut told = None;
    for part in ["Principal", "Resource", "Condition"] {
        let mut statements = policy["Statement"].as_array_mut().expect("statements").iter_mut();
        let Some(narrow) = statements.find(|it| it.get(part).is_some_and(|named| *named != json!("*"))) else {
            continue;
        };
        let path = format!("{field}.Statement[{}].{part}", narrow["Sid"].as_str().expect("ours have names"));
        if part == "Condition" {
            narrow.as_object_mut().expect("a statement").remove(part);
            told = Some(missing(path));
        } else {
            narrow[part] = json!("*");
            told = Some(changed(path));
        }
        break;
    }
    (policy.to_string(), told.expect("nothing of ours is open to everybody"))
}

/// What is told when nothing is left of a policy.
pub fn statements_missing(policy: &PolicyDocument, field: &str) -> Vec<Told> {
    let sids = policy.statements.iter().map(|statement| statement.sid.as_deref().expect("ours have names"));
    sids.map(|sid| missing(format!("{field}.Statement[{sid}]"))).collect()
}

/// What is told of the statements of a policy that stands in the place of ours: they need not have names.
pub fn statements_unexpected(policy: &str, field: &str) -> Vec<Told> {
    let policy = PolicyDocument::parse(policy).expect("a policy");
    placed(&policy.statements).into_iter().map(|(place, _)| unexpected(format!("{field}.{place}"))).collect()
}

/// The policy that is wanted in a field.
pub fn policy_in(thing: &Thing, field: &str) -> PolicyDocument {
    match thing.wish(field) {
        Some(Value::Policy(policy)) => *policy,
        Some(Value::Policies(mut policies)) => policies.remove(OURS).expect("ours"),
        _ => unreachable!("a policy is wanted"),
    }
}

/// Somebody else's policy; made when it is not there.
pub async fn their_policy(person: &Person, name: &str, document: &str) -> String {
    let created = person.iam.create_policy().policy_name(name).policy_document(document).send().await;
    drop(created);
    format!("arn:aws:iam::{ACCOUNT}:policy/{name}")
}

/// Somebody else's role for notebooks; made when it is not there. Gives its name.
pub async fn their_role(person: &Person) -> &'static str {
    let created = person.iam.create_role().role_name("theirs").assume_role_policy_document(TRUST).send().await;
    if created.is_ok() {
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    }
    "theirs"
}

// --- role ---------------------------------------------------------------------------------------------------------------------

/// The execution role.
pub fn role() -> Vec<Row> {
    let mut rows = trust();
    rows.extend(inline());
    rows.extend(attached());
    rows.extend([
        row(
            "permissionsBoundary",
            "it is taken off",
            Then::Corrected(&["PutRolePermissionsBoundary"]),
            |person, thing| {
                Box::pin(async move {
                    person.iam.delete_role_permissions_boundary().role_name(thing.id()).send().await.expect("deleted");
                    vec![missing("permissionsBoundary")]
                })
            },
        ),
        row(
            "permissionsBoundary",
            "it is replaced by another",
            Then::Corrected(&["PutRolePermissionsBoundary"]),
            |person, thing| {
                Box::pin(async move {
                    let policy = their_policy(person, "open", EVERYTHING).await;
                    let put = person.iam.put_role_permissions_boundary().role_name(thing.id());
                    put.permissions_boundary(policy).send().await.expect("put");
                    vec![changed("permissionsBoundary")]
                })
            },
        ),
    ]);
    rows
}

fn trust() -> Vec<Row> {
    vec![
        row(
            "trustPolicy",
            "somebody else may take the role",
            Then::Corrected(&["UpdateAssumeRolePolicy"]),
            |person, thing| {
                Box::pin(async move {
                    let other = json!({"Sid": "Other", "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
                    "Action": "sts:AssumeRole"});
                    trust_with(person, thing, other).await;
                    vec![unexpected("trustPolicy.Statement[Other]")]
                })
            },
        ),
        row(
            "trustPolicy",
            "nobody may take the role any more",
            Then::Corrected(&["UpdateAssumeRolePolicy"]),
            |person, thing| {
                Box::pin(async move {
                    let other = TRUST.replace("sagemaker", "ec2");
                    let mut told = statements_missing(&policy_in(thing, "trustPolicy"), "trustPolicy");
                    told.extend(statements_unexpected(&other, "trustPolicy"));
                    let update = person.iam.update_assume_role_policy().role_name(thing.id()).policy_document(other);
                    update.send().await.expect("updated");
                    told
                })
            },
        ),
        row(
            "trustPolicy",
            "a statement is made one for everybody",
            Then::Corrected(&["UpdateAssumeRolePolicy"]),
            |person, thing| {
                Box::pin(async move {
                    let (wider, told) = with_wider_statement(&policy_in(thing, "trustPolicy"), "trustPolicy");
                    let update = person.iam.update_assume_role_policy().role_name(thing.id()).policy_document(wider);
                    update.send().await.expect("updated");
                    vec![told]
                })
            },
        ),
        row("trustPolicy", "somebody denies something", Then::Reported, |person, thing| {
            Box::pin(async move {
                let deny = json!({"Sid": "Keep", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
                    "Condition": {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}});
                trust_with(person, thing, deny).await;
                vec![unexpected("trustPolicy.Statement[Keep]")]
            })
        }),
    ]
}

async fn trust_with(person: &Person, thing: &Thing, statement: Json) {
    let wider = with_statement(&policy_in(thing, "trustPolicy").to_json(), statement);
    let update = person.iam.update_assume_role_policy().role_name(thing.id()).policy_document(wider);
    update.send().await.expect("updated");
}

fn inline() -> Vec<Row> {
    vec![
        row(
            "inlinePolicies",
            "ours is replaced by one that allows everything",
            Then::Corrected(&["PutRolePolicy"]),
            |person, thing| {
                Box::pin(async move {
                    put(person, thing, OURS, EVERYTHING).await;
                    let field = format!("inlinePolicies[{OURS}]");
                    let mut told = statements_missing(&policy_in(thing, "inlinePolicies"), &field);
                    told.push(unexpected(format!("{field}.Statement[Open]")));
                    told
                })
            },
        ),
        row(
            "inlinePolicies",
            "a statement is made one for everything",
            Then::Corrected(&["PutRolePolicy"]),
            |person, thing| {
                Box::pin(async move {
                    let field = format!("inlinePolicies[{OURS}]");
                    let (wider, told) = with_wider_statement(&policy_in(thing, "inlinePolicies"), &field);
                    put(person, thing, OURS, &wider).await;
                    vec![told]
                })
            },
        ),
        row("inlinePolicies", "ours is taken off", Then::Corrected(&["PutRolePolicy"]), |person, thing| {
            Box::pin(async move {
                let delete = person.iam.delete_role_policy().role_name(thing.id()).policy_name(OURS);
                delete.send().await.expect("deleted");
                vec![missing(format!("inlinePolicies[{OURS}]"))]
            })
        }),
        row("inlinePolicies", "another is added", Then::Corrected(&["DeleteRolePolicy"]), |person, thing| {
            Box::pin(async move {
                put(person, thing, "another", EVERYTHING).await;
                vec![unexpected("inlinePolicies[another]")]
            })
        }),
        row("inlinePolicies", "another is added that only denies", Then::Reported, |person, thing| {
            Box::pin(async move {
                put(person, thing, "stop", NOTHING).await;
                vec![unexpected("inlinePolicies[stop]")]
            })
        }),
        row("inlinePolicies", "somebody denies something in ours", Then::Reported, |person, thing| {
            Box::pin(async move {
                let policy = policy_in(thing, "inlinePolicies").to_json();
                put(person, thing, OURS, &with_statement(&policy, deny(false))).await;
                vec![unexpected(format!("inlinePolicies[{OURS}].Statement[Keep]"))]
            })
        }),
    ]
}

async fn put(person: &Person, thing: &Thing, name: &str, document: &str) {
    let put = person.iam.put_role_policy().role_name(thing.id()).policy_name(name).policy_document(document);
    put.send().await.expect("put");
}

fn attached() -> Vec<Row> {
    vec![
        row("attachedPolicies", "another is attached", Then::Corrected(&["DetachRolePolicy"]), |person, thing| {
            Box::pin(async move {
                let policy = their_policy(person, "open", EVERYTHING).await;
                attach(person, thing.id(), &policy).await;
                vec![unexpected(format!("attachedPolicies[{policy}]"))]
            })
        }),
        row("attachedPolicies", "one is detached", Then::Corrected(&["AttachRolePolicy"]), |person, thing| {
            Box::pin(async move {
                let policy = thing.texts("attachedPolicies").remove(0);
                let detach = person.iam.detach_role_policy().role_name(thing.id()).policy_arn(&policy);
                detach.send().await.expect("detached");
                vec![missing(format!("attachedPolicies[{policy}]"))]
            })
        })
        .when(|thing| !thing.texts("attachedPolicies").is_empty()),
        row("attachedPolicies", "it is put under quarantine", Then::Reported, |person, thing| {
            Box::pin(async move {
                attach(person, thing.id(), QUARANTINE).await;
                vec![unexpected(format!("attachedPolicies[{QUARANTINE}]"))]
            })
        }),
    ]
}

async fn attach(person: &Person, role: &str, policy: &str) {
    person.iam.attach_role_policy().role_name(role).policy_arn(policy).send().await.expect("attached");
}

// --- policy -------------------------------------------------------------------------------------------------------------------

/// The policy of ours on a role that is not ours.
pub fn policy() -> Vec<Row> {
    vec![
        row("document", "another version takes effect", Then::Corrected(&["CreatePolicyVersion"]), |person, thing| {
            Box::pin(async move {
                new_version(person, thing, EVERYTHING).await;
                let mut told = statements_missing(&policy_in(thing, "document"), "document");
                told.push(unexpected("document.Statement[Open]"));
                told
            })
        }),
        row(
            "document",
            "a statement is made one for everything",
            Then::Corrected(&["CreatePolicyVersion"]),
            |person, thing| {
                Box::pin(async move {
                    let (wider, told) = with_wider_statement(&policy_in(thing, "document"), "document");
                    new_version(person, thing, &wider).await;
                    vec![told]
                })
            },
        ),
        row("document", "somebody denies something", Then::Reported, |person, thing| {
            Box::pin(async move {
                let policy = policy_in(thing, "document").to_json();
                new_version(person, thing, &with_statement(&policy, deny(false))).await;
                vec![unexpected("document.Statement[Keep]")]
            })
        }),
        row("attachedRoles", "it is detached", Then::Corrected(&["AttachRolePolicy"]), |person, thing| {
            Box::pin(async move {
                let role = thing.texts("attachedRoles").remove(0);
                let detach = person.iam.detach_role_policy().role_name(&role).policy_arn(arn(&thing.seen));
                detach.send().await.expect("detached");
                vec![missing(format!("attachedRoles[{role}]"))]
            })
        }),
        row("attachedRoles", "it is attached to another role", Then::Reported, |person, thing| {
            Box::pin(async move {
                attach(person, their_role(person).await, arn(&thing.seen)).await;
                vec![unexpected("attachedRoles")]
            })
        }),
    ]
}

/// There are five versions at most: those that are not in effect make room.
async fn new_version(person: &Person, thing: &Thing, document: &str) {
    let policy = arn(&thing.seen);
    let versions = person.iam.list_policy_versions().policy_arn(policy).send().await.expect("versions");
    for version in versions.versions().iter().filter(|version| !version.is_default_version()) {
        let delete = person.iam.delete_policy_version().policy_arn(policy);
        delete.version_id(version.version_id().expect("its id")).send().await.expect("deleted");
    }
    let create = person.iam.create_policy_version().policy_arn(policy).policy_document(document).set_as_default(true);
    create.send().await.expect("a version");
}
