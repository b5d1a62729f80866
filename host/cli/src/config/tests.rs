//! Tests of the configuration as a whole.

use std::time::Duration;

use super::*;

/// Of a key that was thrown away.
const PUBLIC_KEY: &str = "RWQw18Drr++bjbd6LgygaMErlp2VNIpiHdvepLHahy8aIMqzTcLJmuy0";

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, &Environment::default())
}

fn problems(result: Result<Config, ConfigError>) -> Vec<String> {
    match result.err() {
        Some(ConfigError::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
        Some(other) => panic!("{other}"),
        None => Vec::new(),
    }
}

#[test]
fn every_problem_is_reported_at_once_with_its_key() {
    let text = r#"
        [server]
        listen = "everywhere"
        [egress]
        connect_timeout_seconds = 0
        allow_unverified_tls = "yes"
        response_byte_max = 5
        [limits]
        connector_instances = -1
        [log]
        level = "loud"
        [operator]
        key_hash = "abc"
        [nonsense]
    "#;
    let expected = [
        "server.listen: expected an address and a port, like \"127.0.0.1:7070\"",
        "egress.allow_unverified_tls: expected true or false",
        "egress.connect_timeout_seconds: expected a number of 1 to 300",
        "limits.connector_instances: expected a whole number",
        "operator.key_hash: expected the SHA-256 of the key, as 64 hexadecimal digits",
        "log.level: expected \"error\", \"warn\", \"info\", \"debug\" or \"trace\"",
        "egress.response_byte_max: unknown key; did you mean egress.response_bytes_max?",
        "nonsense: unknown key",
    ];
    assert_eq!(problems(parse(text)), expected);
}

#[test]
fn a_proxy_is_a_url_whose_credentials_lie_in_a_file() {
    assert_eq!(parse("").unwrap().egress.proxy, None);
    let proxy = |text: &str| parse(text).unwrap().egress.proxy.unwrap();
    let known: cordon_egress::Proxy = "http://proxy.corp:3128".parse().unwrap();
    let named = "[egress]\nproxy = \"http://proxy.corp:3128\"\n";
    assert_eq!(proxy(named), known);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authorization");
    let with_file = format!("{named}proxy_authorization_file = {file:?}\n");
    std::fs::write(&file, "Basic aHVudGVyMg==\n").unwrap();
    let authorized = proxy(&with_file);
    assert_eq!(authorized, known.with_authorization("Basic aHVudGVyMg==").unwrap());
    assert!(!format!("{authorized:?}").contains("aHVudGVyMg"));
    std::fs::write(&file, "Basic\naHVudGVyMg==\n").unwrap();
    let alone = format!("[egress]\nproxy_authorization_file = {file:?}\n");
    for (text, begins) in [
        (with_file.as_str(), "egress.proxy_authorization_file: must be one line"),
        (alone.as_str(), "egress.proxy_authorization_file: needs egress.proxy"),
        ("[egress]\nproxy = \"socks5://aHVudGVyMg\"", "egress.proxy: expected \"http://"),
        ("[egress]\nproxy = \"http://u:aHVudGVyMg@p:1\"", "egress.proxy: expected \"http://"),
    ] {
        let found = problems(parse(text));
        assert!(found[0].starts_with(begins) && found.len() == 1, "{found:?}");
        assert!(!found[0].contains("aHVudGVyMg"), "{found:?}");
    }
}

#[test]
fn the_environment_of_others_names_no_proxy() {
    let environment =
        Environment::from([("HTTP_PROXY", "http://x:1"), ("ALL_PROXY", "http://x:1")]);
    assert_eq!(Config::parse("", &environment).unwrap().egress.proxy, None);
    let own = Environment::from([("CORDON_EGRESS_PROXY", "http://x:1")]);
    assert!(Config::parse("", &own).unwrap().egress.proxy.is_some());
}

#[test]
fn a_value_is_never_repeated_in_a_problem() {
    let text = "[operator]\nkey_hash = \"hunter2\"\nkey_file = \"/nowhere/hunter2\"\nhunter2 = \n";
    for text in [text, "[operator]\nkey_hash = \"hunter2\"", "listen = hunter2"] {
        let error = parse(text).err().unwrap().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn what_is_no_toml_is_told_by_its_line() {
    let error = parse("[log]\nlevel = \"info\"\nformat = \n").err().unwrap();
    assert!(matches!(error, ConfigError::Syntax { line: 3, .. }), "{error}");
}

#[test]
fn a_variable_goes_before_the_file() {
    let text = "[egress]\nconnect_timeout_seconds = 5\nallow_unverified_tls = true";
    let environment = Environment::from([
        ("CORDON_EGRESS_CONNECT_TIMEOUT_SECONDS", "7"),
        ("CORDON_EGRESS_ALLOW_UNVERIFIED_TLS", "false"),
        ("CORDON_EGRESS_DEVELOPMENT_NETWORKS", "127.0.0.0/8, ::1/128"),
        ("CORDON_SERVER_LISTEN", "127.0.0.1:0"),
        ("CORDON_DATA_DIRECTORY", ""),
    ]);
    let config = Config::parse(text, &environment).unwrap();
    assert_eq!(config.egress.connect_timeout, Duration::from_secs(7));
    assert!(!config.egress.allow_unverified_tls);
    assert_eq!(config.egress.development_networks.len(), 2);
    assert_eq!(config.listen.port(), 0);
    assert_eq!(config.data_directory, Path::new(DEFAULT_DATA_DIRECTORY), "empty is as if absent");
}

#[test]
fn a_problem_of_a_variable_names_the_variable() {
    let environment = Environment::from([
        ("CORDON_LIMITS_INPUT_BYTES", "1"),
        ("CORDON_LOG_FORMAT", "xml"),
        ("CORDON_LOG_LEVL", "info"),
    ]);
    let expected = [
        "limits.input_bytes (from CORDON_LIMITS_INPUT_BYTES): expected a number of 1024 to 67108864",
        "log.format (from CORDON_LOG_FORMAT): expected \"text\" or \"json\"",
        "CORDON_LOG_LEVL: unknown variable; did you mean CORDON_LOG_LEVEL?",
    ];
    assert_eq!(problems(Config::parse("", &environment)), expected);
}

#[test]
fn variables_of_somebody_else_are_left_alone() {
    let environment = Environment::from([
        ("CORDON_PORT", "tcp://10.0.0.1:7070"),
        ("CORDON_SERVICE_HOST", "10.0.0.1"),
        ("CORDON_KEY", "x"),
        ("LOGLEVEL", "VERBOSE"),
    ]);
    assert_eq!(problems(Config::parse("", &environment)), [""; 0]);
}

#[test]
fn the_level_of_the_whole_system_counts_when_cordons_own_is_not_set() {
    let environment = Environment::from([("LOGLEVEL", "DEBUG")]);
    assert_eq!(Config::parse("", &environment).unwrap().log.level, tracing::Level::DEBUG);
    let config = Config::parse("[log]\nlevel = \"warn\"", &environment).unwrap();
    assert_eq!(config.log.level, tracing::Level::WARN);
}

#[test]
fn destinations_have_names_of_the_operators_choice() {
    let config = parse("[destinations.archive]\ndirectory = \"/srv/packages\"").unwrap();
    assert_eq!(config.destinations["archive"], Path::new("/srv/packages"));
    let wrong = "[destinations.\"Not This\"]\ndirectory = \"x\"\n[destinations.a]\nbucket = \"x\"";
    assert_eq!(problems(parse(wrong)).len(), 2);
}

#[test]
fn an_entry_of_secrets_names_a_file_or_a_variable_and_whom_it_is_opened_to() {
    let text = r#"
        [secrets.crm]
        file = "/run/secrets/crm.json"
        locations = ["arn:aws:secretsmanager:x"]
        [secrets.erp]
        env = "ERP_CREDENTIALS"
        tenants = ["acme", "globex"]
    "#;
    let environment =
        Environment::from([("ERP_CREDENTIALS", r#"{"token":"hunter2","pin":12.50}"#)]);
    let config = Config::parse(text, &environment).unwrap();
    let (crm, erp) = (&config.secrets["crm"], &config.secrets["erp"]);
    let names = |entry: &SecretsEntry| {
        entry.opened.tenants.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names(crm), ["default"], "a single company never names a tenant");
    assert_eq!(names(erp), ["acme", "globex"]);
    assert!(crm.opened.locations.contains("arn:aws:secretsmanager:x"));
    assert!(matches!(&crm.kept, Kept::File(path) if path == Path::new("/run/secrets/crm.json")));
    let Kept::Environment(credentials) = &erp.kept else { panic!("not from a variable") };
    assert_eq!(credentials["pin"].expose(), "12.50");
    assert!(!format!("{erp:?}").contains("hunter2"));
}

#[test]
fn every_problem_of_the_secrets_is_reported_with_its_key() {
    let text = r#"
        [secrets.both]
        file = "a"
        env = "A"
        [secrets.neither]
        [secrets.unset]
        env = "UNSET"
        [secrets.malformed]
        env = "MALFORMED"
        [secrets.odd]
        env = "A=B"
        tenants = []
        locations = ["file:crm"]
        [secrets.unknown]
        file = "a"
        path = "b"
        [secrets."Not This"]
        file = "a"
        [secrets.one]
        file = "a"
        locations = ["arn:x"]
        [secrets.two]
        file = "b"
        locations = ["arn:x"]
    "#;
    let environment = Environment::from([("MALFORMED", "hunter2"), ("A", "{}")]);
    let told = problems(Config::parse(text, &environment));
    let expected = [
        "secrets.Not This: cannot be the name of an entry: ",
        "secrets.both.env: set either this or file",
        "secrets.malformed.env: the variable must hold a flat JSON object of strings and numbers",
        "secrets.neither: needs file or env",
        "secrets.odd.env: expected the name of a variable",
        "secrets.odd.tenants: expected a list of one or more names of tenants",
        "secrets.odd.locations: expected a list of texts",
        "secrets.two.locations: secrets.one holds one of these already",
        "secrets.unset.env: the variable is not set",
        "secrets.unknown.path: unknown key",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn publishers_of_plugins_are_named_with_their_keys() {
    let section = |other: &str| {
        format!(
            "[plugins]\ndirectory = \"plugins\"\nrequire_signatures = true\n\
             [[plugins.publishers]]\nname = \"acme\"\npublic_key = \"{PUBLIC_KEY}\"\n\
             [[plugins.publishers]]\nname = \"gone\"\npublic_key = \"{other}\"\nrevoked = true\n"
        )
    };
    let refused = problems(parse(&section(PUBLIC_KEY)));
    assert_eq!(refused, ["plugins.publishers[1].public_key: another publisher has this key"]);
    let config = parse(&section(&PUBLIC_KEY.replace("RWQw18", "RWQw28"))).unwrap();
    assert_eq!(config.plugin_folder.as_deref(), Some(Path::new("plugins")));
    assert!(config.engine.plugin_signatures_required);
    let publishers: Vec<_> =
        config.engine.plugin_publishers.iter().map(|p| (p.name.as_str(), p.revoked)).collect();
    assert_eq!(publishers, [("acme", false), ("gone", true)]);
    assert_eq!(parse("").unwrap().plugin_folder, None);
}

#[test]
fn every_problem_of_the_publishers_is_reported_with_its_key() {
    let text = r#"
        [plugins]
        require_signatures = "yes"
        [[plugins.publishers]]
        name = "Acme Inc"
        public_key = "hunter2"
        [[plugins.publishers]]
        revoked = 1
        until = "2027"
    "#;
    let told = problems(parse(text));
    let expected = [
        "plugins.publishers[0].name: expected a name",
        "plugins.publishers[0].public_key: expected a public key of minisign",
        "plugins.publishers[1].name: expected a name",
        "plugins.publishers[1].public_key: expected a public key of minisign",
        "plugins.publishers[1].revoked: expected true or false",
        "plugins.publishers[1].until: unknown key",
        "plugins.require_signatures: expected true or false",
    ];
    let mut sorted = told.clone();
    sorted.sort();
    assert_eq!(sorted.len(), expected.len(), "{told:#?}");
    for (told, expected) in sorted.iter().zip(expected) {
        assert!(told.starts_with(expected) && !told.contains("hunter2"), "{told}");
    }
    let scalar = problems(parse("[plugins]\npublishers = \"acme\""));
    assert_eq!(
        scalar,
        ["plugins.publishers: expected entries that begin with [[plugins.publishers]]"]
    );
}

#[test]
fn the_operators_key_is_kept_as_its_hash() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    std::fs::write(&file, "cordon_0123456789012345678901234567890123456789\n").unwrap();
    let config = parse(&format!("[operator]\nkey_file = {file:?}")).unwrap();
    assert!(config.operator_key_hash.is_some());
    std::fs::write(&file, "short").unwrap();
    assert_eq!(problems(parse(&format!("[operator]\nkey_file = {file:?}"))).len(), 1);
}

/// The example in the documentation, with what is commented out put in or left out.
fn documented(with_alternatives: bool) -> String {
    let page = include_str!("../../../../docs/configuration.md");
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let alternative = |line: &str| line.starts_with("# [") || line.contains(" = ");
    let lines = example.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if with_alternatives && alternative(line) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_documented_file_parses_to_the_defaults() {
    let (config, default) = (parse(&documented(false)).unwrap(), Config::default());
    assert_eq!(config.listen, default.listen);
    assert_eq!(config.data_directory, default.data_directory);
    assert_eq!(format!("{:?}", config.api), format!("{:?}", default.api));
    assert_eq!(config.egress, default.egress);
    assert_eq!(format!("{:?}", config.engine), format!("{:?}", default.engine));
    assert_eq!(config.package, default.package);
    assert_eq!(config.log, default.log);
    assert_eq!(config.runtime.instances_max, default.runtime.instances_max);
    assert_eq!(config.runtime.memory_bytes_max, default.runtime.memory_bytes_max);
    assert_eq!(config.runtime.held_bytes_max, default.runtime.held_bytes_max);
    assert_eq!(config.runtime.attempt_timeout, default.runtime.attempt_timeout);
}

#[test]
fn every_key_is_documented_and_every_documented_key_is_known() {
    let text = documented(true);
    // The files of the example are not there, and two keys exclude each other; nothing is unknown.
    let environment = Environment::from([("ERP_CREDENTIALS", r#"{"token":"x"}"#)]);
    let unexpected: Vec<_> = problems(Config::parse(&text, &environment))
        .into_iter()
        .filter(|problem| !problem.starts_with("operator.key_file: set either"))
        .filter(|problem| !problem.starts_with("egress.proxy_authorization_file: cannot be read"))
        .collect();
    assert_eq!(unexpected, [""; 0]);
    for key in Config::keys() {
        let name = key.rsplit('.').next().unwrap();
        let documented = text.lines().any(|line| line.starts_with(&format!("{name} = ")));
        assert!(documented, "{key} is missing in docs/configuration.md");
    }
}
