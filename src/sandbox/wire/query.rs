//! The query protocols: flattened form parameters in, a tree out.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

/// The decoded pairs of a form body or query string.
pub fn pairs(form: &[u8]) -> Vec<(String, String)> {
    form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(decode_pair).collect()
}

fn decode_pair(pair: &[u8]) -> (String, String) {
    let split = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
    (decode(&pair[..split]), decode(pair.get(split + 1..).unwrap_or_default()))
}

fn decode(text: &[u8]) -> String {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

/// Operation and parameters of a request in a query protocol.
pub fn read(request: &Request<Bytes>) -> Option<(String, Value)> {
    let mut all = pairs(request.uri().query().unwrap_or_default().as_bytes());
    all.extend(pairs(request.body()));
    let action = all.iter().find(|(name, _)| name == "Action")?.1.clone();
    let mut root = Node::default();
    for (name, value) in all {
        if name != "Action" && name != "Version" && !name.starts_with("X-Amz-") {
            root.insert(name.split('.').filter(|part| *part != "member"), value);
        }
    }
    Some((action, root.into_value()))
}

/// A parameter while its parts are still being collected.
#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
    /// Names in the order in which they came, which is kept in the tree.
    order: Vec<String>,
}

impl Node {
    fn insert<'a>(&mut self, mut path: impl Iterator<Item = &'a str>, value: String) {
        let Some(part) = path.next() else {
            self.text = Some(value);
            return;
        };
        if !self.children.contains_key(part) {
            self.order.push(part.to_owned());
        }
        self.children.entry(part.to_owned()).or_default().insert(path, value);
    }

    fn into_value(mut self) -> Value {
        if self.children.is_empty() {
            return self.text.map_or_else(|| Value::Object(Map::new()), Value::String);
        }
        let positions: Option<Vec<u32>> = self.order.iter().map(|name| name.parse().ok()).collect();
        if let Some(mut positions) = positions {
            positions.sort_unstable();
            let items = positions.iter().filter_map(|position| self.children.remove(&position.to_string()));
            return Value::Array(items.map(Self::into_value).collect());
        }
        let mut map = Map::new();
        for name in self.order {
            if let Some(child) = self.children.remove(&name) {
                map.insert(name, child.into_value());
            }
        }
        Value::Object(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tree(body: &'static str) -> Value {
        read(&Request::new(Bytes::from_static(body.as_bytes()))).expect("an action").1
    }

    #[test]
    fn numbered_parts_become_lists_in_numeric_order() {
        let body = "Action=X&Filter.1.Name=a&Filter.1.Value.2=c&Filter.1.Value.1=b&Filter.10.Name=z&Filter.2.Name=y";
        assert_eq!(tree(body), json!({"Filter": [{"Name": "a", "Value": ["b", "c"]}, {"Name": "y"}, {"Name": "z"}]}));
    }

    #[test]
    fn the_word_member_is_dropped() {
        assert_eq!(tree("Action=X&Tags.member.1.Key=k"), json!({"Tags": [{"Key": "k"}]}));
    }

    #[test]
    fn plus_signs_and_escapes_are_decoded() {
        assert_eq!(tree("Action=X&D=a+b%2Bc%E3%81%82"), json!({"D": "a b+cあ"}));
    }
}
