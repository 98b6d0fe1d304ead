//! The thread from which all programs are started.
//!
//! A program is told to die with its parent, and to the kernel the parent is the *thread* that started it. Threads of a
//! runtime come and go; this one lives as long as the process.

use std::io;
use std::sync::OnceLock;
use std::sync::mpsc;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

struct Order {
    command: Command,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Child>>,
}

/// Starts `command`; whoever drops the future before it is done kills what was started.
pub(crate) async fn spawn(mut command: Command) -> io::Result<Child> {
    command.kill_on_drop(true);
    let (reply, started) = oneshot::channel();
    let order = Order { command, runtime: Handle::current(), reply };
    orders()?.send(order).map_err(|_| gone())?;
    started.await.map_err(|_| gone())?
}

fn orders() -> io::Result<&'static mpsc::Sender<Order>> {
    static ORDERS: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    if let Some(orders) = ORDERS.get() {
        return Ok(orders);
    }
    let (orders, queue) = mpsc::channel();
    std::thread::Builder::new().name("sandbox-spawner".to_owned()).spawn(move || work(&queue))?;
    // Of two that come here at once one loses; its thread ends as its sender is dropped, before it has started anything.
    Ok(ORDERS.get_or_init(|| orders))
}

fn work(queue: &mpsc::Receiver<Order>) {
    for mut order in queue {
        let _inside = order.runtime.enter();
        // Nobody may wait any more; then the child comes back, is dropped, and that kills it.
        drop(order.reply.send(order.command.spawn()));
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts programs has ended")
}
