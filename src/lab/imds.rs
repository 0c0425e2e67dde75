//! The instance metadata service, where the world has one.

use std::sync::Arc;

use serde_json::json;

use super::World;
use super::serve::{Asked, Said, Service};

pub(super) struct Imds(pub(super) Arc<World>);

impl Service for Imds {
    fn name(&self) -> &'static str {
        "imds"
    }

    fn fault(&self) -> Option<&str> {
        match self.0.imds.as_str() {
            "absent" => Some("unreachable"),
            "timeout" => Some("hang"),
            _ => None,
        }
    }

    fn answer(&self, asked: &Asked) -> Said {
        if !asked.metadata {
            return Said::json(
                400,
                &json!({"error": "bad_request_102", "error_description": "Required metadata header not specified"}),
            );
        }
        match asked.path.as_str() {
            "/metadata/instance" => Said::json(
                200,
                &json!({
                    "compute": {"azEnvironment": "AzurePublicCloud", "name": "jump-host", "location": "germanywestcentral", "vmId": "0d2b5f2c-0000-4000-8000-000000000009"},
                    "network": {"interface": []},
                }),
            ),
            "/metadata/identity/oauth2/token" => Said::json(
                400,
                &json!({"error": "invalid_request", "error_description": "Identity not found"}),
            ),
            _ => Said::json(404, &json!({"error": "not_found"})),
        }
    }
}
