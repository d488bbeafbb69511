//! Wildcards and policy variables. What comes out of a variable is never a wildcard.

use super::context::{Context, Key};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Star,
    Question,
    Letter(char),
}

/// A text of a policy with its variables filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Token>);

/// What became of a text of a policy.
pub(super) enum Filled {
    Pattern(Pattern),
    /// A variable has no value in this request: the text stands for nothing.
    Nothing,
    /// It is not known which value a variable has.
    Unclear(String),
}

/// Fill in the variables. Without a context the text has none (documents of version `2008-10-17`).
pub(super) fn fill(text: &str, variables: Option<&Context>) -> Filled {
    let mut tokens = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let (Some(context), Some((inside, length))) = (variables, variable(rest)) {
            match value_of(inside, context) {
                Ok(Some(value)) => tokens.extend(value.chars().map(Token::Letter)),
                Ok(None) => return Filled::Nothing,
                Err(why) => return Filled::Unclear(why),
            }
            rest = &rest[length..];
            continue;
        }
        tokens.push(match letter {
            '*' => Token::Star,
            '?' => Token::Question,
            other => Token::Letter(other),
        });
        rest = &rest[letter.len_utf8()..];
    }
    Filled::Pattern(Pattern(tokens))
}

/// What stands between `${` and `}` at the beginning of a text, and how long all of it is.
fn variable(text: &str) -> Option<(&str, usize)> {
    let (inside, _) = text.strip_prefix("${")?.split_once('}')?;
    Some((inside, inside.len() + "${}".len()))
}

fn value_of(variable: &str, context: &Context) -> Result<Option<String>, String> {
    if matches!(variable, "*" | "?" | "$") {
        return Ok(Some(variable.to_owned()));
    }
    let (key, default) = variable.split_once(',').map_or((variable, None), |(key, default)| (key, Some(default)));
    let default = default.and_then(|text| text.trim().strip_prefix('\'')?.strip_suffix('\''));
    match context.key(key.trim()) {
        Key::Present(values) => match values.first() {
            Some(value) if values.len() == 1 => Ok(Some(value.clone())),
            _ => Err(format!("the variable ${{{}}} has several values", key.trim())),
        },
        Key::Absent => Ok(default.map(ToOwned::to_owned)),
        Key::Unknown => Err(format!("the value of the variable ${{{}}} is not known", key.trim())),
    }
}

impl Pattern {
    /// A text in which nothing is filled in.
    pub(super) fn plain(text: &str) -> Self {
        match fill(text, None) {
            Filled::Pattern(pattern) => pattern,
            Filled::Nothing | Filled::Unclear(_) => Self(Vec::new()),
        }
    }

    /// Whether all of `text` fits.
    pub(super) fn fits(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        // `reached[i]`: the tokens so far can stand for the first `i` letters.
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        for token in &self.0 {
            let mut next = vec![false; text.len() + 1];
            match token {
                Token::Star => {
                    let mut before = false;
                    for (at, here) in reached.iter().enumerate() {
                        before |= here;
                        next[at] = before;
                    }
                }
                Token::Question => next[1..].copy_from_slice(&reached[..text.len()]),
                Token::Letter(letter) => {
                    for (at, found) in text.iter().enumerate() {
                        next[at + 1] = reached[at] && found == letter;
                    }
                }
            }
            reached = next;
        }
        reached[text.len()]
    }

    /// Whether an ARN fits part by part, so that no wildcard stands for a colon before the resource. `None` when this is no pattern of
    /// an ARN.
    pub(super) fn fits_by_part(&self, arn: &str) -> Option<bool> {
        let patterns: Vec<&[Token]> = self.0.splitn(6, |token| *token == Token::Letter(':')).collect();
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        if patterns.len() != 6 {
            return None;
        }
        Some(parts.len() == 6 && patterns.iter().zip(parts).all(|(tokens, part)| Self(tokens.to_vec()).fits(part)))
    }

    /// The text itself, for operators that know no wildcards.
    pub(super) fn literal(&self) -> String {
        let letter = |token: &Token| match token {
            Token::Star => '*',
            Token::Question => '?',
            Token::Letter(letter) => *letter,
        };
        self.0.iter().map(letter).collect()
    }
}
