//! From what AWS lists to what is known of each wanted resource. The same rules for every kind; pure.

use std::collections::{BTreeMap, BTreeSet};

use super::provider::{Item, Provider};
use crate::model::{
    address::Address,
    adoption::Adoption,
    owner::{Owner, Ownership},
    resource::{Management, Seen, Sight, Wanted},
};

/// What is known of every wanted resource of a kind, and of whatever else carries the owner's tags.
///
/// `adopt` names what may be taken over; `recent` names what was created so recently that AWS may not show it yet; `remembered` what the status knows by id, so that a resource
/// whose owner tags were taken off is recognised instead of made a second time.
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
            (Some(item), _) => {
                taken.insert(item.id.clone());
                present(owner, wanted.address.clone(), item)
            }
            (None, Some(id)) => Sight::Unsettled { id: id.clone() },
            (None, None) => Sight::Absent,
        };
        sights.insert(wanted.address.clone(), sight);
    }
    for item in items {
        let address = item.address.clone().or_else(|| owner.address_of(&item.tags));
        let Some(address) = address.filter(|_| !taken.contains(&item.id)) else { continue };
        if is_owners(owner, item) {
            sights
                .entry(spare(&sights, address, &item.id))
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

/// A second thing with the same address (a creation that a crash doubled) gets an address of its own, so that it is seen and removed.
fn spare(sights: &BTreeMap<Address, Sight>, address: Address, id: &str) -> Address {
    if sights.contains_key(&address) { Address::new(address.kind, format!("{}#{id}", address.name)) } else { address }
}

fn find<'a>(
    provider: &dyn Provider,
    owner: &Owner,
    wanted: &Wanted,
    items: &'a [Item],
    known: Option<&String>,
    named: Option<&String>,
) -> Option<&'a Item> {
    match &wanted.management {
        Management::Existing(id) => items.iter().find(|item| item.id == *id),
        Management::Addition(id) => {
            items.iter().find(|item| item.id == *id || item.address.as_ref() == Some(&wanted.address))
        }
        Management::Owned => {
            let tagged = |item: &&Item| {
                let address = item.address.clone().or_else(|| owner.address_of(&item.tags));
                address.as_ref() == Some(&wanted.address) && provider.may_be(wanted, item)
            };
            let mut ours: Vec<&Item> = items.iter().filter(tagged).collect();
            // Of two with the same address the one that is known by id stays, else the one with the smaller id: always the same.
            ours.sort_by_key(|item| (Some(&item.id) != known, item.id.clone()));
            let of_nobody_here = |item: &&Item| owner.address_of(&item.tags).is_none();
            ours.first()
                .copied()
                // What a person names may be taken over wherever it stands; whether it fits is weighed later.
                .or_else(|| items.iter().find(|item| Some(&item.id) == named && of_nobody_here(item)))
                .or_else(|| items.iter().find(|item| Some(&item.id) == known && provider.may_be(wanted, item)))
                .or_else(|| items.iter().find(|item| provider.same_place(wanted, item)))
        }
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
