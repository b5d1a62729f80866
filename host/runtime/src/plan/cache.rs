//! Plans by tenant, plugin and draft. The tenant is part of the key, so that the time a run
//! takes tells one tenant nothing of another's configuration; `validate` neither reads nor
//! fills it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cordon_model::plan::Draft;
use cordon_model::{PluginDigest, TenantId};

use super::Plan;
use crate::keys;

type Key = [u8; 32];

/// A bounded cache: two generations, of which the older is dropped when the younger is full.
pub(crate) struct PlanCache {
    half: usize,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Key, Arc<Plan>>,
    old: HashMap<Key, Arc<Plan>>,
}

impl PlanCache {
    /// Keeps at most `max` plans.
    pub(crate) fn new(max: usize) -> Self {
        Self { half: (max / 2).max(1), generations: Mutex::default() }
    }

    pub(crate) fn key(tenant: &TenantId, plugin: PluginDigest, draft: &Draft) -> Key {
        let Draft { config, actions, policy_settings } = draft;
        let actions: Vec<u8> = actions.iter().map(|action| *action as u8).collect();
        let settings = policy_settings.as_deref();
        // Not a secret: the key only has to tell drafts apart.
        keys::tag(
            &[0; 32],
            &[
                tenant.as_str().as_bytes(),
                plugin.as_bytes(),
                config.as_bytes(),
                &actions,
                &[u8::from(settings.is_some())],
                settings.unwrap_or_default().as_bytes(),
            ],
        )
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Plan>> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = generations.young.get(key) {
            return Some(Arc::clone(plan));
        }
        let plan = generations.old.remove(key)?;
        generations.put(*key, Arc::clone(&plan), self.half);
        Some(plan)
    }

    pub(crate) fn put(&self, key: Key, plan: Arc<Plan>) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.put(key, plan, self.half);
    }
}

impl Generations {
    fn put(&mut self, key: Key, plan: Arc<Plan>, half: usize) {
        if self.young.len() >= half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, plan);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_used() {
        let cache = PlanCache::new(8);
        let key = |n: u8| [n; 32];
        for n in 0..100 {
            cache.put(key(n), Arc::default());
            if n >= 1 {
                assert!(cache.get(&key(1)).is_some() || n < 1);
            }
        }
        let generations = cache.generations.lock().unwrap();
        assert!(generations.young.len() + generations.old.len() <= 8);
    }

    #[test]
    fn settings_that_are_empty_are_not_settings_that_are_absent() {
        let key = |settings: Option<&str>| {
            let policy_settings = settings.map(str::to_owned);
            let draft = Draft { config: "{}".to_owned(), actions: vec![], policy_settings };
            PlanCache::key(&TenantId::default_tenant(), PluginDigest::of(b""), &draft)
        };
        assert_ne!(key(None), key(Some("")));
    }
}
