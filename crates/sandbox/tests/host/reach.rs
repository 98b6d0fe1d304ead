//! What a program in the sandbox cannot reach.

use std::fs::File;
use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;

use rustix::io::{FdFlags, fcntl_setfd};
use sandbox::Policy;

use crate::support::{policy, printed, run};

pub(crate) async fn other_files_cannot_be_read() {
    let own = std::env::current_exe().unwrap().with_file_name("");
    for path in
        ["/etc/passwd", "/etc/hostname", "/proc/self/environ", "/proc/1/cmdline", own.to_str().unwrap()]
    {
        assert_eq!(printed(&["read", path]).await, "PermissionDenied", "{path}");
    }
}

pub(crate) async fn a_link_leads_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/etc/passwd", directory.path().join("link")).unwrap();
    let policy =
        Policy { write: vec![directory.path().to_owned()], ..policy(directory.path(), &["read", "link"]) };
    assert_eq!(run(&policy).await.unwrap().stdout, "PermissionDenied\n");
}

pub(crate) async fn what_may_be_read_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "as it was").unwrap();
    for arguments in [["overwrite", "file"], ["write", "file"], ["write", "other"]] {
        let policy =
            Policy { read: vec![directory.path().to_owned()], ..policy(directory.path(), &arguments) };
        assert_eq!(run(&policy).await.unwrap().stdout, "PermissionDenied\n", "{arguments:?}");
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "as it was");
}

pub(crate) async fn nothing_is_written_outside() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("target");
    assert_eq!(printed(&["write", target.to_str().unwrap()]).await, "PermissionDenied");
    assert!(!target.exists());
    assert_eq!(printed(&["write", "/dev/shm/sandbox-was-here"]).await, "PermissionDenied");
}

pub(crate) async fn no_listener_sees_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    assert_eq!(printed(&["tcp", &address]).await, "PermissionDenied");
    assert_eq!(printed(&["tcp", "[::1]:9"]).await, "PermissionDenied");
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

pub(crate) async fn no_datagram_leaves() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    assert_eq!(printed(&["udp", &address]).await, "PermissionDenied");
    assert_eq!(socket.recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

pub(crate) async fn sockets_of_the_machine_are_out_of_reach() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let by_path = UnixListener::bind(&path).unwrap();
    by_path.set_nonblocking(true).unwrap();
    let reachable =
        Policy { write: vec![directory.path().to_owned()], ..policy(directory.path(), &["unix", "socket"]) };
    assert_eq!(run(&reachable).await.unwrap().stdout, "PermissionDenied\n");
    assert_eq!(by_path.accept().unwrap_err().kind(), ErrorKind::WouldBlock);

    let name = format!("sandbox-check-{}", std::process::id());
    let by_name = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    by_name.set_nonblocking(true).unwrap();
    assert_eq!(printed(&["abstract", &name]).await, "PermissionDenied");
    assert_eq!(by_name.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

pub(crate) async fn there_are_no_capabilities() {
    let directory = tempfile::tempdir().unwrap();
    let policy = Policy {
        read: vec![PathBuf::from("/proc")],
        ..policy(directory.path(), &["print", "/proc/self/status"])
    };
    let status = run(&policy).await.unwrap().stdout;
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect(name);
        line.trim_start_matches(':').trim().to_owned()
    };
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(value(set), "0000000000000000", "{set}");
    }
    assert_eq!(value("NoNewPrivs"), "1");
    assert_eq!(value("Seccomp"), "2");
}

pub(crate) async fn the_environment_is_empty() {
    assert!(std::env::vars().count() > 1, "there is something that could be inherited");
    assert_eq!(printed(&["environment"]).await, "LANG=C");
}

pub(crate) async fn open_files_are_not_inherited() {
    let left_open = File::open("/etc/passwd").unwrap();
    fcntl_setfd(&left_open, FdFlags::empty()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let policy = Policy { read: vec![PathBuf::from("/proc")], ..policy(directory.path(), &["open-files"]) };
    // The last is the directory that is being listed.
    assert_eq!(run(&policy).await.unwrap().stdout, "0 1 2 3\n");
}

pub(crate) async fn nobody_else_can_be_signalled() {
    assert_eq!(printed(&["signal", &std::process::id().to_string()]).await, "PermissionDenied");
    assert_eq!(printed(&["signal", "0"]).await, "PermissionDenied");
}
