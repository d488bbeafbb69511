//! Answers of the query protocols as XML. A list under a name is written as that name with one `<item>` (EC2) or
//! `<member>` (IAM, STS) per element; a list called `entry` is a map and repeats its own name.
//! The results of `write!` are dropped because writing to a `String` cannot fail.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Refusal, Service};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// `<OpResponse><requestId/>…</OpResponse>`.
pub fn ec2_answer(operation: &str, request_id: &str, value: &Value) -> String {
    let mut out = DECLARATION.to_owned();
    let _ = write!(out, "<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">");
    element(&mut out, "requestId", &Value::String(request_id.to_owned()), "item");
    members(&mut out, value, "item");
    let _ = write!(out, "</{operation}Response>");
    out
}

/// `<Response><Errors><Error>…`.
pub fn ec2_error(request_id: &str, refusal: &Refusal) -> String {
    format!(
        "{DECLARATION}<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors>\
         <RequestID>{request_id}</RequestID></Response>",
        escaped(&refusal.code),
        escaped(&refusal.message),
    )
}

fn namespace(service: Service) -> &'static str {
    match service {
        Service::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        _ => "https://iam.amazonaws.com/doc/2010-05-08/",
    }
}

/// The operations whose empty result is an element nevertheless: the model gives them an output without members.
const EMPTY_RESULTS: [&str; 1] = ["UpdateRole"];

/// `<OpResponse><OpResult>…</OpResult><ResponseMetadata/></OpResponse>`; no result element if there is nothing in it.
pub fn query_answer(service: Service, operation: &str, request_id: &str, value: &Value) -> String {
    let mut out = format!("<{operation}Response xmlns=\"{}\">", namespace(service));
    if value.as_object().is_some_and(|map| !map.is_empty() || EMPTY_RESULTS.contains(&operation)) {
        element(&mut out, &format!("{operation}Result"), value, "member");
    }
    let _ =
        write!(out, "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>");
    out
}

/// `<ErrorResponse><Error>…`.
pub fn query_error(service: Service, request_id: &str, refusal: &Refusal) -> String {
    format!(
        "<ErrorResponse xmlns=\"{}\"><Error><Type>{}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>",
        namespace(service),
        if refusal.status < 500 { "Sender" } else { "Receiver" },
        escaped(&refusal.code),
        escaped(&refusal.message),
    )
}

fn element(out: &mut String, name: &str, value: &Value, item: &str) {
    match value {
        Value::Null => {}
        Value::Array(values) if name == "entry" => values.iter().for_each(|value| element(out, name, value, item)),
        _ => {
            let _ = write!(out, "<{name}>");
            match value {
                Value::Array(values) => values.iter().for_each(|value| element(out, item, value, item)),
                Value::Object(_) => members(out, value, item),
                Value::String(text) => out.push_str(&escaped(text)),
                other => out.push_str(&other.to_string()),
            }
            let _ = write!(out, "</{name}>");
        }
    }
}

fn members(out: &mut String, value: &Value, item: &str) {
    for (name, value) in value.as_object().into_iter().flatten() {
        element(out, name, value, item);
    }
}

/// A carriage return is written as a reference, or a parser would turn it into a line feed.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ec2_lists_are_items_and_nulls_are_left_out() {
        let written = ec2_answer("DescribeX", "r", &json!({"xSet": [{"a": true}, {"a": null}], "t": "<&\r"}));
        assert!(written.ends_with(
            "<requestId>r</requestId><xSet><item><a>true</a></item><item></item></xSet><t>&lt;&amp;&#xD;</t></DescribeXResponse>"
        ));
    }

    #[test]
    fn an_empty_query_answer_has_no_result_element() {
        let written = query_answer(Service::Iam, "DeleteRole", "r", &json!({}));
        assert!(!written.contains("DeleteRoleResult"));
    }
}
