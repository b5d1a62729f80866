//! No place is lost, no limit is exceeded, and nobody starves.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The place, if it is there.
fn ready(turn: &mut Turn) -> Option<Place> {
    let mut cx = Context::from_waker(std::task::Waker::noop());
    match Pin::new(turn).poll(&mut cx) {
        Poll::Ready(place) => Some(place),
        Poll::Pending => None,
    }
}

fn seat(tenant: &str, connection: &str) -> Seat {
    Seat { tenant: Some(tenant.parse().unwrap()), connection: Some(connection.parse().unwrap()) }
}

fn maxima(tenant: u32, connection: u32) -> Maxima {
    Maxima { tenant, connection }
}

const WIDE: Maxima = Maxima { tenant: 100, connection: 100 };

fn places(count: usize) -> Places {
    Places::new(count, 1_000, None)
}

fn claim(places: &Places, tenant: &str) -> Turn {
    places.claim(seat(tenant, "c"), WIDE).unwrap()
}

#[test]
fn who_has_a_place_and_who_waits_is_counted_by_tenant_and_of_all() {
    let places = places(4);
    let asked = [("a", "c"), ("a", "c"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "c")];
    let turns = asked.map(|(tenant, connection)| {
        let mut turn = places.claim(seat(tenant, connection), maxima(3, 2)).unwrap();
        (ready(&mut turn), turn)
    });
    let of = |tenant: &str| places.count(Some(&tenant.parse().unwrap()));
    let count = |held, of_one_connection, waiting| Count { held, of_one_connection, waiting };
    // The third of one connection waits, and the second of the other tenant, when all are taken.
    assert_eq!(of("a"), count(3, 2, 1));
    assert_eq!(of("b"), count(1, 1, 1));
    assert_eq!(places.count(None), count(4, 2, 2));
    assert_eq!(of("nobody"), Count::default());
    drop(turns);
    assert_eq!(places.count(None), Count::default());
}

/// Which of them has its place now.
fn served(turns: &mut BTreeMap<&'static str, Turn>) -> Vec<(&'static str, Place)> {
    let names: Vec<_> = turns.keys().copied().collect();
    let mut served = Vec::new();
    for name in names {
        if let Some(place) = ready(turns.get_mut(name).unwrap()) {
            turns.remove(name);
            served.push((name, place));
        }
    }
    served
}

/// The order in which they are served when there is one place.
fn order(places: &Places, first: Place, mut turns: BTreeMap<&'static str, Turn>) -> String {
    let mut order = Vec::new();
    let mut place = first;
    loop {
        drop(place);
        let mut now = served(&mut turns);
        assert!(now.len() <= 1, "there is one place");
        let Some((name, next)) = now.pop() else { break };
        order.push(name);
        place = next;
    }
    assert!(turns.is_empty(), "somebody was never served");
    assert!(ready(&mut claim(places, "later")).is_some());
    order.join(" ")
}

#[test]
fn a_free_place_is_had_at_once_and_a_taken_one_when_it_is_given_back() {
    let places = places(1);
    let place = ready(&mut claim(&places, "a")).unwrap();
    let mut waits = claim(&places, "b");
    assert!(ready(&mut waits).is_none());
    drop(place);
    assert!(ready(&mut waits).is_some());
}

#[test]
fn tenants_take_turns_however_much_one_of_them_asks_for() {
    let places = places(1);
    let first = ready(&mut claim(&places, "big")).unwrap();
    let turns = [("big 1", "big"), ("big 2", "big"), ("big 3", "big"), ("small", "s")];
    let turns = turns.map(|(name, tenant)| (name, claim(&places, tenant)));
    assert_eq!(order(&places, first, turns.into()), "big 1 small big 2 big 3");
}

#[test]
fn a_tenant_has_no_more_than_its_places_while_others_are_free() {
    let places = places(3);
    let two = |connection| places.claim(seat("a", connection), maxima(2, 2)).unwrap();
    let held = [ready(&mut two("x")).unwrap(), ready(&mut two("y")).unwrap()];
    let mut third = two("z");
    assert!(ready(&mut third).is_none());
    let other = ready(&mut claim(&places, "b"));
    assert!(other.is_some(), "the last place is for somebody else");
    drop(held);
    assert!(ready(&mut third).is_some());
}

#[test]
fn those_of_a_full_connection_are_passed_and_keep_their_order() {
    let places = places(4);
    let of = |connection| places.claim(seat("a", connection), maxima(4, 1)).unwrap();
    let held = ready(&mut of("x")).unwrap();
    let (mut second, mut third) = (of("x"), of("x"));
    let other = ready(&mut of("y"));
    assert!(other.is_some(), "it waits for nothing of x");
    assert!(ready(&mut second).is_none());
    drop(held);
    assert!(ready(&mut third).is_none(), "the second came first");
    let held = ready(&mut second).unwrap();
    drop(held);
    assert!(ready(&mut third).is_some());
}

#[test]
fn who_goes_away_leaves_nothing_whether_it_was_served_or_not() {
    let places = places(1);
    let place = ready(&mut claim(&places, "a")).unwrap();
    let (gone, served, mut stays) = (claim(&places, "a"), claim(&places, "b"), claim(&places, "c"));
    drop(gone);
    drop(place);
    assert!(ready(&mut stays).is_none(), "b was given the place");
    drop(served);
    assert!(ready(&mut stays).is_some(), "and did not take it");
    drop(stays);
    let mut state = places.shared.lock();
    assert!(state.is_untouched(1), "{state:?}");
    assert!(state.serve().is_empty());
}

#[test]
fn so_many_of_a_tenant_wait_and_no_more() {
    let places = Places::new(1, 2, None);
    let claim = |tenant| places.claim(seat(tenant, "c"), WIDE);
    let mut turns = [claim("a").unwrap(), claim("a").unwrap(), claim("a").unwrap()];
    let place = ready(&mut turns[0]);
    assert!(matches!(claim("a"), Err(TooManyWait)));
    assert!(claim("b").is_ok(), "others may wait");
    drop(place);
    drop(turns);
    assert!(places.shared.lock().is_untouched(1));
}

#[test]
fn a_limit_that_was_raised_holds_for_who_waits_already() {
    let places = places(4);
    let of = |max| places.claim(seat("a", "x"), maxima(max, max)).unwrap();
    let held = ready(&mut of(1)).unwrap();
    let mut waits = of(1);
    assert!(ready(&mut waits).is_none());
    let mut late = of(3);
    let both = (ready(&mut waits), ready(&mut late));
    assert!(both.0.is_some() && both.1.is_some());
    drop((held, both));
}

#[derive(Debug, Clone)]
enum Step {
    Arrive { tenant: u8, connection: u8 },
    GiveBack(prop::sample::Index),
    GiveUp(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let arrive = (0..3_u8, 0..3_u8);
    prop_oneof![
        4 => arrive.prop_map(|(tenant, connection)| Step::Arrive { tenant, connection }),
        3 => any::<prop::sample::Index>().prop_map(Step::GiveBack),
        1 => any::<prop::sample::Index>().prop_map(Step::GiveUp),
    ]
}

type Key = (u8, u8);

/// What is held, what waits in order of arrival, and how often others were served since.
#[derive(Default)]
struct World {
    held: Vec<(Key, Place)>,
    waiting: Vec<(Key, Turn)>,
    passed_over: BTreeMap<u8, BTreeMap<u8, usize>>,
}

const PLACES: usize = 3;
const OF_TENANT: u32 = 2;
const OF_CONNECTION: u32 = 1;

impl World {
    fn holds(&self, is: impl Fn(&Key) -> bool) -> usize {
        self.held.iter().filter(|(key, _)| is(key)).count()
    }

    fn could_go_on(&self, (tenant, connection): Key) -> bool {
        self.held.len() < PLACES
            && self.holds(|key| key.0 == tenant) < OF_TENANT as usize
            && self.holds(|key| *key == (tenant, connection)) < OF_CONNECTION as usize
    }

    /// Takes every place that was given.
    fn take_all(&mut self) {
        let mut waiting = Vec::new();
        for (key, mut turn) in std::mem::take(&mut self.waiting) {
            match ready(&mut turn) {
                Some(place) => {
                    self.passed_over.remove(&key.0);
                    for (waiter, by) in &mut self.passed_over {
                        if *waiter != key.0 {
                            *by.entry(key.0).or_default() += 1;
                        }
                    }
                    self.held.push((key, place));
                }
                None => waiting.push((key, turn)),
            }
        }
        self.waiting = waiting;
        // Counted only while it could go on but for the places: who is full by itself waits for
        // itself.
        let waiting: Vec<Key> = self.waiting.iter().map(|(key, _)| *key).collect();
        for tenant in 0..3 {
            let able = waiting.iter().any(|key| {
                key.0 == tenant
                    && self.holds(|held| held.0 == tenant) < OF_TENANT as usize
                    && self.holds(|held| held == key) < OF_CONNECTION as usize
            });
            if able {
                self.passed_over.entry(tenant).or_default();
            } else {
                self.passed_over.remove(&tenant);
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        prop_assert!(self.held.len() <= PLACES);
        for tenant in 0..3 {
            prop_assert!(self.holds(|key| key.0 == tenant) <= OF_TENANT as usize);
            for connection in 0..3 {
                let of = self.holds(|key| *key == (tenant, connection));
                prop_assert!(of <= OF_CONNECTION as usize);
            }
        }
        for (key, _) in &self.waiting {
            prop_assert!(!self.could_go_on(*key), "{key:?} waits for nothing");
        }
        for (tenant, by) in &self.passed_over {
            let most = by.values().max().copied().unwrap_or(0);
            prop_assert!(most <= 1, "{tenant} was passed over: {by:?}");
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn whatever_happens_no_place_is_lost_no_limit_exceeded_and_nobody_starves(
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let places = places(PLACES);
        let mut world = World::default();
        for step in steps {
            match step {
                Step::Arrive { tenant, connection } => {
                    let (t, c) = (format!("t{tenant}"), format!("c{connection}"));
                    let turn = places.claim(seat(&t, &c), maxima(OF_TENANT, OF_CONNECTION));
                    world.waiting.push(((tenant, connection), turn.unwrap()));
                }
                Step::GiveBack(at) if !world.held.is_empty() => {
                    drop(world.held.remove(at.index(world.held.len())));
                }
                Step::GiveUp(at) if !world.waiting.is_empty() => {
                    drop(world.waiting.remove(at.index(world.waiting.len())));
                }
                Step::GiveBack(_) | Step::GiveUp(_) => {}
            }
            world.take_all();
            world.check()?;
        }
        drop(world);
        prop_assert!(places.shared.lock().is_untouched(PLACES));
    }
}
