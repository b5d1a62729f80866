//! A host that opened loopback for its connectors did not open its own API to them: where it listens
//! is dialed for nobody.

use cordon_cli::config::Config;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::seed;
use crate::support::test_host::TestHost;
use crate::support::test_process::TestProcess;

const KEY: &str = "user-service";

/// The connection of the example, pointed at the API of its own host.
fn asking(server: &str) -> Value {
    let here = seed::CONNECTION.replace("https://api.acme.com", &format!("http://{server}"));
    serde_json::from_str(&here).unwrap()
}

async fn explained(operator: &Client, url: &str) -> Value {
    let question = json!({ "connection": KEY, "method": "GET", "url": url });
    let told = operator.post("/v1/egress/explain", &question).await;
    assert_eq!(told.status, 200, "{}", told.json);
    told.json
}

#[tokio::test]
async fn the_program_dials_its_own_api_for_no_connector_whatever_it_was_granted() {
    let process = TestProcess::start().await;
    let operator = process.operator();
    let port = process.address().rsplit_once(':').unwrap().1.to_owned();
    let by_address = operator.post("/v1/connections", &asking(process.address())).await;
    assert_eq!(by_address.status, 422, "{}", by_address.json);
    assert_eq!(by_address.json["errors"][0]["code"], "own_address", "{}", by_address.json);
    // What a name leads to is found out when it is dialed.
    let by_name = format!("localhost:{port}");
    let created = operator.post("/v1/connections", &asking(&by_name)).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let secrets = json!({ "credentials": seed::CREDENTIALS });
    let stored = operator.put(&format!("/v1/connections/{KEY}/secrets"), &secrets).await;
    assert_eq!(stored.status, 200, "{}", stored.json);
    let body = json!({ "policy": "access", "identities": { "email": seed::EMAIL } });
    let accepted = operator.post("/v1/privacy-requests", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    let ended = operator.wait_until_it_rests(accepted.json["id"].as_str().unwrap()).await;
    let failure = &ended["tasks"][0]["failure"];
    assert_eq!(failure["code"], "egress_denied", "{ended:#}");
    assert!(failure["detail"].as_str().unwrap().contains("own_address"), "{failure}");
    let url = format!("http://{by_name}/v0/users");
    let told = explained(&operator, &url).await;
    assert_eq!(told["code"], "own_address", "{told:#}");
    assert!(told.to_string().contains("the host itself listens there"), "{told:#}");
    let mut command = process.cordon(&["egress", "explain", "--connection", KEY, &url]).await;
    let said = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("own_address"), "{said}");
}

#[tokio::test]
async fn a_host_that_listens_everywhere_dials_itself_at_no_address_of_its_machine() {
    let everywhere = |config: &mut Config| {
        config.listen = "0.0.0.0:0".parse().unwrap();
        config.egress.development_networks = vec!["127.0.0.0/8".parse().unwrap()];
    };
    let host = TestHost::start_configured(everywhere).await;
    for address in ["127.0.0.1", "127.1.2.3"] {
        let server = format!("{address}:{}", host.address().port());
        let refused = host.operator().post("/v1/connections", &asking(&server)).await;
        assert_eq!(refused.status, 422, "{}", refused.json);
        assert_eq!(refused.json["errors"][0]["code"], "own_address", "{}", refused.json);
    }
}
