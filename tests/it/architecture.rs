//! The dependency rule: cli on kubernetes, resources, aws and model; resources on aws and model; aws and kubernetes on model; model on nothing of
//! ours; the simulator on nothing of ours either, as an error that both sides share would be invisible.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::cluster::checkout;

/// The modules of the top level, and those that each may name.
const RULE: [(&str, &[&str]); 8] = [
    ("model", &["model"]),
    ("metrics", &["metrics"]),
    ("serve", &["serve", "metrics"]),
    ("aws", &["aws", "model", "metrics"]),
    ("kubernetes", &["kubernetes", "model", "metrics"]),
    ("resources", &["resources", "aws", "model"]),
    ("sandbox", &["sandbox"]),
    ("cli", &["cli", "kubernetes", "resources", "aws", "model", "sandbox", "metrics", "serve"]),
];

/// Crates that the pure core must not know.
const IMPURE: [&str; 4] = ["tokio", "kube", "aws_sdk_", "aws_smithy_"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let single = folder.with_extension("rs");
    if !folder.exists() && single.exists() {
        return vec![single];
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// The top-level modules that a source file names as `crate::…`, comments aside.
fn named(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut names = BTreeSet::new();
    for part in code.split("crate::").skip(1) {
        // `crate::{aws::…, model::…}`: the names at the first level of the braces.
        let group = part.strip_prefix('{');
        let mut depth = 0;
        let mut name = String::new();
        for letter in group.unwrap_or(part).chars() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 && group.is_some() => name.clear(),
                _ if (letter.is_alphanumeric() || letter == '_') && depth == 0 => {
                    name.push(letter);
                }
                ':' if depth == 0 && !name.is_empty() => {
                    names.insert(std::mem::take(&mut name));
                    if group.is_none() {
                        break;
                    }
                    // The rest of this path belongs to the module just named.
                    name.push('*');
                }
                _ if group.is_none() => break,
                _ => {}
            }
        }
    }
    names.retain(|name| RULE.iter().any(|(module, _)| module == name));
    names
}

#[test]
fn the_names_of_an_import_are_found() {
    let found = named(
        "use crate::{\n    aws::error::{AwsError, from_sdk},\n    model::diff::TAGS,\n};\nlet x = crate::sandbox::thing();",
    );
    assert_eq!(found, BTreeSet::from(["aws".to_owned(), "model".to_owned(), "sandbox".to_owned()]));
    assert!(named("//! see [`crate::cli`]").is_empty());
}

#[test]
fn every_module_knows_only_what_it_may() {
    for (module, allowed) in RULE {
        for file in sources(&checkout().join("src").join(module)) {
            let text = fs::read_to_string(&file).expect("a source file");
            for name in named(&text) {
                assert!(allowed.contains(&name.as_str()), "{} names crate::{name}", file.display());
            }
            if module == "model" {
                for line in text.lines().filter(|line| line.trim_start().starts_with("use ")) {
                    assert!(!IMPURE.iter().any(|name| line.contains(name)), "{}: {line}", file.display());
                }
            }
        }
    }
}
