//! `TemplateDir`: the folder where an app has its own templates, style and texts of our pages.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rocket::figment::Figment;
use rocket::figment::value::magic::RelativePathBuf;

/// Rocket's default for `template_dir`, relative to the working directory.
const TEMPLATE_DIR: &str = "templates";

/// Rocket's `template_dir`. It need not exist.
pub(super) struct TemplateDir(PathBuf);

impl TemplateDir {
    /// The `template_dir` of `figment`.
    ///
    /// # Errors
    /// If it is no path.
    pub(super) fn of(figment: &Figment) -> Result<Self, String> {
        match figment.extract_inner::<RelativePathBuf>("template_dir") {
            Ok(folder) => Ok(Self(folder.relative())),
            Err(error) if error.missing() => Ok(Self(TEMPLATE_DIR.into())),
            Err(error) => Err(format!("`template_dir`: {error}")),
        }
    }

    /// Returns the text of `file`; `None` if there is no such file.
    ///
    /// # Errors
    /// If it can't be read.
    pub(super) fn read(&self, file: &str) -> Result<Option<String>, String> {
        let path = self.0.join(file);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(format!("`{}` can't be read: {error}", path.display())),
        }
    }

    /// The files of `folder` whose names end with `ending`, with the rest of their names; none if there is no such folder.
    pub(super) fn files(&self, folder: &str, ending: &str) -> Vec<(String, PathBuf)> {
        let files = std::fs::read_dir(self.0.join(Path::new(folder))).into_iter().flatten();
        let paths = files.filter_map(Result::ok).map(|file| file.path());
        let named = paths.filter_map(|path| {
            let name = path.file_name()?.to_string_lossy().strip_suffix(ending)?.to_owned();
            Some((name, path))
        });
        named.collect()
    }
}
