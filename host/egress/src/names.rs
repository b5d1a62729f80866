//! Host names that mean something inside a network, whatever a public name server says.
//!
//! Deliberately no list of grants: a reserved name is refused even when its origin is granted,
//! because a tenant's administrator writes grants and only the operator opens networks.
//! Called by the gate before it asks for an address.

/// What a host name may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A public name.
    Public,
    /// A name of some inner network: leads only to addresses that the operator opened.
    Local,
    /// The platform's own services: leads nowhere.
    Never,
}

/// What a lower-case host name may lead to.
pub(crate) fn reach(name: &str) -> Reach {
    const NEVER: [&str; 3] = ["metadata", "instance-data", "kubernetes"];
    const NEVER_UNDER: [&str; 4] = [
        "metadata.google.internal",
        "metadata.goog",
        "instance-data.ec2.internal",
        "kubernetes.default",
    ];
    const LOCAL_SUFFIX: [&str; 5] = ["localhost", "localdomain", "local", "internal", "svc"];
    let last = name.rsplit('.').next().unwrap_or(name);
    let under = |top: &&str| {
        name.strip_prefix(*top).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if NEVER.contains(&name) || NEVER_UNDER.iter().any(under) {
        Reach::Never
    } else if !name.contains('.') || LOCAL_SUFFIX.contains(&last) {
        Reach::Local
    } else {
        Reach::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platform_names_lead_nowhere() {
        for name in [
            "metadata",
            "metadata.google.internal",
            "instance-data",
            "instance-data.ec2.internal",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ] {
            assert_eq!(reach(name), Reach::Never, "{name}");
        }
    }

    #[test]
    fn single_labels_and_inner_suffixes_lead_to_opened_networks_only() {
        for name in
            ["localhost", "a.localhost", "printer.local", "users.corp.internal", "crm", "a.svc"]
        {
            assert_eq!(reach(name), Reach::Local, "{name}");
        }
    }

    #[test]
    fn other_names_are_public() {
        for name in [
            "api.acme.com",
            "localhost.acme.com",
            "metadata.acme.com",
            "internal.io",
            "kubernetes.defaults.io",
        ] {
            assert_eq!(reach(name), Reach::Public, "{name}");
        }
    }
}
