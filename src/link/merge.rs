//! `Login::merge`: whether a verified address makes two users one.

use super::{Login, MergeProof, Standing, Verdict};
use crate::profile::Mailbox;
use crate::user::UserId;

impl<U: UserId> Login<U> {
    /// Returns the verdict for a login whose verified address is also that of the local `user`: [`Verdict::Merge`] if that is
    /// safe, [`Verdict::SignInFirst`] if not. If the standing is not [`Standing::Stranger`], it returns the
    /// [default verdict](Login::default_verdict).
    ///
    /// A merge is safe if all of this is true:
    ///
    /// - **The entry trusts the provider** for this address (`trust_email`). By default, presets trust only the provider of the
    ///   mailbox, for example Google for gmail.com. Other providers let their users claim any address (nOAuth), or have verified
    ///   an address long ago that belongs to another person now.
    /// - **The provider has verified the address**: `email_verified` is exactly `true`, not a text or a number.
    /// - **Both addresses are equal**: plain ASCII addresses, byte for byte, except for the case of the domain.
    /// - **`locally_verified` is `true`**: the local user has proved to *your app* that the mailbox is theirs, by a link that the
    ///   app sent to it. Another person may have created a user with an address that is not verified, waiting for its owner to
    ///   sign in (pre-hijacking).
    ///
    /// A merge is as powerful as a forgotten-password link. [`Verdict::Merge`] lists what the policy must do before it returns
    /// the verdict.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # mod app {
    /// use diesel::prelude::*;
    /// use rocket_dance::{Login, Result, Standing, Verdict};
    /// # diesel::table! { users (id) { id -> Integer, name -> Text, email -> Nullable<Text>, email_verified -> Bool } }
    ///
    /// fn merge_or_sign_up(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    ///     let Standing::Stranger = login.standing else { return Ok(login.default_verdict()) };
    ///     if let Some(address) = login.profile.email() {
    ///         let known: Option<(i32, String, bool)> = users::table
    ///             .filter(users::email.eq(address))
    ///             .select((users::id, users::email.assume_not_null(), users::email_verified))
    ///             .first(conn)
    ///             .optional()?;
    ///         if let Some((id, local_address, locally_verified)) = known {
    ///             return Ok(login.merge(id, &local_address, locally_verified));
    ///         }
    ///     }
    ///     let id = diesel::insert_into(users::table)
    ///         .values((users::name.eq(login.profile.display_name()), users::email_verified.eq(false)))
    ///         .returning(users::id)
    ///         .get_result(conn)?;
    ///     Ok(Verdict::SignUp(id))
    /// }
    /// # }
    /// ```
    pub fn merge(&self, user: U, local_address: &str, locally_verified: bool) -> Verdict<U> {
        if !matches!(self.standing, Standing::Stranger) {
            return self.default_verdict();
        }
        let trusted = self.trusted_email.as_ref();
        match (&self.profile.id, trusted) {
            (Some(id), Some(address)) if locally_verified && is_same_mailbox(address, local_address) => {
                let proof = MergeProof {
                    entry: self.entry.clone(),
                    provider_user_id: id.clone(),
                    user: user.to_string(),
                    address: address.clone(),
                };
                Verdict::Merge(user, proof)
            }
            _ => Verdict::SignInFirst(user),
        }
    }

    /// Returns the same login as if its entry trusted the provider for the verified address (`trust_email = true`), for tests
    /// of an app's own policy.
    ///
    /// ```
    /// use rocket_dance::{Login, Profile, Standing, Verdict};
    ///
    /// let mut ada = Profile::default().with_email(Some("ada@example.com".into()), true);
    /// ada.id = Some("583231".into());
    /// let login = Login::new("github", Standing::Stranger, ada).with_trusted_email();
    /// assert!(matches!(login.merge(7, "ada@example.com", true), Verdict::Merge(7, _)));
    /// assert_eq!(login.merge(7, "ada@example.com", false), Verdict::SignInFirst(7));
    /// ```
    #[must_use]
    pub fn with_trusted_email(mut self) -> Self {
        self.trusted_email = self.profile.email().map(str::to_owned);
        self
    }
}

/// Returns whether two plain addresses have the same mailbox.
fn is_same_mailbox(one: &str, other: &str) -> bool {
    let mailboxes = Mailbox::parse(one).zip(Mailbox::parse(other));
    mailboxes.is_some_and(|(one, other)| one.is_same_as(other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::profile::Profile;

    fn login(address: &str) -> Login<i32> {
        let mut profile = Profile::default().with_email(Some(address.into()), true);
        profile.id = Some("1".into());
        Login::new("github", Standing::Stranger, profile).with_trusted_email()
    }

    /// AL-05: eight values of `email_verified`, trusted or not.
    #[test]
    fn al_05_only_a_trusted_true_merges() {
        for verified in [
            json!(true),
            json!(false),
            json!("true"),
            json!(1),
            json!(null),
            json!("yes"),
            json!([true]),
            json!({}),
        ] {
            let claims = json!({ "sub": "1", "email": "ada@x.example", "email_verified": verified });
            let login = Login::new("op", Standing::Stranger, Profile::from_claims(&claims).unwrap());
            assert_eq!(
                login.merge(7, "ada@x.example", true),
                Verdict::SignInFirst(7),
                "untrusted {verified}"
            );
            let merged =
                matches!(login.with_trusted_email().merge(7, "ada@x.example", true), Verdict::Merge(7, _));
            assert_eq!(merged, verified == true, "{verified}");
        }
        let absent = Profile::from_claims(&json!({ "sub": "1", "email": "ada@x.example" })).unwrap();
        let login = Login::new("op", Standing::Stranger, absent).with_trusted_email();
        assert_eq!(login.merge(7, "ada@x.example", true), Verdict::SignInFirst(7));
    }

    #[test]
    fn al_01_an_address_that_is_not_verified_locally_merges_nothing() {
        let login = login("ada@x.example");
        assert!(matches!(login.merge(7, "ada@x.example", true), Verdict::Merge(7, _)));
        assert_eq!(login.merge(7, "ada@x.example", false), Verdict::SignInFirst(7));
        let mut anonymous = login.clone();
        anonymous.profile.id = None;
        assert_eq!(anonymous.merge(7, "ada@x.example", true), Verdict::SignInFirst(7));
        for standing in [Standing::Adding(8), Standing::Returning(8), Standing::Renewing(8)] {
            let login = Login { standing, ..login.clone() };
            assert_eq!(login.merge(7, "ada@x.example", true), Verdict::SignIn(8), "the usual");
        }
        let taken = Login { standing: Standing::Taken { owner: 8, visitor: 9 }, ..login };
        assert!(matches!(taken.merge(7, "ada@x.example", true), Verdict::Refuse(_)));
    }

    const VICTIM: &str = "victim@x.example";

    #[test]
    fn al_14_no_other_spelling_is_the_victims() {
        let long = format!("{}@x.example", "v".repeat(65));
        for address in [
            "VICTIM@x.example",
            "Victim@x.example",
            "v\u{131}ctim@x.example",
            "vict\u{130}m@x.example",
            "victim\u{ff20}x.example",
            "victim@x.example\u{ff20}evil.example",
            "\u{ff56}ictim@x.example",
            "victim@x.example,eve@evil.example",
            "eve@evil.example,victim@x.example",
            "victim@x.example;eve@evil.example",
            "victim@x.example eve@evil.example",
            "victim@x.example@evil.example",
            "eve@evil.example@x.example",
            "victim@@x.example",
            "\"victim\"@x.example",
            "\"victim@x.example\"@evil.example",
            "<victim@x.example>",
            "Victim <victim@x.example>",
            "victim@x.example ",
            " victim@x.example",
            "victim@x.example\n",
            "victim@x.example\0",
            "victim@x.example\r\nbcc: eve@evil.example",
            "victim\t@x.example",
            "victim@x.example.",
            "victim@.x.example",
            "victim@x..example",
            ".victim@x.example",
            "victim.@x.example",
            "vic..tim@x.example",
            "victim+tag@x.example",
            "vic.tim@x.example",
            "victim@sub.x.example",
            "victim@x.example.evil.example",
            "victim@[127.0.0.1]",
            "victim@x\u{2024}example",
            "victim@\u{445}.example",
            "victim(comment)@x.example",
            "victim%x.example@evil.example",
            "victim@",
            "@x.example",
            "victim",
            "",
            "vict\u{200b}im@x.example",
            "vi\u{301}ctim@x.example",
            long.as_str(),
        ] {
            assert_eq!(login(address).merge(7, VICTIM, true), Verdict::SignInFirst(7), "{address:?}");
            // What isn't plain merges with nothing, not even with itself.
            let itself = matches!(login(address).merge(7, address, true), Verdict::Merge(..));
            assert_eq!(itself, Mailbox::parse(address).is_some(), "{address:?}");
        }
        for same in [VICTIM, "victim@X.EXAMPLE"] {
            assert!(matches!(login(same).merge(7, VICTIM, true), Verdict::Merge(7, _)), "{same}");
        }
        for odd in ["o'brien+x@x.example", "a_b=c@xn--fsq.example"] {
            assert!(matches!(login(odd).merge(7, odd, true), Verdict::Merge(7, _)), "{odd}");
        }
    }
}
