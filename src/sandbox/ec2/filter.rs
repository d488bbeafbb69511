//! What all `Describe…` operations have in common: ids, filters and pages. A resource is filtered by what its answer
//! shows, so a filter is a name and a path into the answer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::table::{Kind, Resource, Table};
use super::{Ec2, bad_request};
use crate::sandbox::wire::{Call, Refusal, Reply};

/// How one operation lists.
pub struct Listing {
    /// The element that holds the answer.
    pub set: &'static str,
    /// The request's parameter with ids.
    pub ids: &'static str,
    /// Where the answer has the id.
    pub id: &'static str,
    /// Names of filters, and paths into the answer.
    pub filters: &'static [(&'static str, &'static str)],
    /// Whether `tag:KEY` and `tag-key` work too.
    pub tagged: bool,
    /// What `MaxResults` may be. The upper bound is also the size of a page when nothing is asked for.
    pub page: Page,
}

/// Bounds of `MaxResults`.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The smallest that is accepted.
    pub least: i64,
    /// The most in one answer.
    pub most: i64,
    /// Whether asking for more is an error or is cut down.
    pub strict: bool,
}

impl Page {
    /// 5 to 1000, as most operations have it.
    pub const USUAL: Self = Self { least: 5, most: 1000, strict: true };
    /// Anything, of which 1000 are returned.
    pub const LENIENT: Self = Self { least: 1, most: 1000, strict: false };
}

/// Answers a listing of a table. Only what ids, the VPC and the page leave over is brought into its wire form, because
/// a region may hold thousands.
///
/// # Errors
/// An id is malformed or unknown, a filter does not exist, or the page is not acceptable.
pub fn list<T: Resource>(ec2: &Ec2<'_>, listing: &Listing, table: &Table<T>, wire: impl Fn(&T) -> Value) -> Reply {
    let wanted = ec2.call.texts(listing.ids);
    all_found(&T::KIND, &wanted, |id| table.describes(id))?;
    let filters = filters(ec2.call, listing.filters, listing.tagged)?;
    let rows = table
        .seen()
        .filter(|row| wanted.is_empty() || wanted.iter().any(|id| id == row.id()))
        .filter(|row| filters.iter().all(|filter| filter.may_admit_vpc(row.vpc())))
        .map(|row| (row.id().to_owned(), || wire(row)));
    answer(ec2, listing, &filters, rows)
}

/// Answers a listing of `rows` that are in no table of their own, each in its wire form.
///
/// # Errors
/// An id is malformed or unknown, a filter does not exist, or the page is not acceptable.
pub fn list_values(ec2: &Ec2<'_>, listing: &Listing, kind: &Kind, rows: Vec<Value>) -> Reply {
    let wanted = ec2.call.texts(listing.ids);
    all_found(kind, &wanted, |id| rows.iter().any(|row| text_at(row, listing.id) == id))?;
    let filters = filters(ec2.call, listing.filters, listing.tagged)?;
    let rows = rows
        .into_iter()
        .map(|row| (text_at(&row, listing.id), row))
        .filter(|(id, _)| wanted.is_empty() || wanted.contains(id))
        .map(|(id, row)| (id, || row));
    answer(ec2, listing, &filters, rows)
}

fn all_found(kind: &Kind, wanted: &[String], exists: impl Fn(&str) -> bool) -> Result<(), Refusal> {
    for id in wanted {
        kind.check(id)?;
    }
    let missing: Vec<&str> = wanted.iter().map(String::as_str).filter(|id| !exists(id)).collect();
    if missing.is_empty() { Ok(()) } else { Err(kind.absent(&missing.join(", "))) }
}

fn answer<W: FnOnce() -> Value>(
    ec2: &Ec2<'_>,
    listing: &Listing,
    filters: &[Filter],
    rows: impl Iterator<Item = (String, W)>,
) -> Reply {
    let cut = Cut::of(ec2.call, listing.page)?;
    let rows = rows.filter(|(id, _)| cut.begins_before(id)).map(|(id, wire)| (id, wire()));
    let (rows, next) = cut.take(rows.filter(|(_, row)| filters.iter().all(|filter| filter.admits(row))));
    Ok(json!({ listing.set: rows, "nextToken": next }))
}

/// One filter of a request.
pub struct Filter {
    matcher: Matcher,
    values: Vec<String>,
}

enum Matcher {
    Path(&'static str),
    Tag(String),
}

impl Filter {
    /// Whether a resource in this VPC can pass at all.
    fn may_admit_vpc(&self, vpc: Option<&str>) -> bool {
        match (&self.matcher, vpc) {
            (Matcher::Path("vpcId"), Some(vpc)) => self.values.iter().any(|pattern| glob(pattern, vpc)),
            _ => true,
        }
    }

    /// Whether a resource passes: one of its values equals one of the filter's.
    #[must_use]
    pub fn admits(&self, row: &Value) -> bool {
        let mut found = Vec::new();
        match &self.matcher {
            Matcher::Path(path) => collect(row, path, &mut found),
            Matcher::Tag(key) => {
                let tags = row.get("tagSet").and_then(Value::as_array).into_iter().flatten();
                let tags = tags.filter(|tag| text_at(tag, "key") == *key);
                found.extend(tags.map(|tag| text_at(tag, "value")));
            }
        }
        found.iter().any(|found| self.values.iter().any(|pattern| glob(pattern, found)))
    }
}

/// The filters of a request.
///
/// # Errors
/// There is no filter of that name.
pub fn filters(
    call: &Call,
    known: &'static [(&'static str, &'static str)],
    tagged: bool,
) -> Result<Vec<Filter>, Refusal> {
    filters_in(call.items("Filter"), known, tagged)
}

/// The same of some of the filters of a request.
///
/// # Errors
/// There is no filter of that name.
pub fn filters_in(
    given: &[Value],
    known: &'static [(&'static str, &'static str)],
    tagged: bool,
) -> Result<Vec<Filter>, Refusal> {
    given.iter().map(|given| one_filter(given, known, tagged)).collect()
}

fn one_filter(given: &Value, known: &'static [(&'static str, &'static str)], tagged: bool) -> Result<Filter, Refusal> {
    let name = text_at(given, "Name");
    let values: Vec<String> = given
        .get("Value")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect();
    if values.len() > 200 {
        let message = "The maximum length for a filter value list is 200.";
        return Err(bad_request("FilterLimitExceeded", message));
    }
    let matcher = match name.strip_prefix("tag:") {
        Some(key) if tagged => Some(Matcher::Tag(key.to_owned())),
        None if tagged && name == "tag-key" => Some(Matcher::Path("tagSet.key")),
        _ => known.iter().find(|filter| filter.0 == name).map(|filter| Matcher::Path(filter.1)),
    };
    let unknown = || bad_request("InvalidParameterValue", format!("The filter '{name}' is invalid"));
    Ok(Filter { matcher: matcher.ok_or_else(unknown)?, values })
}

/// All values at a dotted path; lists on the way are entered.
fn collect(value: &Value, path: &str, found: &mut Vec<String>) {
    if let Value::Array(items) = value {
        for item in items {
            collect(item, path, found);
        }
        return;
    }
    if path.is_empty() {
        match value {
            Value::Null | Value::Object(_) => {}
            Value::String(text) => found.push(text.clone()),
            other => found.push(other.to_string()),
        }
        return;
    }
    let (head, tail) = path.split_once('.').unwrap_or((path, ""));
    if let Some(inner) = value.get(head) {
        collect(inner, tail, found);
    }
}

/// `*` stands for any text, `?` for one character, a backslash makes the next character literal.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return text.is_empty();
    };
    let rest = &pattern[first.len_utf8()..];
    match first {
        '*' => text.char_indices().any(|(at, _)| glob(rest, &text[at..])) || glob(rest, ""),
        '?' => text.chars().next().is_some_and(|head| glob(rest, &text[head.len_utf8()..])),
        '\\' => match rest.chars().next() {
            Some(literal) => text.strip_prefix(literal).is_some_and(|tail| glob(&rest[literal.len_utf8()..], tail)),
            None => text == "\\",
        },
        literal => text.strip_prefix(literal).is_some_and(|tail| glob(rest, tail)),
    }
}

fn text_at(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Which part of a list a call asks for.
struct Cut {
    size: usize,
    after: Option<String>,
}

impl Cut {
    fn of(call: &Call, page: Page) -> Result<Self, Refusal> {
        let after = call.text("NextToken").map(decode_token).transpose()?;
        Ok(Self { size: page_size(call, page)?, after })
    }

    fn begins_before(&self, key: &str) -> bool {
        self.after.as_deref().is_none_or(|after| after < key)
    }

    fn take(&self, mut rows: impl Iterator<Item = (String, Value)>) -> (Vec<Value>, Option<String>) {
        let mut answer = Vec::new();
        let mut last = String::new();
        for (key, row) in rows.by_ref().take(self.size) {
            last = key;
            answer.push(row);
        }
        let more = rows.next().is_some();
        (answer, more.then(|| BASE64.encode(format!("after:{last}"))))
    }
}

/// One page of rows that are sorted by their keys, and the token of the next.
///
/// # Errors
/// `MaxResults` is out of bounds or the token is not one of ours.
pub fn paged(call: &Call, page: Page, rows: Vec<(String, Value)>) -> Result<(Vec<Value>, Option<String>), Refusal> {
    let cut = Cut::of(call, page)?;
    Ok(cut.take(rows.into_iter().filter(|(key, _)| cut.begins_before(key))))
}

fn page_size(call: &Call, page: Page) -> Result<usize, Refusal> {
    let Some(asked) = call.number("MaxResults") else {
        return Ok(usize::try_from(page.most).unwrap_or(1000));
    };
    let refuse = |expecting: String| {
        let message = format!("Value ( {asked} ) for parameter maxResults is invalid. {expecting}");
        Err(bad_request("InvalidParameterValue", message))
    };
    if asked < page.least {
        return refuse(format!("Expecting a value greater than or equal to {}.", page.least));
    }
    if asked > page.most && page.strict {
        return refuse(format!("Expecting a value less than or equal to {}.", page.most));
    }
    Ok(usize::try_from(asked.min(page.most)).unwrap_or(1000))
}

fn decode_token(token: &str) -> Result<String, Refusal> {
    let decoded = BASE64.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded
        .and_then(|text| text.strip_prefix("after:").map(str::to_owned))
        .ok_or_else(|| bad_request("InvalidNextToken", "The specified NextToken is not valid."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_ec2() {
        assert!(glob("cloister/*", "cloister/owner"));
        assert!(glob("vpc-?a*", "vpc-0abc"));
        assert!(glob("a*", "a"));
        assert!(!glob("a?", "a"));
        assert!(glob(r"\*", "*") && !glob(r"\*", "x"));
        assert!(!glob("", "x"));
    }

    #[test]
    fn a_path_enters_lists() {
        let row = json!({"associationSet": [{"subnetId": "a", "main": false}, {"main": true}]});
        let mut found = Vec::new();
        collect(&row, "associationSet.main", &mut found);
        assert_eq!(found, ["false", "true"]);
    }
}
