//! Builds wheels: the files that pip installs (PEP 427). Only what a small pure Python package needs.

use std::io::{Cursor, Write};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// What a wheel is made from.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    /// The name of the distribution; with `_` for `-` also that of the module.
    pub name: &'a str,
    /// The version.
    pub version: &'a str,
    /// One line about it.
    pub summary: &'a str,
    /// Requirements in the notation of PEP 508.
    pub requires: &'a [&'a str],
    /// The interpreters it runs on.
    pub requires_python: &'a str,
}

impl Recipe<'_> {
    fn stem(&self) -> String {
        format!("{}-{}", self.module(), self.version)
    }

    fn module(&self) -> String {
        self.name.replace('-', "_")
    }

    /// The name of the file.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-py3-none-any.whl", self.stem())
    }

    fn metadata(&self) -> String {
        let mut lines = vec![
            "Metadata-Version: 2.1".to_owned(),
            format!("Name: {}", self.name),
            format!("Version: {}", self.version),
            format!("Summary: {}", self.summary),
            format!("Requires-Python: {}", self.requires_python),
        ];
        lines.extend(self.requires.iter().map(|one| format!("Requires-Dist: {one}")));
        lines.join("\n") + "\n"
    }

    /// The file. The same recipe always gives the same bytes.
    ///
    /// # Errors
    /// Never for content as small as this; the archive's writer is fallible.
    pub fn build(&self) -> zip::result::ZipResult<Bytes> {
        let info = format!("{}.dist-info", self.stem());
        let tag = "Wheel-Version: 1.0\nGenerator: cloister-sandbox\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
        let files = [
            (format!("{}/__init__.py", self.module()), format!("__version__ = \"{}\"\n", self.version)),
            (format!("{info}/METADATA"), self.metadata()),
            (format!("{info}/WHEEL"), tag.to_owned()),
        ];
        let mut record: Vec<String> = files
            .iter()
            .map(|(path, text)| {
                let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(text));
                format!("{path},sha256={digest},{}", text.len())
            })
            .collect();
        record.push(format!("{info}/RECORD,,\n"));
        let record = (format!("{info}/RECORD"), record.join("\n"));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default());
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, text) in files.into_iter().chain([record]) {
            archive.start_file(path, options)?;
            archive.write_all(text.as_bytes())?;
        }
        Ok(Bytes::from(archive.finish()?.into_inner()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_has_a_record_of_every_file_and_is_the_same_every_time() {
        let recipe = Recipe {
            name: "charset-normalizer",
            version: "3.4.0",
            summary: "Guesses encodings",
            requires: &["tinydep>=1"],
            requires_python: ">=3.8",
        };
        let wheel = recipe.build().unwrap();
        assert_eq!(recipe.file_name(), "charset_normalizer-3.4.0-py3-none-any.whl");
        assert_eq!(wheel, recipe.build().unwrap());
        let mut archive = zip::ZipArchive::new(Cursor::new(wheel)).unwrap();
        let mut record = String::new();
        let mut file = archive.by_name("charset_normalizer-3.4.0.dist-info/RECORD").unwrap();
        std::io::Read::read_to_string(&mut file, &mut record).unwrap();
        drop(file);
        for name in archive.file_names().map(Result::unwrap) {
            assert!(record.lines().any(|line| line.starts_with(&format!("{name},"))), "{name}");
        }
    }
}
