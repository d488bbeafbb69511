//! Holds every answer that the simulator gives in any unit test against AWS's own models: unknown members, wrong types,
//! values that no enumeration has and missing members end the test. `shapes.json` is made by `hack/wire-shapes.py`.
//!
//! AWS on this: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html>.

use std::sync::OnceLock;

use serde_json::Value;

use super::Service;

/// Values that AWS answers although its models do not have them: an attached internet gateway is `available`, as its
/// description says and its enumeration does not; a permissions boundary is of type `Policy`.
const UNDECLARED: [(&str, &str); 2] =
    [("AttachmentStatus", "available"), ("PermissionsBoundaryAttachmentType", "Policy")];

fn models() -> &'static Value {
    static MODELS: OnceLock<Value> = OnceLock::new();
    MODELS.get_or_init(|| serde_json::from_str(include_str!("shapes.json")).expect("generated JSON"))
}

/// Panics unless the answer is one that a client generated from the model can read completely.
pub(super) fn check(service: Service, operation: &str, answer: Option<&Value>) {
    let Some(answer) = answer else { return };
    let model = &models()[service.signing_name()];
    let output = model["operations"].get(operation);
    let output = output.unwrap_or_else(|| panic!("{operation} is not in shapes.json: run hack/wire-shapes.py"));
    let checker = Checker { service, shapes: &model["shapes"] };
    let complaint = match output.as_str() {
        Some(shape) => checker.conforms(shape, answer).err(),
        None => checker.says_nothing(answer).err(),
    };
    if let Some(complaint) = complaint {
        panic!("the answer to {operation} is not as AWS's model has it: {complaint}\n{answer:#}");
    }
}

struct Checker {
    service: Service,
    shapes: &'static Value,
}

impl Checker {
    fn is_query(&self) -> bool {
        matches!(self.service, Service::Ec2 | Service::Iam | Service::Sts)
    }

    /// EC2 answers operations without output with `return`.
    fn says_nothing(&self, answer: &Value) -> Result<(), String> {
        let members = answer.as_object().into_iter().flatten();
        let unknown: Vec<_> = members.map(|(name, _)| name).filter(|name| self.unmodelled(name)).collect();
        if unknown.is_empty() { Ok(()) } else { Err(format!("it has members: {unknown:?}")) }
    }

    fn unmodelled(&self, name: &str) -> bool {
        self.service != Service::Ec2 || name != "return"
    }

    fn conforms(&self, shape: &str, value: &Value) -> Result<(), String> {
        let definition = &self.shapes[shape];
        if let Some(members) = definition.get("members") {
            let given = value.as_object().ok_or_else(|| format!("{shape} is no structure: {value}"))?;
            for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
                match members.get(name).and_then(Value::as_str) {
                    Some(inner) => self.conforms(inner, value).map_err(|complaint| format!("{name}: {complaint}"))?,
                    None if self.unmodelled(name) => return Err(format!("{shape} has no member {name}")),
                    None => {}
                }
            }
            let required = definition["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let mut absent = required.filter(|name| given.get(*name).is_none_or(Value::is_null));
            return absent.next().map_or(Ok(()), |name| Err(format!("{shape} lacks {name}")));
        }
        if let Some(item) = definition.get("list").and_then(Value::as_str) {
            let items = value.as_array().ok_or_else(|| format!("{shape} is no list: {value}"))?;
            return items.iter().try_for_each(|value| self.conforms(item, value));
        }
        if let Some(inner) = definition.get("map").and_then(Value::as_str) {
            return self.conforms_map(inner, value);
        }
        if let Some(allowed) = definition.get("enum").and_then(Value::as_array) {
            return self.is_one_of(shape, allowed, value);
        }
        self.is_scalar(definition["scalar"].as_str().unwrap_or_default(), value)
    }

    fn conforms_map(&self, inner: &str, value: &Value) -> Result<(), String> {
        if self.is_query() {
            let entries = value.get("entry").and_then(Value::as_array).ok_or("a map needs entries")?;
            return entries.iter().try_for_each(|entry| self.conforms(inner, &entry["value"]));
        }
        let entries = value.as_object().ok_or("a map has to be an object")?;
        entries.values().try_for_each(|value| self.conforms(inner, value))
    }

    /// The states of endpoints begin with a small letter on the wire, unlike in the model.
    fn is_one_of(&self, shape: &str, allowed: &[Value], value: &Value) -> Result<(), String> {
        let text = value.as_str().ok_or_else(|| format!("{shape} is no text: {value}"))?;
        let lenient = self.service == Service::Ec2 && shape == "State";
        let same = |allowed: &&str| if lenient { allowed.eq_ignore_ascii_case(text) } else { *allowed == text };
        let undeclared = UNDECLARED.contains(&(shape, text));
        if undeclared || allowed.iter().filter_map(Value::as_str).any(|allowed| same(&allowed)) {
            return Ok(());
        }
        Err(format!("{text} is none of {shape}"))
    }

    fn is_scalar(&self, kind: &str, value: &Value) -> Result<(), String> {
        // The query protocols write everything as text; what is text already is taken as it is.
        let text = value.as_str().filter(|_| self.is_query());
        let fits = match kind {
            "string" | "blob" => value.is_string(),
            "boolean" => value.is_boolean() || text.is_some_and(|text| text.parse::<bool>().is_ok()),
            "integer" | "long" => {
                value.is_i64() || value.is_u64() || text.is_some_and(|text| text.parse::<i64>().is_ok())
            }
            "float" | "double" => value.is_number() || text.is_some_and(|text| text.parse::<f64>().is_ok()),
            "timestamp" if self.is_query() => text.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
            "timestamp" => value.is_number(),
            other => return Err(format!("{other} is not expected in answers")),
        };
        if fits { Ok(()) } else { Err(format!("{value} is no {kind}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaint(service: Service, operation: &str, answer: &Value) -> String {
        let caught = std::panic::catch_unwind(|| check(service, operation, Some(answer)));
        *caught.expect_err("a complaint").downcast::<String>().expect("a text")
    }

    #[test]
    fn a_misspelt_member_is_found() {
        let answer = json!({"vpcSet": [{"vpcID": "vpc-1"}]});
        assert!(complaint(Service::Ec2, "DescribeVpcs", &answer).contains("no member vpcID"));
    }

    #[test]
    fn a_value_outside_its_enumeration_is_found() {
        let answer = json!({"vpcSet": [{"state": "ready"}]});
        assert!(complaint(Service::Ec2, "DescribeVpcs", &answer).contains("ready is none of"));
    }

    #[test]
    fn a_wrong_type_is_found() {
        let answer = json!({"subnetSet": [{"availableIpAddressCount": "many"}]});
        assert!(complaint(Service::Ec2, "DescribeSubnets", &answer).contains("is no integer"));
    }
}
