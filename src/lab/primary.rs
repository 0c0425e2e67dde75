//! The Primary's API, as far as a doctor may read it. Anything else is remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::World;
use super::serve::{Asked, Said, Service};

pub(super) struct Primary(pub(super) Arc<World>, pub(super) AtomicU32);

impl Service for Primary {
    fn name(&self) -> &'static str {
        "primary"
    }

    fn fault(&self) -> Option<&str> {
        self.0.fault("primary")
    }

    fn ahead(&self) -> i64 {
        self.0.ahead("primary")
    }

    fn answer(&self, asked: &Asked) -> Said {
        let primary = &self.0.primary;
        match asked.path.as_str() {
            "/api/v1/health"
                if self.fault() == Some("sometimes") && is_bad(self.1.fetch_add(1, Ordering::Relaxed)) =>
            {
                Said::json(503, &json!({"status": "unhealthy", "components": {"database": "unhealthy"}}))
            }
            "/api/v1/health" => Said::json(primary.health_status, &primary.health),
            "/api/v1/health/database" => Said::json(
                200,
                &json!({"status": "healthy", "latency_ms": 2, "connections": {"active": 3, "idle": 2, "max": 100}}),
            ),
            "/api/v1/admin/gateway-health" => match asked.bearer.as_deref() {
                None => Said::json(401, &json!({"error": "AUTH_REQUIRED", "details": "no bearer token"})),
                Some(token) if token != primary.token => Said::json(401, &json!({"error": "AUTH_INVALID"})),
                Some(_) => Said::json(200, &json!({"gateways": self.gateways()})),
            },
            "/api/v1/health/system" => match asked.bearer.as_deref() {
                Some(token) if token == primary.token => Said::json(200, &primary.system),
                _ => Said::json(401, &json!({"error": "AUTH_REQUIRED"})),
            },
            "/api/v1/auth/sso/entra/login" => Said {
                headers: vec![("location", primary.sign_in.clone())],
                ..Said::text(302, String::new())
            },
            _ => Said::json(404, &json!({"error": "RESOURCE_NOT_FOUND"})),
        }
    }
}

impl Primary {
    fn gateways(&self) -> Vec<Value> {
        let gateways = self.0.primary.gateways.iter();
        gateways
            .map(|(id, one)| {
                json!({
                    "id": id,
                    "name": one.name,
                    "environment": one.environment,
                    "role": one.role,
                    "activation_status": one.status,
                    "last_heartbeat": one.last_heartbeat,
                    "consecutive_failures": one.consecutive_failures,
                })
            })
            .collect()
    }
}

/// Of the answers of a service that answers well at times: the first two are bad, whoever asks first, then every other.
fn is_bad(number: u32) -> bool {
    number < 2 || number % 2 == 1
}
