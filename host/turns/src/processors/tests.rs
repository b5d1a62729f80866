//! Who computes, and that a turn always comes back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use super::*;

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

/// What it gives now, if it gives anything.
fn now<F: Future>(future: &mut std::pin::Pin<&mut F>) -> Option<F::Output> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn turn(processors: &Processors, name: &str) -> Option<Place> {
    now(&mut pin!(processors.turn(Some(tenant(name))))).flatten()
}

#[test]
fn a_tenant_that_is_alone_has_every_processor_and_a_second_one_does_not_wait_for_it() {
    let processors = Processors::new(2);
    let first = [turn(&processors, "a"), turn(&processors, "a")];
    assert!(first.iter().all(Option::is_some));
    assert!(turn(&processors, "a").is_none(), "there are two");
    assert!(turn(&processors, "b").is_some());
}

#[test]
fn while_others_are_about_a_tenant_with_a_backlog_leaves_one_free() {
    let processors = Processors::new(2);
    drop(turn(&processors, "b").unwrap());
    let held = [turn(&processors, "a").unwrap(), turn(&processors, "a").unwrap()];
    let mut waiting: Vec<_> =
        (0..3).map(|_| Box::pin(processors.turn(Some(tenant("a"))))).collect();
    assert!(waiting.iter_mut().all(|turn| now(&mut turn.as_mut()).is_none()));
    let [one, _other] = held;
    drop(one);
    assert!(waiting.iter_mut().all(|turn| now(&mut turn.as_mut()).is_none()), "one is left free");
    assert!(turn(&processors, "b").is_some());
}

#[test]
fn where_there_is_one_processor_all_of_it_is_had() {
    let processors = Processors::new(1);
    drop(turn(&processors, "b").unwrap());
    let held = turn(&processors, "a").unwrap();
    let mut waiting = [(); 2].map(|()| Box::pin(processors.turn(Some(tenant("a")))));
    assert!(waiting.iter_mut().all(|turn| now(&mut turn.as_mut()).is_none()));
    drop(held);
    assert!(now(&mut waiting[0].as_mut()).is_some());
}

#[test]
fn all_together_have_twice_as_many_turns_and_who_finds_none_waits_for_one() {
    let processors = Processors::new(1);
    let first = turn(&processors, "a").unwrap();
    let _second = turn(&processors, "b").unwrap();
    let mut third = pin!(processors.turn(Some(tenant("c"))));
    assert!(now(&mut third).is_none());
    drop(first);
    assert!(now(&mut third).is_some());
}

#[test]
fn who_has_not_been_seen_for_a_while_is_not_about() {
    let (a, b, begin) = (tenant("a"), tenant("b"), Instant::now());
    let mut company = Company::default();
    assert!(!company.sees(&a, begin), "it is the first");
    assert!(company.sees(&b, begin));
    assert!(company.sees(&a, begin));
    assert!(company.sees(&a, begin + ABOUT / 2));
    assert!(!company.sees(&a, begin + ABOUT));
}

#[test]
fn the_host_takes_turns_like_a_tenant() {
    let processors = Processors::new(1);
    let _first = turn(&processors, "a").unwrap();
    let own = now(&mut pin!(processors.turn(None))).flatten();
    assert!(own.is_some());
}

#[tokio::test]
async fn a_future_goes_on_only_while_it_has_a_turn() {
    let processors = Processors::new(1);
    let polls = AtomicUsize::new(0);
    let counted = poll_fn(|cx| {
        if polls.fetch_add(1, Ordering::Relaxed) == 1 {
            return Poll::Ready("done");
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    let owner = tenant("a");
    let mut going_on = pin!(processors.in_turns(&owner, counted));
    let held = turn(&processors, "a").unwrap();
    assert!(now(&mut going_on).is_none());
    assert_eq!(polls.load(Ordering::Relaxed), 0, "it is not its turn");
    drop(held);
    assert!(now(&mut going_on).is_none());
    assert_eq!(polls.load(Ordering::Relaxed), 1);
    assert!(turn(&processors, "a").is_some(), "it has none while it waits");
    assert_eq!(going_on.await, "done");
}

#[tokio::test]
async fn who_goes_away_before_its_turn_has_nothing_done() {
    let processors = Processors::new(1);
    let held = turn(&processors, "a").unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&done);
    {
        let work = move || counted.fetch_add(1, Ordering::Relaxed);
        let mut working = pin!(processors.blocking(Some(tenant("a")), work));
        assert!(now(&mut working).is_none());
    }
    drop(held);
    assert_eq!(processors.blocking(Some(tenant("a")), || 7).await, Ok(7));
    assert_eq!(done.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn work_is_done_in_its_turn_although_who_waits_for_it_has_none() {
    let processors = Processors::new(1);
    let held = turn(&processors, "a").unwrap();
    let mut unpolled = Box::pin(processors.blocking(Some(tenant("a")), || 7));
    assert!(now(&mut unpolled.as_mut()).is_none());
    drop(held);
    // It is in line behind that work.
    drop(processors.turn(Some(tenant("a"))).await);
    assert_eq!(unpolled.await, Ok(7));
}

#[tokio::test]
async fn work_that_panics_gives_its_turn_back() {
    let processors = Processors::new(1);
    let broke = processors.blocking(Some(tenant("a")), || -> u8 { panic!("on purpose") }).await;
    assert_eq!(broke, Err(Ended));
    assert_eq!(processors.blocking(Some(tenant("a")), || 7).await, Ok(7));
}
