//! How many connections there are: in all, on each worker and from each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::handler::EdgeObserver;

/// Counts connections and bounds them.
pub(crate) struct Census {
    most: usize,
    most_of_address: usize,
    total: AtomicUsize,
    workers: Vec<Seat>,
    /// Kept only where there is a bound.
    addresses: Mutex<HashMap<IpAddr, usize>>,
    observer: Arc<dyn EdgeObserver>,
}

/// One worker's part.
#[derive(Default)]
struct Seat {
    open: AtomicUsize,
    left: Notify,
}

/// One connection, counted until this is dropped.
pub(crate) struct Permit {
    census: Arc<Census>,
    worker: usize,
    address: Option<IpAddr>,
}

impl Census {
    pub(crate) fn new(
        workers: usize,
        most: usize,
        most_of_address: usize,
        observer: Arc<dyn EdgeObserver>,
    ) -> Self {
        Self {
            most,
            most_of_address,
            total: AtomicUsize::new(0),
            workers: (0..workers).map(|_| Seat::default()).collect(),
            addresses: Mutex::new(HashMap::new()),
            observer,
        }
    }

    /// Counts a connection in, on the worker that has the fewest.
    ///
    /// # Errors
    /// The bound that it would exceed, as the observer names it.
    pub(crate) fn admit(self: &Arc<Self>, peer: SocketAddr, tls: bool) -> Result<Permit, &'static str> {
        // Only the acceptor counts up, so nothing can come between the look and the addition.
        if self.total.load(Ordering::Relaxed) >= self.most {
            return Err("connections");
        }
        let address = (self.most_of_address > 0).then(|| client_of(peer.ip()));
        if let Some(address) = address {
            let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            let open = addresses.entry(address).or_default();
            if *open >= self.most_of_address {
                return Err("address");
            }
            *open += 1;
        }
        let fewest =
            self.workers.iter().enumerate().min_by_key(|(_, seat)| seat.open.load(Ordering::Relaxed));
        let worker = fewest.map_or(0, |(index, _)| index);
        self.total.fetch_add(1, Ordering::Relaxed);
        if let Some(seat) = self.workers.get(worker) {
            seat.open.fetch_add(1, Ordering::Relaxed);
        }
        self.observer.connection_opened(tls);
        Ok(Permit { census: Arc::clone(self), worker, address })
    }

    pub(crate) fn rejected(&self, reason: &'static str) {
        self.observer.connection_rejected(reason);
    }

    /// Whether so many connections are open that idle ones should go soon: from nine tenths up, until it was below eight.
    pub(crate) fn is_crowded(&self, was: bool) -> bool {
        self.total.load(Ordering::Relaxed) > self.most - self.most / if was { 5 } else { 10 }
    }

    /// Completes when no connection of this worker is left.
    pub(crate) async fn emptied(&self, worker: usize) {
        let Some(seat) = self.workers.get(worker) else { return };
        while seat.open.load(Ordering::Acquire) > 0 {
            seat.left.notified().await;
        }
    }
}

impl Permit {
    pub(crate) fn worker(&self) -> usize {
        self.worker
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let census = &self.census;
        if let Some(address) = self.address {
            let mut addresses = census.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(open) = addresses.get_mut(&address) {
                *open -= 1;
                if *open == 0 {
                    addresses.remove(&address);
                }
            }
        }
        census.total.fetch_sub(1, Ordering::Relaxed);
        if let Some(seat) = census.workers.get(self.worker)
            && seat.open.fetch_sub(1, Ordering::Release) == 1
        {
            // Keeps a permit for a worker that is about to wait, so that the last departure is never missed.
            seat.left.notify_one();
        }
        census.observer.connection_closed();
    }
}

/// Who stands behind an address: an IPv6 client owns its whole /64.
fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::client_of;

    #[test]
    fn an_ipv6_network_is_one_client_and_a_mapped_address_is_ipv4() {
        let of = |text: &str| client_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:2:ffff::4"));
        assert_ne!(of("2001:db8:1:2::3"), of("2001:db8:1:3::3"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
