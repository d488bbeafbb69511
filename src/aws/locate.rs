//! From what AWS lists to what is known of each wanted resource. The same rules for every kind; pure.

use std::collections::{BTreeMap, BTreeSet};

use super::provider::{Item, Provider};
use crate::model::{
    address::Address,
    adoption::Adoption,
    owner::{CLUSTER_TAG, NAME_TAG, NAMESPACE_TAG, Owner, Ownership, RESOURCE_TAG, UID_TAG},
    port::{ErrorClass, Problem},
    resource::{Management, Seen, Sight, Wanted},
};

/// What is known of every wanted resource of a kind, and of whatever else carries the owner's tags.
///
/// `adopt` names what may be taken over; `recent` names what was created so recently that AWS may not show it yet; `remembered` what the status knows as ours by id, so that a
/// resource whose owner tags were taken off is recognised instead of made a second time.
pub fn sights(
    provider: &dyn Provider,
    owner: &Owner,
    wanted: &[Wanted],
    items: &[Item],
    recent: &BTreeMap<Address, String>,
    remembered: &BTreeMap<Address, String>,
    adopt: &Adoption,
) -> BTreeMap<Address, Sight> {
    let mut sights = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for wanted in wanted {
        let known = recent.get(&wanted.address).or_else(|| remembered.get(&wanted.address));
        let named = adopt.of(&wanted.address).and_then(|permit| permit.id.as_ref());
        let found = find(provider, owner, wanted, items, known, named);
        let sight = match (found, recent.get(&wanted.address)) {
            (Found::One(item), _) => {
                taken.insert(item.id.clone());
                present(owner, wanted.address.clone(), item)
            }
            (Found::Several(all), _) => {
                taken.extend(all.iter().map(|item| item.id.clone()));
                undecided(&wanted.address, &all)
            }
            (Found::Nothing, Some(id)) => Sight::Unsettled { id: id.clone() },
            (Found::Nothing, None) => Sight::Absent,
        };
        sights.insert(wanted.address.clone(), sight);
    }
    let mut others: BTreeMap<Address, Vec<&Item>> = BTreeMap::new();
    for item in items.iter().filter(|item| is_owners(owner, item) && !taken.contains(&item.id)) {
        if let Some(address) = address_of(owner, item) {
            others.entry(address).or_default().push(item);
        }
    }
    for (address, items) in others {
        let known = recent.get(&address).or_else(|| remembered.get(&address));
        let in_use: Vec<&Item> = items.iter().copied().filter(|item| item.state.in_use() == Some(true)).collect();
        if in_use.len() > 1 && !items.iter().any(|item| Some(&item.id) == known) {
            sights.entry(address).or_insert_with_key(|address| undecided(address, &in_use));
            continue;
        }
        for item in items {
            sights
                .entry(spare(&sights, &address, &item.id))
                .or_insert_with_key(|address| present(owner, address.clone(), item));
        }
    }
    // What was made a moment ago is there, also when it is not wanted any more: a deletion must not end before it has seen it.
    let unseen = recent.iter().filter(|(address, id)| address.kind == provider.kind() && !taken.contains(*id));
    for (address, id) in unseen {
        sights.entry(address.clone()).or_insert_with(|| Sight::Unsettled { id: id.clone() });
    }
    sights
}

/// The reason of problems about several things with the same owner tags.
pub const UNDECIDED: &str = "SeveralCarryOwnerTags";

/// Nothing is written to any of them before a person has decided which one it is.
fn undecided(address: &Address, all: &[&Item]) -> Sight {
    let ids: Vec<&str> = all.iter().map(|item| item.id.as_str()).collect();
    let keys: Vec<String> =
        [CLUSTER_TAG, NAMESPACE_TAG, NAME_TAG, UID_TAG, RESOURCE_TAG].iter().map(|key| format!("Key={key}")).collect();
    let message = format!(
        "{} carry the same owner tags, all are in use, and which one is meant is not known from before: nothing is written to any of \
         them, nor to what is in them. Take the tags off what is not this environment's: aws ec2 delete-tags --resources ID --tags {}",
        ids.join(" and "),
        keys.join(" ")
    );
    Sight::Unknown(Problem::new(ErrorClass::Exists, message).because(UNDECIDED).about(address))
}

/// A second thing with the same address (a creation that a crash doubled) gets an address of its own, so that it is seen and removed.
fn spare(sights: &BTreeMap<Address, Sight>, address: &Address, id: &str) -> Address {
    if sights.contains_key(address) { address.spare(id) } else { address.clone() }
}

fn address_of(owner: &Owner, item: &Item) -> Option<Address> {
    item.address.clone().or_else(|| owner.address_of(&item.tags))
}

/// What stands for a wanted resource.
enum Found<'a> {
    Nothing,
    One(&'a Item),
    /// Several that may be it, and nothing tells which.
    Several(Vec<&'a Item>),
}

impl<'a> From<Option<&'a Item>> for Found<'a> {
    fn from(item: Option<&'a Item>) -> Self {
        item.map_or(Self::Nothing, Self::One)
    }
}

fn find<'a>(
    provider: &dyn Provider,
    owner: &Owner,
    wanted: &Wanted,
    items: &'a [Item],
    known: Option<&String>,
    named: Option<&String>,
) -> Found<'a> {
    match &wanted.management {
        Management::Existing(id) => items.iter().find(|item| item.id == *id).into(),
        Management::Addition(id) => {
            items.iter().find(|item| item.id == *id || item.address.as_ref() == Some(&wanted.address)).into()
        }
        Management::Owned => {
            let tagged = |item: &&Item| {
                address_of(owner, item).as_ref() == Some(&wanted.address) && provider.may_be(wanted, item)
            };
            let ours: Vec<&Item> = items.iter().filter(tagged).collect();
            if !ours.is_empty() {
                return choose(provider, wanted, ours, known);
            }
            let of_nobody_here = |item: &&Item| owner.address_of(&item.tags).is_none();
            // What a person names may be taken over wherever it stands; whether it fits is weighed later.
            let named = items.iter().find(|item| Some(&item.id) == named && of_nobody_here(item));
            named
                .or_else(|| items.iter().find(|item| Some(&item.id) == known && provider.may_be(wanted, item)))
                .or_else(|| items.iter().find(|item| provider.same_place(wanted, item)))
                .into()
        }
    }
}

/// Of several with the owner tags of one resource: the one that is known by id, else the one that stands where it should, else the one that is
/// in use. When none is in use it does not matter, and it is always the same one.
fn choose<'a>(provider: &dyn Provider, wanted: &Wanted, mut ours: Vec<&'a Item>, known: Option<&String>) -> Found<'a> {
    if let Some(known) = ours.iter().find(|item| Some(&item.id) == known) {
        return Found::One(known);
    }
    if ours.iter().any(|item| provider.same_place(wanted, item)) {
        ours.retain(|item| provider.same_place(wanted, item));
    }
    ours.sort_by(|one, other| one.id.cmp(&other.id));
    let in_use: Vec<&Item> = ours.iter().copied().filter(|item| item.state.in_use() != Some(false)).collect();
    match (in_use.as_slice(), ours.as_slice()) {
        ([one], _) | ([], [one, ..]) => Found::One(one),
        ([], []) => Found::Nothing,
        _ => Found::Several(in_use),
    }
}

fn is_owners(owner: &Owner, item: &Item) -> bool {
    item.address.is_some() || matches!(owner.recognise(&item.tags), Ownership::Ours | Ownership::Earlier)
}

fn present(owner: &Owner, address: Address, item: &Item) -> Sight {
    Sight::Present(Box::new(Seen {
        address,
        id: item.id.clone(),
        ownership: if item.address.is_some() { Ownership::Ours } else { owner.recognise(&item.tags) },
        tags: item.tags.clone(),
        phase: item.phase.clone(),
        outputs: item.outputs.clone(),
        findings: item.findings.clone(),
        state: item.state.clone(),
    }))
}
