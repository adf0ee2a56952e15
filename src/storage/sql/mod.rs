//! Accounts in a database, through Diesel.
