//! The simulated AWS behind a socket, one for each test.

use std::sync::Arc;

use cloister::sandbox::{Delays, Settings, Simulator, clock::WallClock, server};
use tokio::net::TcpListener;

/// A simulator that serves until it is dropped.
pub struct Served {
    /// Where it can be reached.
    pub url: String,
    server: tokio::task::JoinHandle<()>,
}

impl Served {
    /// A simulator on a free port, in which nothing takes time.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let settings = Settings { public_url: Some(url.clone()), ..Settings::with_delays(Delays::none()) };
        let simulator = Simulator::new(settings, Arc::new(WallClock));
        let server = tokio::spawn(async move {
            server::serve(simulator, listener, std::future::pending()).await.unwrap();
        });
        Self { url, server }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}
