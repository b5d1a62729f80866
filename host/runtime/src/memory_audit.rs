//! Shows the linear memories of every call to an observer, so that a test can look for what a
//! guest must never hold. Behind the feature `memory-audit`; no host is built with it.
//!
//! The core memories of a component are out of reach of the embedder, and the pool's are nobody
//! else's. With an observer the engine therefore allocates on demand, through a creator of ours
//! ([`Creator`]): each memory is a [`Region`] that the call which is being instantiated notes
//! down. Without an observer nothing changes. The code of guests is the same either way but for
//! its bounds checks.
//!
//! The observer sees every memory at every entry into a host function, and once more when the
//! call is over, while the store still lives. What the guest was handed by one host function is
//! there at the entry into the next one at the latest, since nothing of the host's is taken back
//! and guests wipe nothing.
//!
//! # Safety
//! A region is written by the guest it belongs to and by wasmtime on its behalf, through the raw
//! pointer that [`Region::base`] gives out, and read by [`MemoryAudit::observe`]. Those two never
//! overlap: `observe` takes `&mut self`, the audit lies in the data of the store ([`Notes`]
//! reads none), and whoever holds the data of a store
//! mutably proves that no code of that store is running and that wasmtime holds no view of its
//! memories. Memories are never shared between stores: threads are off, and a component imports
//! no memory. A region never moves, and lives for as long as anybody who knows its address.

#![expect(unsafe_code, reason = "wasmtime takes memories of ours through raw pointers only")]

use std::cell::UnsafeCell;
use std::future::Future;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::{Config, InstanceAllocationStrategy, LinearMemory, MemoryCreator, MemoryType};

use crate::options::Options;

/// Is shown the whole of one linear memory. Called on the threads of guests.
pub type MemoryObserver = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// wasmtime asks for memories that begin on a page of the machine.
const PAGE: usize = 4096;

type Regions = Arc<Mutex<Vec<Arc<Region>>>>;

tokio::task_local! {
    /// Where the call that is being polled notes its memories down.
    static NOTED: Regions;
}

/// The memories of one call, and who looks at them.
#[derive(Default)]
pub(crate) struct MemoryAudit {
    observer: Option<MemoryObserver>,
    regions: Regions,
}

impl MemoryAudit {
    pub(crate) fn new(options: &Options) -> Self {
        Self { observer: options.memory_observer.clone(), regions: Regions::default() }
    }

    /// Where the memories of the call are noted down.
    pub(crate) fn notes(&self) -> Notes {
        Notes(Arc::clone(&self.regions))
    }

    /// Shows every memory of the call as it is now.
    pub(crate) fn observe(&mut self) {
        let Some(observer) = &self.observer else { return };
        let regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        for region in regions.iter() {
            // SAFETY: the first `size` bytes are allocated and initialized (they began as zeros);
            // nobody writes while `self` is borrowed, see the module's documentation.
            let bytes = unsafe { std::slice::from_raw_parts(region.base(), region.size()) };
            observer(bytes);
        }
    }
}

/// Where the memories of one call are noted down.
pub(crate) struct Notes(Regions);

impl Notes {
    /// The work of the call, in which its memories are made.
    pub(crate) fn taken_during<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        NOTED.scope(self.0, work)
    }
}

/// Makes an engine allocate memories that can be observed, if somebody observes.
pub(crate) fn configure(config: &mut Config, options: &Options) {
    if options.memory_observer.is_some() {
        config
            .allocation_strategy(InstanceAllocationStrategy::OnDemand)
            .with_host_memory(Arc::new(Creator { capacity: options.memory_bytes_max }))
            // No guard pages: compiled code checks every access against the size.
            .memory_reservation(0)
            .memory_reservation_for_growth(0)
            .memory_guard_size(0)
            .memory_init_cow(false);
    }
}

/// One linear memory, with all the room it may ever take, so that it never moves. The kernel
/// gives pages to what is touched only.
struct Region {
    bytes: Box<[MaybeUninit<UnsafeCell<u8>>]>,
    /// Of the part that the guest may use, in bytes.
    size: AtomicUsize,
    capacity: usize,
}

// SAFETY: the bytes are reached through `base` alone, by the owner of the store and, while that
// one holds still, by `MemoryAudit::observe`; see the module's documentation.
unsafe impl Sync for Region {}

impl Region {
    fn new(size: usize, capacity: usize) -> Self {
        // Bytes that are zeros from the allocator, which has untouched pages for them.
        let bytes = Box::<[UnsafeCell<u8>]>::new_zeroed_slice(capacity + PAGE);
        Self { bytes, size: AtomicUsize::new(size), capacity }
    }

    /// The first byte that lies on a page.
    fn base(&self) -> *mut u8 {
        let first = self.bytes.as_ptr().cast::<u8>().cast_mut();
        first.wrapping_add(first.align_offset(PAGE))
    }

    fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }
}

struct Creator {
    capacity: usize,
}

// SAFETY: the memory begins on a page, has `minimum` bytes of zeros, and is refused unless the
// engine relies on neither a reservation nor guard pages, as `configure` says.
unsafe impl MemoryCreator for Creator {
    fn new_memory(
        &self,
        _: MemoryType,
        minimum: usize,
        _: Option<usize>,
        reserved_size_in_bytes: Option<usize>,
        guard_size_in_bytes: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        if reserved_size_in_bytes.unwrap_or(0) != 0 || guard_size_in_bytes != 0 {
            return Err("a memory that is observed has no reservation and no guard".to_owned());
        }
        if minimum > self.capacity {
            return Err("the memory is larger than a call may have".to_owned());
        }
        let region = Arc::new(Region::new(minimum, self.capacity));
        let noted = NOTED.try_with(|regions| {
            let mut regions = regions.lock().unwrap_or_else(PoisonError::into_inner);
            regions.push(Arc::clone(&region));
        });
        noted.map_err(|_| "a memory was made outside a call".to_owned())?;
        Ok(Box::new(Observed(region)))
    }
}

/// wasmtime's side of a region.
struct Observed(Arc<Region>);

// SAFETY: the region never moves and has room for `byte_capacity` bytes, all zeros until written.
unsafe impl LinearMemory for Observed {
    fn byte_size(&self) -> usize {
        self.0.size()
    }

    fn byte_capacity(&self) -> usize {
        self.0.capacity
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        if new_size > self.0.capacity {
            return Err(wasmtime::Error::msg("the memory is larger than a call may have"));
        }
        self.0.size.store(new_size, Ordering::Relaxed);
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.0.base()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_begins_on_a_page_as_zeros_and_stays_where_it_is() {
        let region = Arc::new(Region::new(65_536, 4 * 65_536));
        let (base, mut memory) = (region.base(), Observed(Arc::clone(&region)));
        assert_eq!(base.align_offset(PAGE), 0);
        memory.grow_to(4 * 65_536).unwrap();
        assert!(memory.grow_to(4 * 65_536 + 1).is_err());
        assert_eq!((memory.as_ptr(), memory.byte_size()), (base, 4 * 65_536));
        let mut audit = MemoryAudit {
            observer: Some(Arc::new(|bytes| assert!(bytes.iter().all(|byte| *byte == 0)))),
            regions: Arc::new(Mutex::new(vec![region])),
        };
        audit.observe();
    }

    #[test]
    fn a_memory_outside_a_call_or_with_guard_pages_is_refused() {
        let creator = Creator { capacity: 65_536 };
        let ask = |reserved, guard| {
            let made = creator.new_memory(MemoryType::new(1, None), 65_536, None, reserved, guard);
            made.map(|_| ()).unwrap_err()
        };
        assert!(ask(Some(0), 0).contains("outside a call"));
        assert!(ask(Some(1 << 32), 0).contains("no reservation"));
        assert!(ask(Some(0), 1 << 16).contains("no guard"));
    }
}
