//! The plugins that come with the host, as components. They go through the same admission as a
//! stranger's; this module only holds the bytes, which the build script makes from `plugins/`.

/// A plugin that comes with the host.
#[derive(Clone, Copy)]
pub struct BuiltIn {
    /// Its name, and its connector type.
    pub name: &'static str,
    /// Its version: that of the host.
    pub version: &'static str,
    /// The component.
    pub component: &'static [u8],
    /// Whether what a configuration of it needs is granted when it is written; for any other
    /// plugin it is granted explicitly.
    pub trusted: bool,
}

/// Every plugin that comes with the host.
pub fn plugins() -> [BuiltIn; 2] {
    let version = env!("CARGO_PKG_VERSION");
    [
        BuiltIn {
            name: "api_proxy",
            version,
            component: include_bytes!(concat!(env!("OUT_DIR"), "/api_proxy.wasm")),
            trusted: true,
        },
        BuiltIn {
            name: "manual_webhook",
            version,
            component: include_bytes!(concat!(env!("OUT_DIR"), "/manual_webhook.wasm")),
            trusted: true,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_plugins_are_components() {
        // The magic number, then the version and layer that tell a component from a module.
        const COMPONENT: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
        for plugin in plugins() {
            assert!(plugin.component.starts_with(&COMPONENT), "{}", plugin.name);
        }
    }

    #[test]
    fn no_plugin_tells_where_it_was_built() {
        let home = std::env::home_dir().unwrap().join(".cargo");
        let home = home.to_str().unwrap().as_bytes();
        for plugin in plugins() {
            let found = plugin.component.windows(home.len()).any(|window| window == home);
            assert!(!found, "{}", plugin.name);
        }
    }
}
