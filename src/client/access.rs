//! What may be called. A call that no line here allows is refused before anything is sent.

/// One allowed kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowed {
    /// Which service: `arm`, `graph`, `issuer`, `imds`, `primary`, `kubernetes`, `registry`, `docker`, `sql`, …
    pub api: &'static str,
    /// HTTP method, or `SELECT`, `LOOKUP` and `HANDSHAKE` where it is no HTTP.
    pub method: &'static str,
    /// Path; `*` stands for one segment, a final `**` for any rest.
    pub path: &'static str,
    /// The right that it needs: an Azure action, a Graph permission, a right at the Primary; empty where none, or
    /// where the path says it all (Kubernetes).
    pub right: &'static str,
}

/// A GET that needs no right of its own.
pub(super) const fn get(api: &'static str, path: &'static str) -> Allowed {
    Allowed { api, method: "GET", path, right: "" }
}

/// A GET that needs a right.
pub(super) const fn read(api: &'static str, path: &'static str, right: &'static str) -> Allowed {
    Allowed { api, method: "GET", path, right }
}

/// What a Kubernetes call needs in the terms of its RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubernetesRight {
    /// API group; empty is the core group.
    pub group: &'static str,
    /// Resource, with its subresource: `pods/log`.
    pub resource: &'static str,
    /// `get`, `list` or `create`.
    pub verb: &'static str,
    /// Whether it is asked for in a namespace only.
    pub namespaced: bool,
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

impl Allowed {
    /// The path with what settings say in the place of its stars, as far as they say it.
    pub fn filled(&self, subscription: &str, group: &str, namespace: &str) -> String {
        let mut before = "";
        let filled = self.path.split('/').map(|part| {
            let known = match (part, before) {
                ("*", "subscriptions") if !subscription.is_empty() => subscription,
                ("*", "resourceGroups") if !group.is_empty() => group,
                ("*", "namespaces") if !namespace.is_empty() => namespace,
                _ => part,
            };
            before = part;
            known
        });
        filled.collect::<Vec<_>>().join("/")
    }

    /// What a Kubernetes call needs; none where it is no call on a resource.
    pub fn kubernetes_right(&self) -> Option<KubernetesRight> {
        if self.api != "kubernetes" {
            return None;
        }
        let parts: Vec<&'static str> = self.path.trim_start_matches('/').split('/').collect();
        let (group, rest) = match parts.as_slice() {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => return None,
        };
        let (namespaced, rest) = match rest {
            ["namespaces", "*", rest @ ..] if !rest.is_empty() => (true, rest),
            other => (false, other),
        };
        let (resource, verb) = match rest {
            [resource] => (*resource, "list"),
            [resource, "*"] => (*resource, "get"),
            ["pods", "*", "log"] => ("pods/log", "get"),
            ["serviceaccounts", "*", "token"] => ("serviceaccounts/token", "create"),
            _ => return None,
        };
        Some(KubernetesRight { group, resource, verb, namespaced })
    }
}

#[cfg(test)]
mod tests {
    use super::{get, read};
    use crate::client::calls;

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
    fn nothing_that_changes_or_reveals_is_allowed_without_being_asked_for() {
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
            ("primary", "GET", "/api/v1/auth/login"),
            ("primary", "POST", "/api/v1/gateways/bootstrap"),
            ("primary", "GET", "/api/v1/gateway/tasks"),
            ("vault", "GET", "/secrets/database-url"),
            ("registry", "PUT", "/v2/mazevault-backend/manifests/latest"),
            ("entra", "POST", "/t/oauth2/v2.0/token"),
            ("kubernetes", "GET", "/api/v1/namespaces/mazevault/secrets"),
            ("kubernetes", "GET", "/api/v1/namespaces/mazevault/secrets/x"),
            ("kubernetes", "POST", "/api/v1/namespaces/mazevault/serviceaccounts/x/token"),
            ("kubernetes", "GET", "/api/v1/namespaces/mazevault/pods/x/exec"),
            ("kubernetes", "POST", "/api/v1/namespaces/mazevault/pods"),
        ] {
            assert!(
                !calls::WITHOUT_ASKING.iter().any(|one| one.covers(api, method, path)),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn a_kubernetes_path_says_which_right_it_needs() {
        let right = |path: &'static str| {
            read("kubernetes", path, "")
                .kubernetes_right()
                .map(|it| (it.group, it.resource, it.verb, it.namespaced))
        };
        for (path, needs) in [
            ("/api/v1/namespaces/*/pods", Some(("", "pods", "list", true))),
            ("/api/v1/namespaces/*/pods/*/log", Some(("", "pods/log", "get", true))),
            ("/api/v1/namespaces/*", Some(("", "namespaces", "get", false))),
            ("/apis/apps/v1/deployments", Some(("apps", "deployments", "list", false))),
            ("/apis/storage.k8s.io/v1/csidrivers/*", Some(("storage.k8s.io", "csidrivers", "get", false))),
            ("/.well-known/openid-configuration", None),
        ] {
            assert_eq!(right(path), needs, "{path}");
        }
    }
}
