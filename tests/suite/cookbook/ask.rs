use diesel::prelude::*;
use rocket_dance::{Login, Result, SignUpForm, Standing, Verdict};

diesel::table! {
    users (id) { id -> Integer, name -> Text, email -> Text }
}

fn asks(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    let Standing::Stranger = login.standing else { return Ok(login.default_verdict()) };
    let (Some(name), Some(email)) = (login.answer("name"), login.answer("email")) else {
        let form = SignUpForm::new().name().email().consent("terms", "I accept the terms of use");
        return Ok(Verdict::Ask(form));
    };
    let id = diesel::insert_into(users::table)
        .values((users::name.eq(name), users::email.eq(email)))
        .returning(users::id)
        .get_result(conn)?;
    Ok(Verdict::SignUp(id))
}
