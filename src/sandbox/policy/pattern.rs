//! Wildcards and policy variables. What comes out of a variable is never a wildcard.

use std::collections::BTreeMap;

/// The context of a request: condition keys (any case) and their values.
pub(super) type Context = BTreeMap<String, Vec<String>>;

/// The values of a condition key; keys are the same in any case.
pub(super) fn values<'a>(context: &'a Context, key: &str) -> Option<&'a [String]> {
    let found = context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    found.map(|(_, values)| values.as_slice()).filter(|values| !values.is_empty())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    AnyText,
    AnyCharacter,
    Literal(char),
}

/// A pattern whose variables have been filled in.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Vec<Token>);

impl Pattern {
    /// `None` if a variable has neither value nor default: the element that holds it then matches nothing.
    /// Without a context the text has no variables.
    pub(super) fn new(text: &str, context: Option<&Context>) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let variable = context.and_then(|context| variable_at(rest).map(|(name, length)| (context, name, length)));
            if let Some((context, name, length)) = variable {
                tokens.extend(resolve(name, context)?.chars().map(Token::Literal));
                rest = &rest[length..];
                continue;
            }
            tokens.push(match character {
                '*' => Token::AnyText,
                '?' => Token::AnyCharacter,
                other => Token::Literal(other),
            });
            rest = &rest[character.len_utf8()..];
        }
        Some(Self(tokens))
    }

    /// Whether the whole text fits, wildcards included.
    pub(super) fn fits(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut token) = (0, 0);
        let mut last_star: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(token) {
                Some(Token::AnyText) => {
                    last_star = Some((token, at));
                    token += 1;
                }
                Some(Token::AnyCharacter) => (at, token) = (at + 1, token + 1),
                Some(Token::Literal(wanted)) if *wanted == text[at] => (at, token) = (at + 1, token + 1),
                _ => match last_star {
                    Some((star, from)) => {
                        last_star = Some((star, from + 1));
                        (at, token) = (from + 1, star + 1);
                    }
                    None => return false,
                },
            }
        }
        self.0[token..].iter().all(|token| *token == Token::AnyText)
    }

    /// The text itself, for operators that know no wildcards.
    pub(super) fn literally(&self) -> String {
        let character = |token: &Token| match token {
            Token::AnyText => '*',
            Token::AnyCharacter => '?',
            Token::Literal(character) => *character,
        };
        self.0.iter().map(character).collect()
    }

    /// The six parts of an ARN pattern; the last one keeps its colons.
    pub(super) fn arn_parts(&self) -> Vec<Self> {
        let parts = self.0.splitn(6, |token| *token == Token::Literal(':'));
        parts.map(|part| Self(part.to_vec())).collect()
    }
}

/// `${name}` at the beginning of the text: what stands inside, and how long all of it is.
fn variable_at(text: &str) -> Option<(&str, usize)> {
    let inside = text.strip_prefix("${")?;
    let end = inside.find('}')?;
    Some((&inside[..end], end + 3))
}

fn resolve(variable: &str, context: &Context) -> Option<String> {
    if matches!(variable, "*" | "?" | "$") {
        return Some(variable.to_owned());
    }
    let (key, default) = match variable.split_once(',') {
        Some((key, default)) => {
            (key.trim(), default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\'')))
        }
        None => (variable.trim(), None),
    };
    match values(context, key) {
        Some([single]) => Some(single.clone()),
        _ => default.map(str::to_owned),
    }
}

/// Whether a name fits a pattern without regard to case, as actions do.
pub(super) fn fits_action(pattern: &str, action: &str) -> bool {
    Pattern::new(&pattern.to_ascii_lowercase(), None).is_some_and(|pattern| pattern.fits(&action.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern, None).unwrap().fits(text)
    }

    #[test]
    fn a_star_stands_for_any_text_and_a_question_mark_for_one_character() {
        assert!(fits("*", ""));
        assert!(fits("arn:aws:iam::*:role/t*z", "arn:aws:iam::1:role/team/abcz"));
        assert!(fits("a?c", "abc"));
        assert!(!fits("a?c", "ac"));
        assert!(!fits("abc", "abcd"));
        assert!(fits("a*b*c", "a-b-b-c"));
    }

    #[test]
    fn the_value_of_a_variable_is_no_wildcard() {
        let context = Context::from([("aws:PrincipalTag/team".to_owned(), vec!["*".to_owned()])]);
        let pattern = Pattern::new("team/${aws:principaltag/team}", Some(&context)).unwrap();
        assert!(pattern.fits("team/*"));
        assert!(!pattern.fits("team/red"));
    }

    #[test]
    fn a_variable_without_value_matches_nothing_unless_it_has_a_default() {
        let context = Context::new();
        assert!(Pattern::new("${aws:username}", Some(&context)).is_none());
        assert!(Pattern::new("${aws:username, 'nobody'}", Some(&context)).unwrap().fits("nobody"));
        assert!(Pattern::new("a${*}b", Some(&context)).unwrap().fits("a*b"));
        assert!(!Pattern::new("a${*}b", Some(&context)).unwrap().fits("axb"));
    }

    #[test]
    fn actions_are_the_same_in_any_case() {
        assert!(fits_action("IAM:get*", "iam:GetRole"));
        assert!(!fits_action("iam:Get*", "iam:ListRoles"));
    }
}
