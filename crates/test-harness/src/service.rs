//! What a test does before it starts a service.

use std::sync::Once;

/// Installs the process-wide provider of TLS and signatures, as the services' own `main` does, and has its random numbers ready.
pub fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only where one is installed already, which is the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        // The first random bytes of a process take their time, and whoever wants some meanwhile waits: no handler should be the first.
        let filled = aws_lc_rs::rand::fill(&mut [0; 32]);
        filled.unwrap_or_else(|_| panic!("there is no source of random bytes"));
    });
}

/// Adds settings to others: sections that are there already are added to, and what is said again is replaced.
pub fn merge_settings(table: &mut toml::Table, more: toml::Table) {
    for (key, value) in more {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(known)), toml::Value::Table(more)) => merge_settings(known, more),
            (_, value) => drop(table.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_again_is_replaced_and_the_rest_of_its_section_stays() {
        let parse = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
        let mut table = parse("[http]\nworkers = 1\nbind = 'x'\n");
        merge_settings(&mut table, parse("[http]\nworkers = 2\n[jobs]\nenabled = false\n"));
        assert_eq!(table, parse("[http]\nworkers = 2\nbind = 'x'\n[jobs]\nenabled = false\n"));
    }
}
