//! A connector whose language runtime asks for WASI, as those of JavaScript and Python do. It
//! looks at everything that answers something, and calls what has nothing behind it on demand.
//!
//! There is nothing in it to run natively.

#![cfg(target_arch = "wasm32")]

use cordon_connector_sdk::compose::literal;
use cordon_connector_sdk::http::{self, BodyUse, HttpRequest};
use cordon_connector_sdk::types::{
    Action, Descriptor, Draft, EgressNeed, Failure, FailureCode, Finding, Outcome, Report, Task,
    Verdict,
};
use cordon_connector_sdk::{Connector, export, failure};
use serde_json::Value;

use wasi::cli::{environment, stdin, stdout};
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::filesystem::preopens;
use wasi::io::streams::StreamError;
use wasi::random::random;
use wasi::sockets::instance_network;

mod bindings {
    wit_bindgen::generate!({
        inline: r"
            package tests:wasi;

            world asking {
                import wasi:cli/environment@0.2.3;
                import wasi:cli/stdin@0.2.3;
                import wasi:cli/stdout@0.2.3;
                import wasi:clocks/monotonic-clock@0.2.3;
                import wasi:clocks/wall-clock@0.2.3;
                import wasi:filesystem/preopens@0.2.3;
                import wasi:random/random@0.2.3;
                import wasi:sockets/instance-network@0.2.3;
            }

            package wasi:io@0.2.3 {
                interface error {
                    resource error { to-debug-string: func() -> string; }
                }
                interface poll {
                    resource pollable { ready: func() -> bool; block: func(); }
                    poll: func(in: list<borrow<pollable>>) -> list<u32>;
                }
                interface streams {
                    use error.{error};
                    use poll.{pollable};
                    variant stream-error { last-operation-failed(error), closed }
                    resource input-stream {
                        read: func(len: u64) -> result<list<u8>, stream-error>;
                        subscribe: func() -> pollable;
                    }
                    resource output-stream {
                        check-write: func() -> result<u64, stream-error>;
                        blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
                    }
                }
            }
            package wasi:cli@0.2.3 {
                interface environment {
                    get-environment: func() -> list<tuple<string, string>>;
                    get-arguments: func() -> list<string>;
                    initial-cwd: func() -> option<string>;
                }
                interface stdin {
                    use wasi:io/streams@0.2.3.{input-stream};
                    get-stdin: func() -> input-stream;
                }
                interface stdout {
                    use wasi:io/streams@0.2.3.{output-stream};
                    get-stdout: func() -> output-stream;
                }
            }
            package wasi:clocks@0.2.3 {
                interface monotonic-clock {
                    use wasi:io/poll@0.2.3.{pollable};
                    now: func() -> u64;
                    subscribe-duration: func(when: u64) -> pollable;
                }
                interface wall-clock {
                    record datetime { seconds: u64, nanoseconds: u32 }
                    now: func() -> datetime;
                }
            }
            package wasi:random@0.2.3 {
                interface random {
                    get-random-bytes: func(len: u64) -> list<u8>;
                    get-random-u64: func() -> u64;
                }
            }
            package wasi:filesystem@0.2.3 {
                interface types { resource descriptor { sync: func(); } }
                interface preopens {
                    use types.{descriptor};
                    get-directories: func() -> list<tuple<descriptor, string>>;
                }
            }
            package wasi:sockets@0.2.3 {
                interface network { resource network; }
                interface instance-network {
                    use network.{network};
                    instance-network: func() -> network;
                }
            }
        ",
        world: "tests:wasi/asking",
        generate_all,
    });
}
use bindings::wasi;

struct Asking;

impl Connector for Asking {
    fn describe() -> Descriptor {
        look_around();
        Descriptor {
            connector_type: "asking".to_owned(),
            category: "tests".to_owned(),
            display_name: "Asking".to_owned(),
            actions: vec![Action::Access],
            config_schema: "{}".to_owned(),
            policy_schema: None,
            reads: vec![],
        }
    }

    fn validate(draft: Draft) -> Verdict {
        let need = EgressNeed {
            origin: origin(&draft.config),
            path_prefix: "/".to_owned(),
            methods: vec!["GET".to_owned()],
            secrets: vec![],
        };
        Verdict { problems: vec![], plan: vec![], egress: vec![need] }
    }

    fn test(_: String) -> Result<(), Failure> {
        Ok(())
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        look_around();
        if task.config.contains("\"sockets\"") {
            drop(instance_network::instance_network());
        }
        let url = format!(
            "{}/people?chance={}&time={}.{}",
            origin(&task.config),
            random::get_random_u64(),
            wall_clock::now().seconds,
            monotonic_clock::now(),
        );
        let mut request =
            HttpRequest::new("people", "GET", literal(url)).response_body(BodyUse::Records);
        request.retry_statuses = vec![503];
        let response = http::send(&request)
            .map_err(|error| failure(FailureCode::QueryFailed, error.sentence()))?;
        let records = response
            .records("")
            .map_err(|error| failure(FailureCode::MalformedResponse, error.sentence()))?;
        Ok(Outcome::Finished(Report { finding: Finding::Records(vec![records]), skipped: vec![] }))
    }
}

fn origin(config: &str) -> String {
    let config: Value = serde_json::from_str(config).unwrap_or_default();
    let origin = config.pointer("/config/origin").and_then(Value::as_str);
    origin.unwrap_or("https://api.acme.com").to_owned()
}

/// Everything that answers something must answer nothing.
fn look_around() {
    assert!(environment::get_environment().is_empty());
    assert!(environment::get_arguments().is_empty());
    assert!(environment::initial_cwd().is_none());
    assert!(preopens::get_directories().is_empty());
    let input = stdin::get_stdin();
    assert!(matches!(input.read(10), Err(StreamError::Closed)));
    let ready = input.subscribe();
    ready.block();
    assert!(ready.ready());
    let soon = monotonic_clock::subscribe_duration(u64::MAX);
    assert_eq!(wasi::io::poll::poll(&[&ready, &soon]), [0, 1]);
    let output = stdout::get_stdout();
    assert!(output.check_write().is_ok_and(|room| room > 0));
    assert!(output.blocking_write_and_flush(b"a secret of the guest").is_ok());
    assert!(monotonic_clock::now() < monotonic_clock::now());
    let bytes = random::get_random_bytes(100);
    assert!(bytes.len() == 100 && bytes.iter().any(|byte| *byte != 0));
}

export!(Asking);
