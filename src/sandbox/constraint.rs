//! What AWS's front door checks before a service looks at a request: that members are there, and that they keep the
//! lengths, patterns, ranges and enumerations of the service's model. It collects every violation into the one
//! sentence AWS answers with, and knows nothing about what the members mean.

use regex::Regex;
use serde_json::Value;

/// The rule of a text member.
#[derive(Debug)]
pub struct Text {
    min: usize,
    max: usize,
    source: &'static str,
    whole: Regex,
}

impl Text {
    /// A text of `min` to `max` characters that matches the whole of `pattern`, which is quoted in the refusal.
    ///
    /// # Panics
    /// If the pattern, which is a constant of the simulator, is no regular expression.
    #[must_use]
    pub fn matching(min: usize, max: usize, pattern: &'static str) -> Self {
        let whole = Regex::new(&format!(r"\A(?:{pattern})\z")).expect("patterns are constants");
        Self { min, max, source: pattern, whole }
    }

    fn violation_by(&self, value: &str) -> Option<String> {
        let length = value.chars().count();
        if length < self.min {
            return Some(format!("Member must have length greater than or equal to {}", self.min));
        }
        if length > self.max {
            return Some(format!("Member must have length less than or equal to {}", self.max));
        }
        let broken = !self.whole.is_match(value);
        broken.then(|| format!("Member must satisfy regular expression pattern: {}", self.source))
    }
}

/// The members of one request, and what was found wrong with them so far.
#[derive(Debug)]
pub struct Members<'a> {
    params: &'a Value,
    violations: Vec<String>,
}

impl<'a> Members<'a> {
    /// The members of this request.
    #[must_use]
    pub fn of(params: &'a Value) -> Self {
        Self { params, violations: Vec::new() }
    }

    /// A member as it was sent; `null` counts as absent.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&'a Value> {
        self.params.get(name).filter(|value| !value.is_null())
    }

    /// A text that may be absent.
    pub fn text(&mut self, name: &str, rule: &Text) -> Option<&'a str> {
        let value = self.raw(name)?;
        let Some(text) = value.as_str() else {
            self.reject(name, value, "Member must be a string");
            return None;
        };
        self.check(name, text, rule);
        Some(text)
    }

    /// A text that has to be there. Empty if it is not, which [`Members::finish`] then reports.
    pub fn required(&mut self, name: &str, rule: &Text) -> &'a str {
        if self.raw(name).is_none() {
            self.missing(name);
        }
        self.text(name, rule).unwrap_or_default()
    }

    /// One of a set of words, or absent.
    pub fn choice(&mut self, name: &str, words: &[&str]) -> Option<&'a str> {
        let value = self.raw(name)?.as_str().unwrap_or_default();
        if !words.contains(&value) {
            self.reject(name, value, &format!("Member must satisfy enum value set: [{}]", words.join(", ")));
        }
        Some(value)
    }

    /// A whole number within a range, or absent. Numbers that came in a query string are text.
    pub fn number(&mut self, name: &str, min: i64, max: i64) -> Option<i64> {
        let value = self.raw(name)?;
        let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
        match number {
            Some(number) if number < min => {
                self.reject(name, number, &format!("Member must have value greater than or equal to {min}"));
            }
            Some(number) if number > max => {
                self.reject(name, number, &format!("Member must have value less than or equal to {max}"));
            }
            Some(_) => {}
            None => self.reject(name, value, "Member must be a number"),
        }
        number
    }

    /// A truth value; absent is false. In a query string it is text.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|value| value.as_bool().unwrap_or_else(|| value.as_str() == Some("true")))
    }

    /// A list with at most `max` entries, or absent.
    pub fn list(&mut self, name: &str, min: usize, max: usize) -> Option<&'a [Value]> {
        let value = self.raw(name)?;
        let Some(entries) = value.as_array() else {
            self.reject(name, value, "Member must be a list");
            return None;
        };
        if entries.len() < min {
            self.reject(name, value, &format!("Member must have length greater than or equal to {min}"));
        }
        if entries.len() > max {
            self.reject(name, value, &format!("Member must have length less than or equal to {max}"));
        }
        Some(entries)
    }

    /// A list of texts, each of which keeps the rule.
    pub fn texts(&mut self, name: &str, min: usize, max: usize, rule: &Text) -> Option<Vec<String>> {
        let entries = self.list(name, min, max)?;
        let texts: Vec<String> = entries.iter().filter_map(|entry| entry.as_str().map(str::to_owned)).collect();
        for (index, text) in texts.iter().enumerate() {
            self.check(&format!("{name}.{}.member", index + 1), text, rule);
        }
        Some(texts)
    }

    /// Notes that a member that has to be there is not.
    pub fn missing(&mut self, name: &str) {
        self.violations
            .push(format!("Value null at '{}' failed to satisfy constraint: Member must not be null", wire_name(name)));
    }

    /// Checks a value that was taken out of a structure.
    pub fn check(&mut self, name: &str, value: &str, rule: &Text) {
        if let Some(violation) = rule.violation_by(value) {
            self.reject(name, value, &violation);
        }
    }

    fn reject(&mut self, name: &str, value: impl std::fmt::Display, constraint: &str) {
        let name = wire_name(name);
        self.violations.push(format!("Value '{value}' at '{name}' failed to satisfy constraint: {constraint}"));
    }

    /// All violations in the sentence with which AWS refuses them.
    ///
    /// # Errors
    /// The sentence, if there was any violation.
    pub fn finish(self) -> Result<(), String> {
        match self.violations.len() {
            0 => Ok(()),
            1 => Err(format!("1 validation error detected: {}", self.violations[0])),
            count => Err(format!("{count} validation errors detected: {}", self.violations.join("; "))),
        }
    }
}

/// AWS names members in these sentences with a small first letter, whatever the model does.
fn wire_name(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_violation_is_named_in_one_sentence() {
        let params = json!({"VolumeSizeInGB": 4, "RootAccess": "Yes"});
        let mut members = Members::of(&params);
        members.required("NotebookInstanceName", &Text::matching(0, 63, ".*"));
        members.number("VolumeSizeInGB", 5, 16384);
        members.choice("RootAccess", &["Enabled", "Disabled"]);
        assert_eq!(
            members.finish().unwrap_err(),
            "3 validation errors detected: Value null at 'notebookInstanceName' failed to satisfy constraint: Member \
             must not be null; Value '4' at 'volumeSizeInGB' failed to satisfy constraint: Member must have value \
             greater than or equal to 5; Value 'Yes' at 'rootAccess' failed to satisfy constraint: Member must \
             satisfy enum value set: [Enabled, Disabled]"
        );
    }

    #[test]
    fn a_pattern_has_to_match_the_whole_text() {
        let params = json!({"domain": "good-name/bad"});
        let mut members = Members::of(&params);
        members.required("domain", &Text::matching(2, 50, "[a-z-]+"));
        assert!(members.finish().unwrap_err().contains("regular expression pattern: [a-z-]+"));
    }

    #[test]
    fn numbers_and_flags_may_come_as_text_from_a_query_string() {
        let params = json!({"maxResults": "7", "unfinished": "true"});
        let mut members = Members::of(&params);
        assert_eq!(members.number("maxResults", 1, 1000), Some(7));
        assert!(members.flag("unfinished"));
        assert_eq!(members.finish(), Ok(()));
    }
}
