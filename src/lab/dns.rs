//! A name server that knows the lab's names and no others.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::A;
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use super::serve::failed;
use super::{LabError, World};

/// Starts the server on a loopback port.
pub(super) async fn serve(tasks: &mut JoinSet<()>, world: Arc<World>) -> Result<SocketAddr, LabError> {
    let socket = Arc::new(UdpSocket::bind(("127.0.0.1", 0)).await.map_err(failed)?);
    let address = socket.local_addr().map_err(failed)?;
    tasks.spawn(async move {
        let mut buffer = vec![0; 4096];
        let mut late = JoinSet::new();
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            if let Some(reply) = answer(&buffer[..length], &world.dns) {
                let socket = Arc::clone(&socket);
                let delay = Duration::from_millis(world.latency_ms);
                late.spawn(async move {
                    tokio::time::sleep(delay).await;
                    // The client asks again where a datagram is lost.
                    let _sent = socket.send_to(&reply, from).await;
                });
            }
            while late.try_join_next().is_some() {}
        }
    });
    Ok(address)
}

fn answer(question: &[u8], names: &BTreeMap<String, String>) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).ok()?;
    let query = asked.queries.first()?.clone();
    let mut reply = Message::response(asked.metadata.id, OpCode::Query);
    reply.metadata.recursion_desired = asked.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    let name = query.name().to_ascii().trim_end_matches('.').to_lowercase();
    match names.get(&name).and_then(|address| address.parse::<Ipv4Addr>().ok()) {
        Some(address) if query.query_type() == RecordType::A => {
            reply.add_answer(Record::from_rdata(query.name().clone(), 30, RData::A(A(address))));
        }
        Some(_) => {}
        None => reply.metadata.response_code = ResponseCode::NXDomain,
    }
    reply.add_query(query);
    reply.to_vec().ok()
}
