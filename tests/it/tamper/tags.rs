//! What somebody can do to the tags of anything.

use cloister::model::{
    address::Kind,
    owner::{OWN_TAG_KEYS, RESOURCE_TAG, Tags, UID_TAG},
};

use super::table::{Row, Then, Thing, changed, missing, row};

/// The one call by which tags are put right, and whether AWS shows them one by one only.
const fn call(kind: Kind) -> Option<(&'static [&'static str], bool)> {
    match kind {
        Kind::Vpc | Kind::Subnet | Kind::RouteTable | Kind::SecurityGroup | Kind::VpcEndpoint => {
            Some((&["CreateTags"], false))
        }
        Kind::SecurityGroupRules => None,
        Kind::Domain | Kind::Repository => Some((&["TagResource"], true)),
        Kind::Role => Some((&["TagRole"], false)),
        Kind::Policy => Some((&["TagPolicy"], true)),
        Kind::LifecycleConfiguration | Kind::NotebookInstance => Some((&["AddTags"], true)),
    }
}

/// A tag that the user asked for.
fn users(thing: &Thing) -> Option<String> {
    thing.wanted.tags.keys().find(|key| !OWN_TAG_KEYS.contains(&key.as_str()) && !key.starts_with("cloister")).cloned()
}

/// The rows of a kind. That all of ours are taken off is a matter of ownership (`crate::laws`): then nothing is written to it.
pub fn rows(kind: Kind) -> Vec<Row> {
    let Some((writes, slow)) = call(kind) else { return Vec::new() };
    let then = Then::Corrected(writes);
    let rows = [
        row("tags", "a tag of the user's is taken off", then, |person, thing| {
            Box::pin(async move {
                let key = users(thing).expect("a tag");
                person.untag(&thing.seen, vec![key.clone()]).await;
                vec![missing(format!("tags[{key}]"))]
            })
        })
        .when(|thing| users(thing).is_some()),
        row("tags", "a tag of the user's gets another value", then, |person, thing| {
            Box::pin(async move {
                let key = users(thing).expect("a tag");
                person.tag(&thing.seen, &Tags::from([(key.clone(), "another".to_owned())])).await;
                vec![changed(format!("tags[{key}]"))]
            })
        })
        .when(|thing| users(thing).is_some()),
        row("tags", "it is no longer said which resource it is", then, |person, thing| {
            Box::pin(async move {
                person.untag(&thing.seen, vec![RESOURCE_TAG.to_owned()]).await;
                vec![missing(format!("tags[{RESOURCE_TAG}]"))]
            })
        }),
        row("tags", "it is said to be from an earlier life", then, |person, thing| {
            Box::pin(async move {
                person.tag(&thing.seen, &Tags::from([(UID_TAG.to_owned(), "earlier".to_owned())])).await;
                vec![changed(format!("tags[{UID_TAG}]"))]
            })
        }),
    ];
    rows.into_iter().map(|row| if slow { row.slow() } else { row }).collect()
}
