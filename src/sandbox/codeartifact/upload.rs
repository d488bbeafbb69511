//! Reading what twine sends when it uploads a Python package: a form in parts (RFC 7578) with the metadata as fields
//! and one file.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, header};

/// A form that was sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Form {
    fields: BTreeMap<String, Vec<String>>,
    /// Name and content of the file.
    pub file: Option<(String, Bytes)>,
}

impl Form {
    /// The first value of a field.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.first().map(String::as_str)
    }

    /// All values of a field.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.fields.get(name).cloned().unwrap_or_default()
    }

    /// Reads a form; `None` if it is none.
    #[must_use]
    pub fn read(headers: &HeaderMap, body: &Bytes) -> Option<Self> {
        let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let (_, boundary) = kind.split_once("boundary=")?;
        let delimiter = format!("--{}", boundary.trim_matches('"'));
        let mut form = Self::default();
        let starts = find_all(body, delimiter.as_bytes());
        for pair in starts.windows(2) {
            let part = body.slice(pair[0] + delimiter.len()..pair[1]);
            form.add(&part)?;
        }
        Some(form)
    }

    fn add(&mut self, part: &Bytes) -> Option<()> {
        let end_of_head = *find_all(part, b"\r\n\r\n").first()?;
        let head = String::from_utf8_lossy(&part[..end_of_head]).into_owned();
        // A line break belongs to the delimiter that follows.
        let content = part.slice(end_of_head + 4..part.len().checked_sub(2)?.max(end_of_head + 4));
        let name = quoted(&head, "; name=\"")?;
        match quoted(&head, "filename=\"") {
            Some(file) => self.file = Some((file, content)),
            None => self.fields.entry(name).or_default().push(String::from_utf8_lossy(&content).into_owned()),
        }
        Some(())
    }
}

fn quoted(head: &str, before: &str) -> Option<String> {
    let (_, rest) = head.split_once(before)?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

fn find_all(text: &[u8], part: &[u8]) -> Vec<usize> {
    text.windows(part.len()).enumerate().filter(|(_, window)| *window == part).map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_file_of_a_form_are_told_apart() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=xyz".parse().unwrap());
        let body = "--xyz\r\nContent-Disposition: form-data; name=\"version\"\r\n\r\n1.0\r\n\
                    --xyz\r\nContent-Disposition: form-data; name=\"content\"; filename=\"a-1.0.whl\"\r\n\
                    Content-Type: application/octet-stream\r\n\r\nPK\r\nraw\r\n--xyz--\r\n";
        let form = Form::read(&headers, &Bytes::from(body)).unwrap();
        assert_eq!(form.text("version"), Some("1.0"));
        assert_eq!(form.file, Some(("a-1.0.whl".to_owned(), Bytes::from_static(b"PK\r\nraw"))));
    }
}
