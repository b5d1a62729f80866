//! The API's document, as a snapshot: a change of it is seen in review.

use crate::support::test_host::TestHost;

#[tokio::test]
async fn the_document_lists_every_path_and_method() {
    let host = TestHost::start().await;
    let document = host.client(None).get("/openapi.json").await;
    let mut table = Vec::new();
    for (path, methods) in document.json["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            table.push(format!("{:<6} {path}", method.to_uppercase()));
        }
    }
    table.sort();
    insta::assert_snapshot!(table.join("\n"));
}

#[tokio::test]
async fn the_document_as_a_whole() {
    let host = TestHost::start().await;
    let document = host.client(None).get("/openapi.json").await;
    insta::assert_json_snapshot!(document.json);
}
