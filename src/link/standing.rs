//! `Standing`: to whom an account belongs, compared with the user who began the flow.

/// To whom an account belongs, compared with the user who began the flow.
///
/// The library computes it from the stored account and the session; a policy reads it in
/// [`Login::standing`](crate::Login::standing). [`LinkPolicy`](crate::LinkPolicy) has the table of verdicts that each standing
/// allows.
///
/// ```
/// use rocket_dance::{Login, Profile, Standing, Verdict};
///
/// let returning = Login::new("github", Standing::Returning(7), Profile::default());
/// assert_eq!(returning.default_verdict(), Verdict::SignIn(7));
///
/// let stranger = Login::new("github", Standing::<i32>::Stranger, Profile::default());
/// assert!(matches!(stranger.default_verdict(), Verdict::Refuse(_)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing<U> {
    /// No user owns the account, and no user was signed in.
    Stranger,
    /// No user owns the account, and this user, who was signed in, asked to connect it.
    Adding(U),
    /// This user owns the account, and no user was signed in.
    Returning(U),
    /// This user owns the account and began the flow: the account gets a new token.
    Renewing(U),
    /// The account belongs to a user other than the one who began the flow.
    Taken {
        /// The user who owns the account.
        owner: U,
        /// The user who began the flow.
        visitor: U,
    },
}

impl<U> Standing<U> {
    /// Name of the variant, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Standing::Stranger => "Stranger",
            Standing::Adding(_) => "Adding",
            Standing::Returning(_) => "Returning",
            Standing::Renewing(_) => "Renewing",
            Standing::Taken { .. } => "Taken",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_variants() {
        let taken = Standing::Taken { owner: 1, visitor: 2 };
        for standing in
            [Standing::Stranger, Standing::Adding(1), Standing::Returning(1), Standing::Renewing(1), taken]
        {
            let debug = format!("{standing:?}");
            assert_eq!(debug.split(['(', ' ']).next(), Some(standing.name()), "{debug}");
        }
    }
}
