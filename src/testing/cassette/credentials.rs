//! The credentials of an entry in the configuration of a tested app.

use rocket::figment::Figment;
use rocket::figment::value::magic::RelativePathBuf;

/// The keys with a secret, or the file of one.
const SECRET_KEYS: [&str; 6] =
    ["client_secret", "client_secret_file", "private_key", "private_key_file", "rsa_key", "rsa_key_file"];

/// Returns the client secrets of the entry called `name`: of the configuration, of its file, and of the environment. `env` gets an
/// environment variable.
pub(super) fn client_secrets(
    figment: &Figment,
    name: &str,
    env: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let key = |key: &str| format!("oauth.{name}.{key}");
    let path = figment.extract_inner::<RelativePathBuf>(&key("client_secret_file"));
    let file = path.ok().and_then(|path| std::fs::read_to_string(path.relative()).ok());
    let given = figment.extract_inner(&key("client_secret")).ok();
    let secrets = [given, file, env(&variable(name, "CLIENT_SECRET"))];
    secrets.into_iter().flatten().map(|secret| secret.trim_end_matches(['\r', '\n']).to_owned()).collect()
}

/// Adds what the entry called `name` lacks of a client id and secret, because the launch requires them.
pub(super) fn complete(mut figment: Figment, name: &str, env: impl Fn(&str) -> Option<String>) -> Figment {
    let key = |key: &str| format!("oauth.{name}.{key}");
    let method = figment.extract_inner::<String>(&key("token_endpoint_auth_method")).unwrap_or_default();
    let is_set = |suffix: &str| env(&variable(name, suffix)).is_some_and(|text| !text.is_empty());
    let has_secret = SECRET_KEYS.iter().any(|secret| figment.contains(&key(secret)))
        || ["CLIENT_SECRET", "RSA_KEY"].into_iter().any(is_set)
        || ["none", "private_key_jwt"].contains(&method.as_str());
    if !figment.contains(&key("client_id")) {
        figment = figment.merge((key("client_id"), "of a cassette"));
    }
    match has_secret {
        true => figment,
        false => figment.merge((key("client_secret"), "of a cassette")),
    }
}

/// The environment variable of the entry called `name` that ends with `suffix`.
fn variable(name: &str, suffix: &str) -> String {
    format!("{}_OAUTH_{suffix}", name.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use rocket::figment::providers::{Format as _, Toml};

    use super::*;

    fn keys(toml: &str, variable: &str) -> Vec<String> {
        let env = |name: &str| (name == variable).then(|| "from the environment".to_owned());
        let figment = complete(Figment::from(Toml::string(toml)), "my-corp", env);
        figment.find_value("oauth.my-corp").unwrap().into_dict().unwrap().into_keys().collect()
    }

    #[test]
    fn a11_an_entry_gets_only_the_credentials_that_it_lacks() {
        assert_eq!(keys("", ""), ["client_id", "client_secret"]);
        assert_eq!(keys("", "OTHER_OAUTH_CLIENT_SECRET"), ["client_id", "client_secret"]);
        assert_eq!(keys("", "MY_CORP_OAUTH_CLIENT_SECRET"), ["client_id"]);
        assert_eq!(keys("", "MY_CORP_OAUTH_RSA_KEY"), ["client_id"]);
        for key in SECRET_KEYS {
            let toml = format!("[oauth.my-corp]\n{key} = \"x\"");
            assert_eq!(keys(&toml, ""), ["client_id", key]);
        }
        for method in ["private_key_jwt", "none"] {
            let toml =
                format!("[oauth.my-corp]\ntoken_endpoint_auth_method = \"{method}\"\nclient_id = \"x\"");
            assert_eq!(keys(&toml, ""), ["client_id", "token_endpoint_auth_method"]);
        }
    }

    #[test]
    fn a11_the_client_secret_is_known_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "of a file\r\n").unwrap();
        let toml = folder.path().join("Rocket.toml");
        let env =
            |name: &str| (name == "MY_CORP_OAUTH_CLIENT_SECRET").then(|| "of the environment".to_owned());
        for (key, value, secret) in
            [("client_secret", "given", "given"), ("client_secret_file", "secret", "of a file")]
        {
            std::fs::write(&toml, format!("[oauth.my-corp]\n{key} = \"{value}\"")).unwrap();
            let figment = Figment::from(Toml::file(&toml));
            assert_eq!(client_secrets(&figment, "my-corp", env), [secret, "of the environment"]);
            assert!(client_secrets(&figment, "other", env).is_empty());
        }
    }
}
