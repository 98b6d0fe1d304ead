//! System calls that a program which only computes and writes files has no use for.
//!
//! A list of what is refused, not of what is allowed: the rest is needed by some version of some C library, and what it
//! reaches is bounded by the other restrictions. Refused calls fail with EPERM; the program goes on.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Any network and any other process: a path to a socket of the machine's is a file that Landlock does not yet see.
const SOCKETS: [i64; 6] = [
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
];

/// They do what other calls do, past this filter.
const DETOURS: [i64; 3] = [libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// Memory that the limit on the address space does not count, or that outlives the program.
const MEMORY: [i64; 6] = [
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_shmget,
    libc::SYS_semget,
    libc::SYS_msgget,
    libc::SYS_mq_open,
];

/// Looking into other processes of the same user, or meddling with them.
const OTHER_PROCESSES: [i64; 18] = [
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_tkill,
    libc::SYS_kcmp,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setattr,
];

/// The machine itself, and parts of the kernel in which most ways out were found.
const KERNEL: [i64; 44] = [
    libc::SYS_execveat,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_personality,
    libc::SYS_vhangup,
    libc::SYS_nfsservctl,
];

/// Calls that other processors do not have.
#[cfg(target_arch = "x86_64")]
const OF_THIS_PROCESSOR: [i64; 5] =
    [libc::SYS_fork, libc::SYS_vfork, libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt];
#[cfg(not(target_arch = "x86_64"))]
const OF_THIS_PROCESSOR: [i64; 0] = [];

/// On x86-64 each call can also be made with this bit, by the rules of a variant with short pointers.
#[cfg(target_arch = "x86_64")]
const SHORT_POINTERS: i64 = 0x4000_0000;

/// Puts the filter in force for this process and what it becomes. False if the kernel or the processor cannot.
pub(crate) fn filter() -> bool {
    apply().is_some()
}

fn apply() -> Option<()> {
    let refused = program(refused_calls(std::process::id())?, libc::EPERM)?;
    // The C library tries clone3 first, whose flags no filter can see. Told that there is none, it uses clone.
    let absent = program(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?;
    seccompiler::apply_filter(&refused).ok()?;
    seccompiler::apply_filter(&absent).ok()
}

fn refused_calls(own_pid: u32) -> Option<Rules> {
    let mut rules = Rules::new();
    for list in [&SOCKETS[..], &DETOURS, &MEMORY, &OTHER_PROCESSES, &KERNEL, &OF_THIS_PROCESSOR] {
        rules.extend(list.iter().map(|call| (*call, Vec::new())));
    }
    let own = u64::from(own_pid);
    // Threads, but no processes.
    rules.insert(libc::SYS_clone, vec![without_flag(u64::try_from(libc::CLONE_THREAD).ok()?)?]);
    // Signals and limits of its own, but of no other.
    rules.insert(libc::SYS_kill, vec![not_about(&[own])?]);
    rules.insert(libc::SYS_tgkill, vec![not_about(&[own])?]);
    rules.insert(libc::SYS_prlimit64, vec![not_about(&[0, own])?]);
    #[cfg(target_arch = "x86_64")]
    rules.extend(rules.clone().into_iter().map(|(call, rule)| (call | SHORT_POINTERS, rule)));
    Some(rules)
}

/// Applies when the first argument does not have `flag`.
fn without_flag(flag: u64) -> Option<SeccompRule> {
    let absent = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(flag), 0).ok()?;
    SeccompRule::new(vec![absent]).ok()
}

/// Applies when the first argument is none of `processes`.
fn not_about(processes: &[u64]) -> Option<SeccompRule> {
    let others = processes
        .iter()
        .map(|process| SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, *process).ok());
    SeccompRule::new(others.collect::<Option<Vec<_>>>()?).ok()
}

fn program(rules: Rules, errno: i32) -> Option<BpfProgram> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    let refusal = SeccompAction::Errno(u32::try_from(errno).ok()?);
    SeccompFilter::new(rules, SeccompAction::Allow, refusal, architecture).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_fits_what_the_kernel_takes() {
        let refused = program(refused_calls(42).unwrap(), libc::EPERM).unwrap();
        assert!(refused.len() < 4096, "{} instructions", refused.len());
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn a_call_by_the_other_rules_is_refused_too() {
        let rules = refused_calls(42).unwrap();
        assert!(SOCKETS.iter().all(|call| rules.contains_key(&(call | SHORT_POINTERS))));
    }
}
