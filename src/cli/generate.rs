//! `cloister generate` and `cloister crd`: the files of the repository that are made from the types.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::kubernetes::api;

/// Arguments of `cloister generate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write nothing; fail and name the files that are not as they would be made.
    #[arg(long)]
    check: bool,
    /// Top of the checkout.
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

/// Every generated file: where it belongs, and its text.
fn files() -> impl Iterator<Item = (PathBuf, String)> {
    api::render().into_iter().map(|(name, text)| (Path::new("crds").join(name), text))
}

/// Prints the custom resource definitions, for `kubectl apply -f -`.
///
/// # Errors
/// None; it has the form of a command.
pub fn print_crds() -> anyhow::Result<ExitCode> {
    for (_, text) in api::render() {
        print!("---\n{text}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the generated files, or with `--check` compares them.
///
/// # Errors
/// A file cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let stale: Vec<_> = files()
        .map(|(path, text)| (args.root.join(path), text))
        .filter(|(path, text)| fs::read_to_string(path).ok().as_ref() != Some(text))
        .collect();
    for (path, text) in &stale {
        let path_name = path.display();
        if args.check {
            eprintln!("{path_name} is stale: run `make generate`");
        } else {
            fs::create_dir_all(path.parent().unwrap_or(&args.root))?;
            fs::write(path, text).with_context(|| format!("{path_name} not written"))?;
            println!("{path_name} written");
        }
    }
    Ok(if args.check && !stale.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
