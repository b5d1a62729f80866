//! Every operation of the API × every sort of key: nobody gets what is not his, and what belongs
//! to another tenant answers byte for byte like what is not there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cordon_model::api_key::Scope;

use super::operations::{Operation, operations};
use super::world::{LONE, OWNER, SUSPENDED, World};
use crate::support::client::Response;

/// What can be had without a key, and nothing else.
const PUBLIC: [&str; 3] = ["GET /healthz", "GET /openapi.json", "GET /readyz"];

/// Pairs of calls whose times are compared.
const TIMED: usize = 300;

/// What a caller can tell answers apart by: everything but the time.
fn seen(response: &Response) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let headers = response.headers.iter().filter(|(name, _)| *name != "date");
    let headers = headers.map(|(name, value)| (name.to_string(), format!("{value:?}")));
    (response.status, headers.collect(), response.body.to_vec())
}

/// What went wrong, all of it, and how much was tried.
#[derive(Default)]
struct Tally {
    tried: usize,
    unexpected: Vec<String>,
}

impl Tally {
    fn expect(&mut self, operation: &Operation, who: &str, response: &Response, fits: bool) {
        self.tried += 1;
        if !fits {
            let line = format!("{} {who}: {} {}", operation.name(), response.status, response.json);
            self.unexpected.push(line);
        }
    }
}

#[tokio::test]
async fn every_operation_answers_those_and_only_those_who_may_use_it() {
    let world = World::new().await;
    let document = world.host.client(None).get("/openapi.json").await.json;
    let (public, protected): (Vec<_>, Vec<_>) =
        operations(&document).into_iter().partition(|operation| operation.public);
    let mut names: Vec<String> = public.iter().map(Operation::name).collect();
    names.sort();
    assert_eq!(names, PUBLIC);

    let mut tally = Tally::default();
    for operation in &public {
        let answer = operation.call(&world.host.client(None), &world.nobodys).await;
        tally.expect(operation, "without a key", &answer, answer.status == 200);
    }
    let before = what_the_owner_has(&world).await;
    let mut scopes = BTreeMap::new();
    for operation in &protected {
        for (who, stranger) in &world.strangers {
            let answer = operation.call(stranger, &world.theirs).await;
            tally.expect(operation, who, &answer, answer.status == 401);
        }
        let admitted = who_is_admitted(&world, operation, &mut tally).await;
        try_without(&world, operation, &admitted, &mut tally).await;
        try_suspended(&world, operation, &mut tally).await;
        try_neighbor(&world, operation, &admitted, &mut tally).await;
        scopes.insert(operation.name(), admitted);
    }
    assert_eq!(what_the_owner_has(&world).await, before, "nobody changed anything");
    for operation in &protected {
        let for_operator = scopes[&operation.name()].is_empty();
        let answer = match for_operator {
            true => {
                let operator = world.host.operator_without_tenant();
                operation.call_for(&operator, &world.theirs, OWNER).await
            }
            false => operation.call(&world.owner, &world.theirs).await,
        };
        let fits = !matches!(answer.status, 401 | 403) && answer.status < 500;
        tally.expect(operation, "who may", &answer, fits);
    }

    println!(
        "FIGURE authorization_matrix operations={} tried={} unexpected={}",
        public.len() + protected.len(),
        tally.tried,
        tally.unexpected.len()
    );
    assert!(tally.unexpected.is_empty(), "{}", tally.unexpected.join("\n"));
    let lines = scopes.iter().map(|(name, scopes)| {
        let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        let words = if words.is_empty() { "the operator".to_owned() } else { words.join(" or ") };
        format!("{name}: {words}")
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

/// The scopes that let a caller past the door; the operation finds nothing behind it. None: it is
/// the operator's.
async fn who_is_admitted(world: &World, operation: &Operation, tally: &mut Tally) -> Vec<Scope> {
    let mut admitted = Vec::new();
    for (scope, client) in &world.with_only {
        let mut names = world.nobodys.clone();
        // The tenant is his own, or he would not get as far as the object.
        names.insert("tenants", LONE.to_owned());
        let answer = operation.call(client, &names).await;
        let refused = answer.status == 403;
        tally.expect(operation, scope.as_str(), &answer, answer.status != 401);
        if !refused {
            admitted.push(*scope);
        }
    }
    // Who reads may not write: no operation is open to both sorts of scope by mistake.
    let writes = operation.method != "GET";
    let only_reads = admitted.iter().all(|scope| scope.as_str().ends_with(":read"));
    let asks = ["/search", "/explain", "/dry-run"].iter().any(|end| operation.path.ends_with(end));
    if writes && only_reads && !admitted.is_empty() && !asks {
        tally.unexpected.push(format!("{} is open to who may only read", operation.name()));
    }
    admitted
}

/// Every scope but the one that is needed, on what is really there.
async fn try_without(world: &World, operation: &Operation, admitted: &[Scope], tally: &mut Tally) {
    match admitted {
        [] => {
            let answer = operation.call(&world.owner, &world.theirs).await;
            tally.expect(operation, "every scope", &answer, answer.status == 403);
        }
        [needed] => {
            let (_, client) = world.without.iter().find(|(scope, _)| scope == needed).unwrap();
            let answer = operation.call(client, &world.theirs).await;
            let who = format!("every scope but {needed}");
            tally.expect(operation, &who, &answer, answer.status == 403);
        }
        several => {
            let line = format!("{} is open to {several:?}: which is it?", operation.name());
            tally.unexpected.push(line);
        }
    }
}

async fn try_suspended(world: &World, operation: &Operation, tally: &mut Tally) {
    let mut names = world.nobodys.clone();
    names.insert("tenants", SUSPENDED.to_owned());
    let answer = operation.call(&world.suspended, &names).await;
    tally.expect(operation, "suspended", &answer, answer.status == 403);
}

/// Another tenant's key, with every scope: on the owner's objects and on none.
async fn try_neighbor(world: &World, operation: &Operation, admitted: &[Scope], tally: &mut Tally) {
    let theirs = operation.call(&world.neighbor, &world.theirs).await;
    if operation.names_an_object() {
        let nobodys = operation.call(&world.neighbor, &world.nobodys).await;
        let same = seen(&theirs) == seen(&nobodys);
        tally.expect(operation, "foreign, unlike absent", &theirs, same);
        tally.expect(operation, "foreign", &theirs, theirs.status >= 400);
    } else {
        // His own list or object: nothing of the owner's stands in it.
        let ids = ["api-keys", "privacy-requests", "tasks", "webhooks"].map(|s| &world.theirs[s]);
        let text = String::from_utf8_lossy(&theirs.body).into_owned();
        let leaks = ids.iter().any(|id| text.contains(id.as_str())) || text.contains(OWNER);
        tally.expect(operation, "his own", &theirs, !leaks);
    }
    if !admitted.is_empty() {
        let named = operation.call_for(&world.neighbor, &world.theirs, OWNER).await;
        let nobody = operation.call_for(&world.neighbor, &world.theirs, "absent").await;
        let tenant_in_path = operation.path.starts_with("/v1/tenants/");
        let fits = named.status == 404 || tenant_in_path;
        tally.expect(operation, "in another's name", &named, fits);
        let same = seen(&named) == seen(&nobody);
        tally.expect(operation, "in another's name, unlike nobody's", &named, same);
    }
}

/// Everything that the owner can read of its own, but the ledger and what tells the time.
async fn what_the_owner_has(world: &World) -> Vec<String> {
    let of = |segment: &str| world.theirs[segment].clone();
    let mut all = Vec::new();
    for path in [
        format!("/v1/tenants/{OWNER}"),
        format!("/v1/tenants/{OWNER}/api-keys?limit=200"),
        format!("/v1/connections/{}", of("connections")),
        format!("/v1/connections/{}/grants", of("connections")),
        format!("/v1/policies/{}", of("policies")),
        format!("/v1/policies/{}/manual-webhooks", of("policies")),
        format!("/v1/policies/{}/webhooks", of("policies")),
        format!("/v1/plugins/{}/{}", of("plugins"), of("version")),
        format!("/v1/privacy-requests/{}", of("privacy-requests")),
        format!("/v1/privacy-requests/{}/manual-inputs", of("privacy-requests")),
    ] {
        let answer = world.owner.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.json);
        all.push(answer.json.to_string());
    }
    all
}

#[tokio::test]
async fn how_long_the_answer_takes_does_not_tell_anothers_object_from_an_absent_one() {
    let world = World::new().await;
    for segment in ["privacy-requests", "connections"] {
        let (mut foreign, mut absent) = (Vec::new(), Vec::new());
        for _ in 0..TIMED {
            for (names, times) in [(&world.theirs, &mut foreign), (&world.nobodys, &mut absent)] {
                let path = format!("/v1/{segment}/{}", names[segment]);
                let began = Instant::now();
                let answer = world.neighbor.get(&path).await;
                times.push(began.elapsed());
                assert_eq!(answer.status, 404);
            }
        }
        let (foreign, absent) = (median(foreign), median(absent));
        let ratio = foreign.as_secs_f64() / absent.as_secs_f64();
        println!(
            "FIGURE foreign_object path={segment} foreign_us={} absent_us={} ratio={ratio:.3}",
            foreign.as_micros(),
            absent.as_micros()
        );
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
