//! Reading notebooks, one or many.

use std::time::Duration;

use serde_json::{Value, json};

use super::notebook::{Notebook, Status};
use super::region;
use super::rules::{CODE_REPOSITORY, DOMAIN_ID, NAME, NAME_PART, NEXT_TOKEN, invalid, modelled, not_found};
use crate::sandbox::clock::Instant;
use crate::sandbox::constraint::{Members, Text};
use crate::sandbox::paging::page;
use crate::sandbox::wire::{Call, Refusal, Reply};
use crate::sandbox::world::World;

/// SageMaker's page size when none is asked for.
const PAGE: i64 = 10;

/// `DescribeNotebookInstance`.
pub fn describe(world: &mut World, call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    let name = members.required("NotebookInstanceName", &NAME);
    members.finish().map_err(invalid)?;
    region(world, call).sagemaker.notebooks.get(name).map(Notebook::describe).ok_or_else(not_found)
}

/// The members that all lists of SageMaker have in common.
pub struct Listing<'a> {
    size: usize,
    token: Option<&'a str>,
    descending: bool,
    sort_by: &'a str,
    name_contains: Option<&'a str>,
    created: Window,
    modified: Window,
}

struct Window {
    after: Option<Instant>,
    before: Option<Instant>,
}

impl Window {
    fn read(members: &Members<'_>, name: &str) -> Self {
        let time = |suffix: &str| {
            let seconds = members.raw(&format!("{name}{suffix}")).and_then(Value::as_f64);
            seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        };
        Self { after: time("After"), before: time("Before") }
    }

    fn contains(&self, at: Instant) -> bool {
        self.after.is_none_or(|after| at > after) && self.before.is_none_or(|before| at < before)
    }
}

impl<'a> Listing<'a> {
    /// Reads and checks them.
    pub fn read(members: &mut Members<'a>, sort_keys: &[&str]) -> Self {
        Self {
            size: usize::try_from(members.number("MaxResults", 1, 100).unwrap_or(PAGE)).unwrap_or(1),
            token: members.text("NextToken", &NEXT_TOKEN),
            descending: members.choice("SortOrder", &["Ascending", "Descending"]) == Some("Descending"),
            sort_by: members.choice("SortBy", sort_keys).unwrap_or("Name"),
            name_contains: members.text("NameContains", &NAME_PART),
            created: Window::read(members, "CreationTime"),
            modified: Window::read(members, "LastModifiedTime"),
        }
    }

    /// Whether an entry is asked for.
    pub fn wants(&self, name: &str, created: Instant, modified: Instant) -> bool {
        let named = self.name_contains.is_none_or(|part| name.to_lowercase().contains(&part.to_lowercase()));
        named && self.created.contains(created) && self.modified.contains(modified)
    }

    /// What an entry is sorted by; the name makes it unique.
    pub fn key(&self, name: &str, status: &str, created: Instant, modified: Instant) -> String {
        let first = match self.sort_by {
            "CreationTime" => format!("{:020}", created.as_millis()),
            "LastModifiedTime" => format!("{:020}", modified.as_millis()),
            "Status" => status.to_owned(),
            _ => String::new(),
        };
        format!("{first}/{name}")
    }

    /// The page that was asked for, under the member name of its list.
    ///
    /// # Errors
    /// If the token was never given out.
    pub fn answer(&self, member: &str, entries: Vec<(String, Value)>) -> Result<Value, Refusal> {
        let page = page(entries, self.descending, self.token, self.size)
            .ok_or_else(|| invalid("The NextToken is not valid."))?;
        let mut answer = json!({member: page.entries});
        if let Some(next) = page.next {
            answer["NextToken"] = json!(next);
        }
        Ok(answer)
    }
}

/// `ListNotebookInstances`.
pub fn list(world: &mut World, call: &Call) -> Reply {
    let part_of_repository = Text::matching(0, 1024, "[a-zA-Z0-9-]+");
    let mut members = Members::of(&call.params);
    let listing = Listing::read(&mut members, &["Name", "CreationTime", "Status"]);
    let status = members.choice("StatusEquals", &Status::NAMES);
    let lifecycle = members.text("NotebookInstanceLifecycleConfigNameContains", &NAME);
    let default = members.text("DefaultCodeRepositoryContains", &part_of_repository);
    let additional = members.text("AdditionalCodeRepositoryEquals", &CODE_REPOSITORY);
    members.finish().map_err(invalid)?;
    let contains = |whole: &Option<String>, part: Option<&str>| {
        part.is_none_or(|part| whole.as_ref().is_some_and(|whole| whole.contains(part)))
    };
    let wanted = |notebook: &&Notebook| {
        let configuration = &notebook.configuration;
        listing.wants(&notebook.name, notebook.created, notebook.modified)
            && status.is_none_or(|status| notebook.status.name() == status)
            && contains(&configuration.lifecycle, lifecycle)
            && contains(&configuration.default_repository, default)
            && additional.is_none_or(|url| configuration.additional_repositories.iter().any(|one| one == url))
    };
    let keyed = |notebook: &Notebook| {
        let key = listing.key(&notebook.name, notebook.status.name(), notebook.created, notebook.modified);
        (key, notebook.summary())
    };
    let entries = region(world, call).sagemaker.notebooks.values().filter(wanted).map(keyed).collect();
    listing.answer("NotebookInstances", entries)
}

/// `ListDomains`: there is no Studio.
pub fn list_domains(call: &Call) -> Reply {
    let mut members = Members::of(&call.params);
    members.number("MaxResults", 1, 100);
    members.text("NextToken", &NEXT_TOKEN);
    members.finish().map_err(invalid)?;
    Ok(json!({"Domains": []}))
}

/// `DescribeDomain`, of whichever.
pub fn no_domain(call: &Call) -> Refusal {
    let mut members = Members::of(&call.params);
    let id = members.required("DomainId", &DOMAIN_ID);
    match members.finish() {
        Ok(()) => modelled("ResourceNotFound", format!("Domain [{id}] does not exist.")),
        Err(complaint) => invalid(complaint),
    }
}
