//! What somebody can do to domains and repositories.

use aws_sdk_codeartifact::types::UpstreamRepository;
use cloister::model::{address::Kind, value::Value};

use super::{
    permissions::{deny, policy_in, statements_missing, with_statement, with_wider_statement},
    table::{Row, Then, Thing, Told, changed, missing, row, unexpected},
};
use crate::laws::person::{Person, domain_of};

/// A policy that lets everybody do everything.
const OPEN: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Sid":"Everybody","Effect":"Allow","Principal":"*","Action":"codeartifact:*","Resource":"*"}]}"#;
const EMPTY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;
/// The tag that says to which births of its upstreams a repository is linked.
const LINKS: &str = "cloister.dev/upstreams";
/// Somebody else's repository in the domain.
const THEIRS: &str = "theirs";

fn no_policy(thing: &Thing) -> bool {
    thing.wish("policy") == Some(Value::Absent)
}

fn some_policy(thing: &Thing) -> bool {
    !no_policy(thing)
}

// --- domain -------------------------------------------------------------------------------------------------------------------

/// Domains.
pub fn domain() -> Vec<Row> {
    policy(&["PutDomainPermissionsPolicy"], &["DeleteDomainPermissionsPolicy"])
}

/// What somebody can do to the policy of a domain or repository, and the calls that put it right.
fn policy(set: &'static [&'static str], take_off: &'static [&'static str]) -> Vec<Row> {
    vec![
        row("policy", "somebody else may use it", Then::Corrected(take_off), |person, thing| {
            Box::pin(async move {
                put(person, thing, OPEN).await;
                vec![unexpected("policy.Statement[Everybody]")]
            })
        })
        .when(no_policy),
        row("policy", "it is taken off", Then::Corrected(set), |person, thing| {
            Box::pin(async move {
                delete(person, thing).await;
                vec![missing("policy")]
            })
        })
        .when(some_policy),
        row("policy", "it is replaced by one for everybody", Then::Corrected(set), |person, thing| {
            Box::pin(async move {
                put(person, thing, OPEN).await;
                told_of_open(thing)
            })
        })
        .when(some_policy),
        row("policy", "a statement is made one for everybody", Then::Corrected(set), |person, thing| {
            Box::pin(async move {
                let (wider, told) = with_wider_statement(&policy_in(thing, "policy"), "policy");
                put(person, thing, &wider).await;
                vec![told]
            })
        })
        .when(some_policy),
        row("policy", "somebody denies something", Then::Reported, |person, thing| {
            Box::pin(async move {
                put(person, thing, &with_statement(&wanted_or_empty(thing), deny(true))).await;
                vec![unexpected("policy.Statement[Keep]")]
            })
        }),
    ]
}

/// The wanted policy as text; without one a policy that says nothing.
fn wanted_or_empty(thing: &Thing) -> String {
    if no_policy(thing) { EMPTY.to_owned() } else { policy_in(thing, "policy").to_json() }
}

/// What is told when [`OPEN`] stands where a policy is wanted.
fn told_of_open(thing: &Thing) -> Vec<Told> {
    let mut told = statements_missing(&policy_in(thing, "policy"), "policy");
    told.push(unexpected("policy.Statement[Everybody]"));
    told
}

async fn put(person: &Person, thing: &Thing, document: &str) {
    if thing.seen.address.kind == Kind::Domain {
        let put = person.codeartifact.put_domain_permissions_policy().domain(thing.id()).policy_document(document);
        put.send().await.expect("put");
    } else {
        let put = person.codeartifact.put_repository_permissions_policy().domain(domain_of(&thing.seen));
        put.repository(thing.id()).policy_document(document).send().await.expect("put");
    }
}

async fn delete(person: &Person, thing: &Thing) {
    if thing.seen.address.kind == Kind::Domain {
        let delete = person.codeartifact.delete_domain_permissions_policy().domain(thing.id());
        delete.send().await.expect("deleted");
    } else {
        let delete = person.codeartifact.delete_repository_permissions_policy().domain(domain_of(&thing.seen));
        delete.repository(thing.id()).send().await.expect("deleted");
    }
}

// --- repository ---------------------------------------------------------------------------------------------------------------

/// Repositories.
pub fn repository() -> Vec<Row> {
    let mut rows = vec![
        row("description", "it is changed", Then::Corrected(&["UpdateRepository"]), |person, thing| {
            Box::pin(async move {
                let update = person.codeartifact.update_repository().domain(domain_of(&thing.seen));
                update.repository(thing.id()).description("another").send().await.expect("updated");
                vec![changed("description")]
            })
        }),
        row(
            "upstreamLinks",
            "it is forgotten what it is linked to",
            Then::Corrected(&["TagResource", "UpdateRepository"]),
            |person, thing| {
                Box::pin(async move {
                    person.untag(&thing.seen, vec![LINKS.to_owned()]).await;
                    vec![missing("upstreamLinks")]
                })
            },
        )
        .slow(),
    ];
    rows.extend(upstreams());
    rows.extend(connections());
    rows.extend(policy(&["PutRepositoryPermissionsPolicy"], &["DeleteRepositoryPermissionsPolicy"]));
    rows
}

fn has_upstreams(thing: &Thing) -> bool {
    !thing.texts("upstreams").is_empty()
}

fn has_connection(thing: &Thing) -> bool {
    !thing.texts("externalConnections").is_empty()
}

fn upstreams() -> Vec<Row> {
    const ONE_CALL: Then = Then::Corrected(&["UpdateRepository"]);
    vec![
        row("upstreams", "one more is added", ONE_CALL, |person, thing| {
            Box::pin(async move {
                their_repository(person, thing).await;
                let mut upstreams = thing.texts("upstreams");
                upstreams.push(THEIRS.to_owned());
                set_upstreams(person, thing, &upstreams).await;
                vec![unexpected(format!("upstreams[{THEIRS}]"))]
            })
        })
        .when(has_upstreams),
        row("upstreams", "they are replaced by another", ONE_CALL, |person, thing| {
            Box::pin(async move {
                their_repository(person, thing).await;
                set_upstreams(person, thing, &[THEIRS.to_owned()]).await;
                let mut told = all_upstreams_missing(thing);
                told.push(unexpected(format!("upstreams[{THEIRS}]")));
                told
            })
        })
        .when(has_upstreams),
        row("upstreams", "they are taken away", ONE_CALL, |person, thing| {
            Box::pin(async move {
                set_upstreams(person, thing, &[]).await;
                all_upstreams_missing(thing)
            })
        })
        .when(has_upstreams),
        row("upstreams", "they are put in another order", ONE_CALL, |person, thing| {
            Box::pin(async move {
                let mut upstreams = thing.texts("upstreams");
                upstreams.reverse();
                set_upstreams(person, thing, &upstreams).await;
                vec![changed("upstreams")]
            })
        })
        .when(|thing| thing.texts("upstreams").len() > 1),
        row(
            "upstreams",
            "its external connection gives way to an upstream",
            Then::Corrected(&["AssociateExternalConnection", "UpdateRepository"]),
            |person, thing| {
                Box::pin(async move {
                    their_repository(person, thing).await;
                    let connection = thing.texts("externalConnections").remove(0);
                    disassociate(person, thing, &connection).await;
                    set_upstreams(person, thing, &[THEIRS.to_owned()]).await;
                    vec![
                        missing(format!("externalConnections[{connection}]")),
                        unexpected(format!("upstreams[{THEIRS}]")),
                    ]
                })
            },
        )
        .when(has_connection),
    ]
}

fn all_upstreams_missing(thing: &Thing) -> Vec<Told> {
    thing.texts("upstreams").iter().map(|name| missing(format!("upstreams[{name}]"))).collect()
}

fn connections() -> Vec<Row> {
    vec![
        row("externalConnections", "it is cut", Then::Corrected(&["AssociateExternalConnection"]), |person, thing| {
            Box::pin(async move {
                let connection = thing.texts("externalConnections").remove(0);
                disassociate(person, thing, &connection).await;
                vec![missing(format!("externalConnections[{connection}]"))]
            })
        })
        .when(has_connection),
        row(
            "externalConnections",
            "it is replaced by another",
            Then::Corrected(&["AssociateExternalConnection", "DisassociateExternalConnection"]),
            |person, thing| {
                Box::pin(async move {
                    let connection = thing.texts("externalConnections").remove(0);
                    disassociate(person, thing, &connection).await;
                    associate(person, thing, "public:crates-io").await;
                    vec![
                        missing(format!("externalConnections[{connection}]")),
                        unexpected("externalConnections[public:crates-io]"),
                    ]
                })
            },
        )
        .when(has_connection),
        row(
            "externalConnections",
            "its upstreams give way to one",
            Then::Corrected(&["DisassociateExternalConnection", "UpdateRepository"]),
            |person, thing| {
                Box::pin(async move {
                    set_upstreams(person, thing, &[]).await;
                    associate(person, thing, "public:pypi").await;
                    let mut told = all_upstreams_missing(thing);
                    told.push(unexpected("externalConnections[public:pypi]"));
                    told
                })
            },
        )
        .when(has_upstreams),
    ]
}

/// Made when it is not there.
async fn their_repository(person: &Person, thing: &Thing) {
    let create = person.codeartifact.create_repository().domain(domain_of(&thing.seen)).repository(THEIRS);
    drop(create.send().await);
}

async fn set_upstreams(person: &Person, thing: &Thing, names: &[String]) {
    let upstream = |name: &String| UpstreamRepository::builder().repository_name(name).build().expect("a name");
    let update = person.codeartifact.update_repository().domain(domain_of(&thing.seen)).repository(thing.id());
    update.set_upstreams(Some(names.iter().map(upstream).collect())).send().await.expect("updated");
}

async fn associate(person: &Person, thing: &Thing, connection: &str) {
    let associate = person.codeartifact.associate_external_connection().domain(domain_of(&thing.seen));
    let associate = associate.repository(thing.id()).external_connection(connection);
    associate.send().await.expect("associated");
}

async fn disassociate(person: &Person, thing: &Thing, connection: &str) {
    let disassociate = person.codeartifact.disassociate_external_connection().domain(domain_of(&thing.seen));
    let disassociate = disassociate.repository(thing.id()).external_connection(connection);
    disassociate.send().await.expect("disassociated");
}
