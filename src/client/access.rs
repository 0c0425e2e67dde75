//! What may be called. A call that no line here allows is refused before anything is sent.

/// One allowed kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Which service: `arm`, `graph`, `entra`, `issuer`, `imds`, `primary` or `kubernetes`.
    pub api: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Path; `*` stands for one segment, a final `**` for any rest.
    pub path: &'static str,
}

/// A GET.
pub(super) const fn get(api: &'static str, path: &'static str) -> Allowed {
    Allowed { api, method: "GET", path }
}

impl Allowed {
    /// Whether a call is of this kind. Segment names compare without letter case, as Azure's do.
    pub fn covers(&self, api: &str, method: &str, path: &str) -> bool {
        if self.api != api || self.method != method {
            return false;
        }
        let mut wanted = self.path.split('/');
        let mut given = path.split('/');
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some("**"), Some(_)) => return !path.contains("/../") && !path.ends_with("/.."),
                (Some(pattern), Some(segment)) => {
                    let same = pattern.eq_ignore_ascii_case(segment);
                    let any = pattern == "*" && !segment.is_empty() && segment != "..";
                    if !same && !any {
                        return false;
                    }
                }
                (None, Some(_)) | (Some(_), None) => return false,
            }
        }
    }
}

/// Everything that the clients may call over HTTP.
pub fn touches() -> Vec<Allowed> {
    [
        super::arm::TOUCHES,
        super::graph::TOUCHES,
        super::entra::TOUCHES,
        super::imds::TOUCHES,
        super::login::TOUCHES,
        super::primary::TOUCHES,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::{get, touches};

    #[test]
    fn only_what_is_written_down_is_covered() {
        let one = get("arm", "/subscriptions/*/providers/Microsoft.Authorization/**");
        assert!(one.covers(
            "arm",
            "GET",
            "/subscriptions/s/providers/microsoft.authorization/roleAssignments"
        ));
        assert!(!one.covers(
            "arm",
            "POST",
            "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments"
        ));
        assert!(!one.covers("graph", "GET", "/subscriptions/s/providers/Microsoft.Authorization/x"));
        assert!(!one.covers("arm", "GET", "/subscriptions/s"));
        assert!(!one.covers("arm", "GET", "/subscriptions//providers/Microsoft.Authorization/x"));
        assert!(!one.covers("arm", "GET", "/subscriptions/s/providers/Microsoft.Authorization/../x/secrets"));
    }

    #[test]
    fn nothing_that_changes_or_reveals_is_allowed() {
        for (api, method, path) in [
            ("arm", "POST", "/subscriptions/s/providers/Microsoft.KeyVault/register"),
            (
                "arm",
                "PUT",
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i",
            ),
            (
                "arm",
                "POST",
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c/listClusterUserCredential",
            ),
            ("primary", "POST", "/api/v1/auth/login"),
            ("primary", "POST", "/api/v1/gateways/bootstrap"),
            ("primary", "GET", "/api/v1/gateway/tasks"),
            ("vault", "GET", "/secrets/database-url"),
            ("entra", "POST", "/t/oauth2/v2.0/token"),
        ] {
            assert!(!touches().iter().any(|one| one.covers(api, method, path)), "{method} {path}");
        }
    }
}
