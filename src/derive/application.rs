//! Redirect URIs, registered beside the one in use; and how long client secrets still hold.

use url::Url;

use super::{Derived, Lack, need, put};
use crate::fact::{APP_REDIRECTS, APP_REGISTRATION, APP_SECRET_DAYS, APP_SIGN_IN, Redirects, Snapshot};

pub(super) fn derive(snapshot: &mut Snapshot) {
    let redirects = redirects(snapshot);
    put(snapshot, &APP_REDIRECTS, &[APP_REGISTRATION.name(), APP_SIGN_IN.name()], redirects);
    let days = secret_days(snapshot);
    put(snapshot, &APP_SECRET_DAYS, &[APP_REGISTRATION.name()], days);
}

fn path_of(uri: &str) -> String {
    Url::parse(uri).map_or_else(|_| String::new(), |url| url.path().to_owned())
}

/// Scheme and path compare as they are, a host without letter case; the port of localhost does not count (Entra,
/// "Redirect URI restrictions and limitations").
fn same(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (Url::parse(one), Url::parse(other)) else { return one == other };
    let local = one.host_str() == Some("localhost");
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && (local || one.port_or_known_default() == other.port_or_known_default())
        && one.path() == other.path()
        && one.query() == other.query()
}

fn redirects(snapshot: &Snapshot) -> Derived<Redirects> {
    let registration = need(snapshot, &APP_REGISTRATION)?;
    let callback = snapshot.setting("entra.callback_path");
    let wrong_path = snapshot.setting("entra.wrong_callback_path");
    let wanted = snapshot.setting("entra.redirect_uri");
    let in_use = snapshot.get(&APP_SIGN_IN).value().map(|it| it.redirect_uri.clone()).unwrap_or_default();
    let registered = [registration.web.clone(), registration.other].concat();
    let is_wanted = |uri: &String| {
        if wanted.is_empty() { path_of(uri) == callback } else { same(uri, &wanted) }
    };
    // Where the host is not configured, the Primary's own choice of it is what has to be registered.
    let shown = match (wanted.is_empty(), Url::parse(&in_use)) {
        (false, _) => wanted.clone(),
        (true, Ok(mut url)) => {
            url.set_path(&callback);
            url.set_query(None);
            url.to_string()
        }
        (true, Err(_)) => format!("https://<host>{callback}"),
    };
    Ok(Redirects {
        has_wanted: registration.web.iter().any(is_wanted),
        wanted: shown,
        wrong: registered.iter().filter(|uri| path_of(uri) == wrong_path).cloned().collect(),
        in_use_registered: !in_use.is_empty() && registered.iter().any(|uri| same(uri, &in_use)),
        in_use_wrong: !in_use.is_empty() && path_of(&in_use) == wrong_path,
        in_use,
        registered,
    })
}

/// Several secrets overlap while one is replaced: the one that lasts longest counts.
fn secret_days(snapshot: &Snapshot) -> Derived<i64> {
    let registration = need(snapshot, &APP_REGISTRATION)?;
    let last = registration.secrets.iter().map(|secret| secret.ends_at).max();
    let last = last.ok_or(Lack::Absent(APP_REGISTRATION.name()))?;
    Ok((last.as_second() - snapshot.observed_at.as_second()).div_euclid(86_400))
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn redirect_uris_compare_as_entra_compares_them() {
        for (one, other, equal) in [
            ("https://H.example/api/cb", "https://h.example/api/cb", true),
            ("https://h.example/api/cb", "https://h.example/api/cb/", false),
            ("https://h.example/api/cb", "https://h.example/API/cb", false),
            ("https://h.example/cb", "http://h.example/cb", false),
            ("https://h.example:8443/cb", "https://h.example/cb", false),
            ("http://localhost:3000/cb", "http://localhost/cb", true),
        ] {
            assert_eq!(same(one, other), equal, "{one} {other}");
        }
    }
}
