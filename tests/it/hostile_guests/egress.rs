//! Guests that want out by another way than the one they were granted: nothing leaves, and the
//! run ends before the guest could try the next way.

use serde_json::{Value, json};

use super::harness::{Attack, Contained, attack};
use super::mallory::Ended;
use super::world::World;
use crate::support::hostile;
use crate::support::raw_upstream::RawUpstream;
use crate::support::upstream::{Reply, Upstream};

/// What a request is refused with before anybody looks where it goes.
const AS_WRITTEN: &str = "the request is refused as it is written: ";

pub(crate) const ATTACKS: [Attack; 10] = [
    attack!("egress/ungranted-host", |world| {
        let elsewhere = elsewhere().await;
        let request = json!({ "url": elsewhere.url("/people") });
        let contained = denied(&world, [(request, not_granted(&elsewhere.url("")))]).await;
        assert_eq!(elsewhere.calls().len(), 0);
        contained
    }),
    attack!("egress/ip-literal", |world| {
        let elsewhere = elsewhere().await;
        let plain = elsewhere.url("");
        let to = |host: &str| json!({ "url": plain.replace("127.0.0.1", host) + "/people" });
        let metadata = "http://169.254.169.254";
        let contained = denied(
            &world,
            [
                (to("127.0.0.1"), not_granted(&plain)),
                (to("2130706433"), as_written("url_host_form at /url")),
                (to("0x7f.1"), as_written("url_host_form at /url")),
                (to("[::ffff:127.0.0.1]"), as_written("url_host_form at /url")),
                (json!({ "url": format!("{metadata}/latest") }), not_granted(metadata)),
            ],
        )
        .await;
        assert_eq!(elsewhere.calls().len(), 0);
        contained
    }),
    attack!("egress/redirect", |world| {
        let (upstream, elsewhere) = (Upstream::start().await, elsewhere().await);
        let target = elsewhere.url("/people");
        upstream.on("GET", "/people", move |_| Reply::status(302).header("location", &target));
        let ended = planned(&world, &upstream.url("")).await;
        assert_eq!((upstream.calls().len(), elsewhere.calls().len()), (1, 0));
        ended.fails("query_failed", "unexpected status 302")
    }),
    attack!("egress/userinfo", |world| {
        let elsewhere = elsewhere().await;
        let granted = world.upstream().url("");
        let (authority, own) =
            (elsewhere.url("/people").replace("http://", ""), granted.replace("http://", ""));
        let to = |url: String| json!({ "url": url });
        let contained = denied(
            &world,
            [
                (to(format!("{granted}@{authority}")), as_written("url_userinfo at /url")),
                (to(format!("http://user:word@{own}/")), as_written("url_userinfo at /url")),
                (to(format!("{granted}%40{authority}")), as_written("url_port at /url")),
            ],
        )
        .await;
        assert_eq!(elsewhere.calls().len(), 0);
        contained
    }),
    attack!("egress/crlf-header", |world| {
        let url = world.upstream().url("/people");
        let header = |name: &str, value: &str| json!({ "url": url, "headers": [[name, value]] });
        let method = "GET / HTTP/1.1\r\nx-injected: 1\r\n\r\nGET";
        let contained = denied(
            &world,
            [
                (header("x-a", "a\r\nx-injected: 1"), as_written("header_value at /headers/x-a")),
                (header("x-a", "a\nx-injected: 1"), as_written("header_value at /headers/x-a")),
                (header("x-a\r\nx-b", "1"), as_written("header_name at /headers/x-ax-b")),
                (json!({ "url": url, "method": method }), as_written("verb_invalid at /verb")),
                (
                    json!({ "url": format!("{url}\r\nx-injected: 1") }),
                    as_written("url_character at /url"),
                ),
            ],
        )
        .await;
        assert!(world.upstream().calls().iter().all(|call| call.header("x-injected").is_none()));
        contained
    }),
    attack!("egress/host-override", |world| {
        let url = world.upstream().url("/people");
        let names = ["Host", "hOST", "X-Forwarded-Host", "Forwarded", "Connection"];
        let overriding = names.map(|name| {
            let request = json!({ "url": url, "headers": [[name, "inner.example"]] });
            (request, as_written(&format!("header_reserved at /headers/{name}")))
        });
        denied(&world, overriding).await
    }),
    attack!("egress/method-above-grant", |world| {
        let origin = world.upstream().url("");
        let url = format!("{origin}/people");
        let by = |method: &str| json!({ "url": url, "method": method });
        let above = |method: &str| {
            format!("policy: method_not_granted: {method} is not granted for {origin}")
        };
        denied(
            &world,
            [
                (by("POST"), above("POST")),
                (by("PATCH"), above("PATCH")),
                (by("get"), above("get")),
                (by("DELETE"), "access and identifiers send no DELETE".to_owned()),
                (by("CONNECT"), as_written("verb_refused at /verb")),
            ],
        )
        .await
    }),
    attack!("egress/request-flood", |world| {
        let upstream = Upstream::start().await;
        upstream.on("GET", "/people", |_| Reply::json("[]"));
        let mallory = world.mallory().await;
        let mut connection = mallory.connection("egress/flood");
        connection["config"]["origin"] = json!(upstream.url(""));
        connection["job_timeout_seconds"] = json!(60);
        mallory.connect(&connection).await;
        let ended = mallory.request("access").await;
        assert!(upstream.calls().len() <= 10_000, "{}", upstream.calls().len());
        let failure = ended.request["tasks"][0]["failure"]["detail"].as_str().unwrap().to_owned();
        // Whichever limit a machine reaches first.
        let limits =
            ["the run makes too many calls", "the connector used up its processor time of 1s"];
        let limit = limits.into_iter().find(|limit| *limit == failure).unwrap_or(limits[0]);
        ended.fails("limit_reached", limit)
    }),
    attack!("egress/endless-bodies", |world| {
        let mut contained = Vec::new();
        for (bytes, code, detail) in [
            (
                (1 << 20) + 1,
                "egress_denied",
                "render: request_too_large: the body, filled in, is larger than 1048576 bytes",
            ),
            (
                16 << 20,
                "plugin_trapped",
                "the plugin broke a rule of the component model, or handed over too much at once",
            ),
        ] {
            let mallory = world.mallory().await;
            let mut connection = mallory.connection("egress/upload");
            let url = world.upstream().url("/people");
            let headers = [["content-type", "text/plain"]];
            let request = json!({ "url": url, "method": "POST", "headers": headers });
            connection["config"]["request"] = request;
            connection["config"]["bytes"] = json!(bytes);
            connection["config"]["egress"] = json!([need(&world.upstream().url(""), "POST")]);
            mallory.connect(&connection).await;
            contained.push(mallory.request("access").await.fails(code, detail));
        }
        let upstream = RawUpstream::start(hostile::endless_body).await;
        let ended = planned(&world, &upstream.url("")).await;
        contained.push(ended.fails("query_failed", "the response is larger than the host reads"));
        Contained::all(contained)
    }),
    attack!("egress/admin-port", |world| {
        let own = format!("http://{}", world.process().address());
        let url = format!("{own}/v1/tenants");
        let ungranted = denied(&world, [(json!({ "url": url }), not_granted(&own))]).await;
        // This host lets connectors reach the machine it runs on, and this tenant grants itself
        // the way: the host is not dialed for all that.
        let mallory = world.mallory().await;
        let mut connection = mallory.connection("egress/send");
        connection["config"]["request"] = json!({ "url": url });
        connection["config"]["egress"] = json!([need(&own, "GET")]);
        mallory.connect(&connection).await;
        let granted = mallory.request("access").await;
        let own = "address: own_address: the address is not dialed: the host itself listens there";
        Contained::all([ungranted, granted.fails("egress_denied", own)])
    }),
];

fn not_granted(origin: &str) -> String {
    format!("policy: origin_not_granted: requests to {origin} are not granted")
}

fn as_written(why: &str) -> String {
    format!("{AS_WRITTEN}{why}")
}

/// Runs that may GET anything of the upstream beside their plan, and send these instead: each is
/// denied with its detail.
async fn denied<const N: usize>(world: &World, tried: [(Value, String); N]) -> Contained {
    let (mut got, mut expected, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    for (request, detail) in tried {
        let mallory = world.mallory().await;
        let mut connection = mallory.connection("egress/send");
        connection["config"]["request"] = request;
        connection["config"]["egress"] = json!([need(&world.upstream().url(""), "GET")]);
        mallory.connect(&connection).await;
        let run = mallory.request("access").await;
        got.push(run.request["tasks"][0]["failure"]["detail"].as_str().unwrap().to_owned());
        expected.push(detail);
        ended.push(run);
    }
    assert_eq!(got, expected);
    let contained = ended.into_iter().zip(&expected);
    Contained::all(contained.map(|(run, detail)| run.fails("egress_denied", detail)))
}

/// A run that asks this upstream what it planned to ask.
async fn planned(world: &World, origin: &str) -> Ended {
    let mallory = world.mallory().await;
    let mut connection = mallory.connection("egress/planned");
    connection["config"]["origin"] = json!(origin);
    mallory.connect(&connection).await;
    mallory.request("access").await
}

/// An upstream that nobody was granted, and that would answer.
async fn elsewhere() -> Upstream {
    let elsewhere = Upstream::start().await;
    elsewhere.on("GET", "/people", |_| Reply::json(r#"[{"stolen": 1}]"#));
    elsewhere
}

/// A need as the guest says it: one verb anywhere at an origin.
fn need(origin: &str, method: &str) -> Value {
    json!({ "origin": origin, "path_prefix": "/", "methods": [method], "secrets": [] })
}
