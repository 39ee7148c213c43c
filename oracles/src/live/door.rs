//! Authorities on real sockets: behind hickory's server where a message can say what they answer, else behind our own loop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_net::runtime::Time;
use hickory_net::xfer::Protocol;
use hickory_proto::op::{Header, HeaderCounts, Message, Metadata};
use hickory_server::Server;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use mxlab_dns::{Authority, Reply, Responder as _, Transport};
use mxlab_env::{Env, Task};
use tokio::net::{TcpListener, UdpSocket};

use crate::internet::Internet;

/// What stands between the sockets and the authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Hickory,
    Own,
}

/// Open doors; they close when this is dropped.
pub struct Doors {
    servers: Vec<Server<Handler>>,
    tasks: Vec<Task>,
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.tasks.iter().for_each(Task::abort);
        self.servers.iter().for_each(|server| server.shutdown_token().cancel());
    }
}

/// Serves all authorities of an internet at their addresses and this port.
///
/// # Errors
/// An address is taken.
pub async fn open(env: &Env, internet: &Internet, port: u16, door: Door) -> io::Result<Doors> {
    let mut doors = Doors { servers: Vec::new(), tasks: Vec::new() };
    for (address, authority) in internet.by_address() {
        let at = SocketAddr::new(address, port);
        match door {
            Door::Hickory => {
                let mut server = Server::new(Handler { env: env.clone(), authority });
                server.register_socket(UdpSocket::bind(at).await?);
                server.register_listener(TcpListener::bind(at).await?, Duration::from_secs(5), 4);
                doors.servers.push(server);
            }
            Door::Own => {
                let own = env.clone();
                let serve = async move {
                    if let Err(error) = mxlab_dns::serve(&own, at, authority).await {
                        eprintln!("{at}: {error}");
                    }
                };
                doors.tasks.push(env.spawn("dns", serve));
            }
        }
    }
    Ok(doors)
}

/// An authority as hickory's server wants it.
struct Handler {
    env: Env,
    authority: Arc<Authority>,
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, response_handle: R) -> ResponseInfo {
        let transport = match request.protocol() {
            Protocol::Udp => Transport::Udp,
            _ => Transport::Tcp,
        };
        let octets = match self.authority.answer(request.as_slice(), transport, self.env.now()) {
            Reply::Nothing | Reply::Close => return nothing(request),
            Reply::Bytes(octets) => octets,
            Reply::Later(delay, octets) => {
                tokio::time::sleep(delay).await;
                octets
            }
        };
        match send(request, &octets, response_handle).await {
            Ok(info) => info,
            Err(error) => {
                eprintln!("hickory cannot say what the authority answers: {error}");
                nothing(request)
            }
        }
    }
}

/// Sends the message again, as hickory reads and writes it.
async fn send<R: ResponseHandler>(
    request: &Request,
    octets: &[u8],
    mut handle: R,
) -> Result<ResponseInfo, Box<dyn std::error::Error + Send + Sync>> {
    let message = Message::from_vec(octets)?;
    let builder = MessageResponseBuilder::new(&request.queries, message.edns.as_ref());
    let response = builder.build(message.metadata, &message.answers, &message.authorities, [], &message.additionals);
    Ok(handle.send_response(response).await?)
}

fn nothing(request: &Request) -> ResponseInfo {
    let metadata = Metadata::response_from_request(&request.metadata);
    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
}
