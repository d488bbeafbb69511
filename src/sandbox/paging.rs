//! Lists in pages. A token names the last entry of the page before and not a position, so that what appears or
//! disappears between two pages neither repeats nor hides anything else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// One page of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries of this page, in order.
    pub entries: Vec<T>,
    /// What to send for the next page; absent on the last.
    pub next: Option<String>,
}

/// The page of at most `size` entries that follows the one that ended with `token`. Each entry comes with the key it
/// is sorted by, which no other entry has. `None` if the token was never given out.
#[must_use]
pub fn page<T>(entries: Vec<(String, T)>, descending: bool, token: Option<&str>, size: usize) -> Option<Page<T>> {
    let after = match token {
        Some(token) => Some(String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?),
        None => None,
    };
    let mut rest = entries;
    rest.sort_by(|(one, _), (other, _)| if descending { other.cmp(one) } else { one.cmp(other) });
    if let Some(after) = after {
        rest.retain(|(key, _)| if descending { *key < after } else { *key > after });
    }
    let more = rest.len() > size;
    rest.truncate(size);
    let next = rest.last().filter(|_| more).map(|(key, _)| URL_SAFE_NO_PAD.encode(key));
    Some(Page { entries: rest.into_iter().map(|(_, entry)| entry).collect(), next })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed(keys: &[&str]) -> Vec<(String, String)> {
        keys.iter().map(|key| ((*key).to_owned(), (*key).to_owned())).collect()
    }

    #[test]
    fn the_last_page_has_no_token() {
        let first = page(keyed(&["c", "a", "b"]), false, None, 2).unwrap();
        assert_eq!(first.entries, ["a", "b"]);
        let last = page(keyed(&["c", "a", "b"]), false, first.next.as_deref(), 2).unwrap();
        assert_eq!(last, Page { entries: vec!["c".to_owned()], next: None });
    }

    #[test]
    fn what_vanished_between_two_pages_hides_nothing_else() {
        let first = page(keyed(&["a", "b", "c", "d"]), true, None, 2).unwrap();
        assert_eq!(first.entries, ["d", "c"]);
        let next = page(keyed(&["a", "b"]), true, first.next.as_deref(), 2).unwrap();
        assert_eq!(next.entries, ["b", "a"]);
    }

    #[test]
    fn a_made_up_token_is_refused() {
        assert_eq!(page(keyed(&["a"]), false, Some("no token!"), 2), None);
    }
}
