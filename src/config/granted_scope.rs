//! Compares a granted scope with what is needed.

use super::Entry;

impl Entry {
    /// Returns the scopes in `required` that `granted` does not include.
    pub(crate) fn missing_scopes<'s>(
        &self,
        required: impl IntoIterator<Item = &'s str>,
        granted: &[&str],
    ) -> Vec<String> {
        let implied = self.oauth2().map_or(&[][..], |options| options.implied_scopes);
        let includes = |scope: &str| {
            granted.contains(&scope)
                || implied.iter().any(|(whole, part)| *part == scope && granted.contains(whole))
        };
        required.into_iter().filter(|scope| !includes(scope)).map(str::to_owned).collect()
    }
}
