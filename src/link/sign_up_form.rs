//! `SignUpForm`: what a visitor is asked before they get a user.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::local_path::LocalPath;
use crate::profile::Profile;
use crate::profile::text::{MAX_EMAIL, exact, visible};

/// Maximum length of an answer, in characters. The rest is cut off.
const MAX_ANSWER: usize = 1000;
/// The answer to a box that is ticked.
const TICKED: &str = "yes";

/// What a visitor is asked before they get a user: the form of [`Verdict::Ask`](crate::Verdict::Ask).
///
/// The library checks the answers: required fields are filled in, an address looks like one, texts are cleaned and have at most
/// 1000 characters. The policy then reads them with [`Login::answer`](crate::Login::answer), and may ask again with a message
/// beside a field:
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # mod app {
/// use diesel::dsl::exists;
/// use diesel::prelude::*;
/// use rocket_dance::{Login, Result, SignUpForm, Standing, Verdict};
/// # diesel::table! { users (id) { id -> Integer, name -> Text, email -> Text } }
///
/// fn sign_up(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
///     let Standing::Stranger = login.standing else { return Ok(login.default_verdict()) };
///     let form = SignUpForm::new().name().email().consent("terms", "I accept the terms of use");
///     let (Some(name), Some(email)) = (login.answer("name"), login.answer("email")) else {
///         return Ok(Verdict::Ask(form));
///     };
///     if diesel::select(exists(users::table.filter(users::name.eq(name)))).get_result(conn)? {
///         return Ok(Verdict::Ask(form.with_error("name", "This name is taken.")));
///     }
///     let id = diesel::insert_into(users::table)
///         .values((users::name.eq(name), users::email.eq(email)))       // not verified: the visitor has typed it
///         .returning(users::id)
///         .get_result(conn)?;
///     Ok(Verdict::SignUp(id))
/// }
/// # }
/// ```
///
/// The library's page at `/login/complete` shows the form. An app's own page does so with [`at`](SignUpForm::at) and the guard
/// [`PendingSignUp`](crate::PendingSignUp).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUpForm {
    page: Option<LocalPath>,
    fields: Vec<SignUpField>,
}

/// A field of a [`SignUpForm`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SignUpField {
    /// Name of the form's field.
    pub name: String,
    /// The text beside it.
    pub label: String,
    /// What it accepts.
    pub kind: SignUpFieldKind,
    /// Whether it must be filled in, or ticked.
    pub required: bool,
    /// What is in it at first: the visitor's last answer, else what the provider says.
    pub value: String,
    /// What is wrong with the last answer.
    pub error: Option<String>,
}

/// What a [`SignUpField`] accepts. It serializes as the `type` of an HTML input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SignUpFieldKind {
    /// A line of text.
    Text,
    /// An e-mail address.
    Email,
    /// A box to tick.
    Checkbox,
}

impl SignUpForm {
    /// Makes a form without fields. It only asks whether to sign up: [`Login::is_answered`](crate::Login::is_answered) says
    /// whether the visitor has agreed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows the form on a page of the app instead of the library's: see [`PendingSignUp`](crate::PendingSignUp).
    ///
    /// ```
    /// use rocket_dance::{LocalPath, Result, SignUpForm};
    ///
    /// fn form() -> Result<SignUpForm> {
    ///     Ok(SignUpForm::new().email().at(LocalPath::try_from("/welcome")?))
    /// }
    /// # assert!(form().is_ok());
    /// ```
    #[must_use]
    pub fn at(self, page: LocalPath) -> Self {
        Self { page: Some(page), ..self }
    }

    /// Asks for an e-mail address, in the field `email`. At first it contains the provider's, verified or not.
    #[must_use]
    pub fn email(self) -> Self {
        self.field("email", "E-mail address", SignUpFieldKind::Email, true)
    }

    /// Asks for a name, in the field `name`. At first it contains the provider's.
    #[must_use]
    pub fn name(self) -> Self {
        self.field("name", "Name", SignUpFieldKind::Text, true)
    }

    /// Asks for a text, in the field `name`. No field may have the name `csrf`, `cancel` or `next`.
    #[must_use]
    pub fn text(self, name: impl Into<String>, label: impl Into<String>) -> Self {
        self.field(name, label, SignUpFieldKind::Text, true)
    }

    /// Asks for a text that the visitor may leave out, in the field `name`.
    #[must_use]
    pub fn optional_text(self, name: impl Into<String>, label: impl Into<String>) -> Self {
        self.field(name, label, SignUpFieldKind::Text, false)
    }

    /// Asks for consent, in the field `name`: a box that the visitor has to tick.
    #[must_use]
    pub fn consent(self, name: impl Into<String>, label: impl Into<String>) -> Self {
        self.field(name, label, SignUpFieldKind::Checkbox, true)
    }

    /// Asks for something that the visitor may agree to, in the field `name`: a box.
    #[must_use]
    pub fn optional_consent(self, name: impl Into<String>, label: impl Into<String>) -> Self {
        self.field(name, label, SignUpFieldKind::Checkbox, false)
    }

    /// Shows a message beside the field `name`, since its last answer can't be accepted.
    #[must_use]
    pub fn with_error(mut self, name: &str, message: impl Into<String>) -> Self {
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
            field.error = Some(message.into());
        }
        self
    }

    fn field(
        mut self,
        name: impl Into<String>,
        label: impl Into<String>,
        kind: SignUpFieldKind,
        required: bool,
    ) -> Self {
        let (name, label) = (name.into(), label.into());
        self.fields.push(SignUpField { name, label, kind, required, value: String::new(), error: None });
        self
    }

    /// Checks the names of the fields.
    ///
    /// # Errors
    /// The app's own fault: two fields have one name, or a field has a name that the form uses itself.
    pub(crate) fn check(&self) -> crate::error::Result<()> {
        for (place, SignUpField { name, .. }) in self.fields.iter().enumerate() {
            let is_ours = ["csrf", "cancel", "next"].contains(&name.as_str());
            if is_ours || self.fields[..place].iter().any(|field| field.name == *name) {
                return Err(Error::app(format!(
                    "the sign-up form can't have this field `{name}`: give it another name"
                )));
            }
        }
        Ok(())
    }

    /// The fields.
    pub fn fields(&self) -> &[SignUpField] {
        &self.fields
    }

    /// The page of the app that shows the form, if it is not the library's.
    pub(crate) fn page(&self) -> Option<&LocalPath> {
        self.page.as_ref()
    }

    /// The same form with the visitor's last `answers` in it, or else with what the provider says.
    pub(crate) fn filled(mut self, profile: &Profile, answers: Option<&BTreeMap<String, String>>) -> Self {
        for field in &mut self.fields {
            let said = match (field.kind, field.name.as_str()) {
                (SignUpFieldKind::Email, _) => profile.claimed_email(),
                (_, "name") => profile.name.as_deref(),
                _ => None,
            };
            let value = match answers {
                Some(answers) => answers.get(&field.name).map(String::as_str),
                None => said,
            };
            field.value = value.unwrap_or_default().to_owned();
        }
        self
    }

    /// The same form with its labels and messages as `translate` returns them.
    pub(crate) fn translated(mut self, translate: impl Fn(&str) -> String) -> Self {
        for field in &mut self.fields {
            field.label = translate(&field.label);
            field.error = field.error.as_deref().map(&translate);
        }
        self
    }

    /// Reads the answers that `posted` returns by the field's name. If one can't be accepted, it returns the same form with the
    /// answers and a message beside each of these.
    pub(crate) fn read(
        mut self,
        posted: impl Fn(&str) -> Option<String>,
    ) -> Result<BTreeMap<String, String>, Self> {
        let mut answers = BTreeMap::new();
        for field in &mut self.fields {
            let text = posted(&field.name).and_then(|text| visible(&text, MAX_ANSWER));
            field.value = text.clone().unwrap_or_default();
            field.error = field.fault(text.as_deref()).map(str::to_owned);
            let answer = match field.kind {
                SignUpFieldKind::Checkbox => text.map(|_| TICKED.to_owned()),
                SignUpFieldKind::Text | SignUpFieldKind::Email => text,
            };
            answers.extend(answer.map(|answer| (field.name.clone(), answer)));
        }
        match self.fields.iter().any(|field| field.error.is_some()) {
            true => Err(self),
            false => Ok(answers),
        }
    }
}

impl SignUpField {
    /// What is wrong with the answer `text`, for the visitor.
    fn fault(&self, text: Option<&str>) -> Option<&'static str> {
        match (self.kind, text) {
            (SignUpFieldKind::Checkbox, None) if self.required => Some("Please tick this box to continue."),
            (_, None) if self.required => Some("Please fill in this field."),
            (SignUpFieldKind::Email, Some(text)) if !is_address(text) => {
                Some("This is not an e-mail address. Please correct it.")
            }
            _ => None,
        }
    }
}

/// Whether `text` looks like an e-mail address. Only a message that is sent there shows whether it is one.
fn is_address(text: &str) -> bool {
    let parts = exact(text, MAX_EMAIL).and_then(|text| text.rsplit_once('@'));
    parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !text.contains(|c: char| c.is_whitespace() || "<>,;".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> SignUpForm {
        SignUpForm::new().name().email().optional_text("city", "City").consent("terms", "I agree")
    }

    fn read(posted: &[(&str, &str)]) -> Result<BTreeMap<String, String>, SignUpForm> {
        form().read(|name| {
            posted.iter().find(|(posted, _)| *posted == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_policy_reads_only_what_was_asked_for_and_is_clean() {
        let posted = [
            ("name", "  Ada\u{202e}\n "),
            ("email", "ada@x.example"),
            ("terms", "on"),
            ("admin", "1"),
            ("city", " "),
        ];
        let answers = read(&posted).unwrap();
        let wanted = [("email", "ada@x.example"), ("name", "Ada"), ("terms", "yes")];
        assert_eq!(answers, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        let long = "x".repeat(100_000);
        let cut = read(&[("name", &long), ("email", "a@b"), ("terms", "1")]).unwrap();
        assert_eq!(cut["name"].len(), MAX_ANSWER);
    }

    #[test]
    fn a_field_has_a_name_of_its_own() {
        assert!(form().check().is_ok());
        for name in ["csrf", "cancel", "next", "city", "email"] {
            let error = form().text(name, "Another").check().unwrap_err();
            assert_eq!(error.kind().code(), "app_error", "{name}");
        }
    }

    #[test]
    fn a_wrong_answer_is_shown_again_with_what_is_wrong() {
        let again = read(&[("name", "Ada"), ("email", "ada")]).unwrap_err();
        let shown = |name: &str| {
            let field = again.fields().iter().find(|field| field.name == name).unwrap();
            (field.value.as_str(), field.error.is_some())
        };
        assert_eq!(
            [shown("name"), shown("email"), shown("city"), shown("terms")],
            [("Ada", false), ("ada", true), ("", false), ("", true)]
        );
        let message = |address| {
            let again = read(&[("name", "Ada"), ("email", address), ("terms", "1")]);
            again.err().and_then(|again| again.fields()[1].error.clone())
        };
        for address in ["ada@x.example", "ädä@x.example", "o'b+c@[10.0.0.1]"] {
            assert_eq!(message(address), None, "{address:?}");
        }
        let long = format!("{}@x.example", "a".repeat(250));
        for address in ["", " ", "ada", "@x", "ada@", "a b@x", "a@x,b@x", "A <a@x>", &long] {
            assert!(message(address).is_some(), "{address:?}");
        }
    }

    #[test]
    fn what_the_provider_says_is_in_the_form_at_first() {
        let mut profile = Profile::default().with_email(Some("ada@x.example".into()), false);
        profile.name = Some("Ada".into());
        let values = |answers: Option<BTreeMap<String, String>>| {
            let filled = form().filled(&profile, answers.as_ref());
            filled.fields().iter().map(|field| field.value.clone()).collect::<Vec<_>>()
        };
        assert_eq!(values(None), ["Ada", "ada@x.example", "", ""]);
        let answers = BTreeMap::from([("name".to_owned(), "Countess".to_owned())]);
        assert_eq!(values(Some(answers)), ["Countess", "", "", ""]);
    }
}
