//! The allocator of a component: a static arena first, the system's allocator after it.
//!
//! The first `memory.grow` of a fresh instance costs the host a change of memory protection that
//! every thread has to hear of; a run that stays within the arena never asks for it. Blocks are
//! handed out upwards and given back only when they are the last one, which suits an instance
//! that lives for one call. It deliberately does no more than that: a run that needs more than
//! the arena is served by the system's allocator.

#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};
use std::ptr;

/// Size of the arena, in bytes: larger than nearly every run.
#[cfg(target_arch = "wasm32")]
const ARENA_BYTES: usize = 1024 * 1024;

#[cfg(all(target_arch = "wasm32", target_feature = "atomics"))]
compile_error!("the arena is for components, which have one thread");

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: Arena<ARENA_BYTES> = Arena::new();

/// Zeroed memory and how much of it is handed out. The alignment covers every ordinary type.
#[repr(C, align(16))]
struct Arena<const SIZE: usize> {
    memory: UnsafeCell<[u8; SIZE]>,
    used: Cell<usize>,
}

// SAFETY: a component has one thread, which the `compile_error` above insists on; natively the
// type is only used by the tests, each with an arena of its own.
unsafe impl<const SIZE: usize> Sync for Arena<SIZE> {}

impl<const SIZE: usize> Arena<SIZE> {
    const fn new() -> Self {
        Self { memory: UnsafeCell::new([0; SIZE]), used: Cell::new(0) }
    }

    fn base(&self) -> *mut u8 {
        self.memory.get().cast()
    }

    /// The offset of a block in the arena; none when the system's allocator handed it out.
    fn offset(&self, block: *mut u8) -> Option<usize> {
        block.addr().checked_sub(self.base().addr()).filter(|offset| *offset < SIZE)
    }

    /// Takes `size` bytes; none when they do not fit.
    fn take(&self, layout: Layout) -> Option<*mut u8> {
        let address = self.base().addr().checked_add(self.used.get())?;
        let start = address.checked_next_multiple_of(layout.align())? - self.base().addr();
        let end = start.checked_add(layout.size()).filter(|end| *end <= SIZE)?;
        self.used.set(end);
        // SAFETY: `start <= end <= SIZE`, so the result is in the arena or one past its end.
        Some(unsafe { self.base().add(start) })
    }

    /// Whether a block of this size at this offset is the last one.
    fn is_last(&self, offset: usize, size: usize) -> bool {
        offset + size == self.used.get()
    }
}

// SAFETY: blocks of the arena do not overlap, because `used` only moves past them, and back only
// over the last one when its owner gives it up. All else is forwarded to the system's allocator,
// which gets back exactly the blocks that it handed out.
unsafe impl<const SIZE: usize> GlobalAlloc for Arena<SIZE> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is the one that the system's allocator wants.
        self.take(layout).unwrap_or_else(|| unsafe { System.alloc(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match self.offset(block) {
            Some(offset) if self.is_last(offset, layout.size()) => self.used.set(offset),
            Some(_) => {}
            // SAFETY: not from the arena, so from the system's allocator, with the same layout.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(offset) = self.offset(block) else {
            // SAFETY: not from the arena, so from the system's allocator, with the same layout.
            return unsafe { System.realloc(block, layout, size) };
        };
        if size <= layout.size() || (self.is_last(offset, layout.size()) && offset + size <= SIZE) {
            if self.is_last(offset, layout.size()) {
                self.used.set(offset + size);
            }
            return block;
        }
        // SAFETY: the caller promises that `size`, rounded up to the alignment, does not overflow.
        let larger = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: `larger` is not empty, being larger than a block that exists.
        let moved = unsafe { self.alloc(larger) };
        if !moved.is_null() {
            // SAFETY: both blocks hold at least `layout.size()` bytes and are different blocks.
            unsafe { ptr::copy_nonoverlapping(block, moved, layout.size()) };
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    fn get<const SIZE: usize>(arena: &Arena<SIZE>, layout: Layout) -> *mut u8 {
        // SAFETY: no test asks for an empty block.
        unsafe { arena.alloc(layout) }
    }

    #[test]
    fn blocks_are_aligned_and_do_not_overlap() {
        let arena = Arena::<256>::new();
        let first = get(&arena, layout(3, 1));
        let second = get(&arena, layout(8, 8));
        let third = get(&arena, layout(1, 64));
        assert_eq!(second.addr() % 8, 0);
        assert_eq!(third.addr() % 64, 0);
        assert!(first.addr() + 3 <= second.addr() && second.addr() + 8 <= third.addr());
        assert!(arena.offset(third).is_some());
    }

    #[test]
    fn the_last_block_is_given_back_and_grows_in_its_place() {
        let arena = Arena::<64>::new();
        let first = get(&arena, layout(16, 1));
        let second = get(&arena, layout(8, 1));
        // SAFETY: each block is used with the layout that it has.
        unsafe {
            assert_eq!(arena.realloc(second, layout(8, 1), 32), second);
            arena.dealloc(second, layout(32, 1));
            assert_eq!(arena.used.get(), 16);
            arena.dealloc(first, layout(16, 1));
        }
        assert_eq!(arena.used.get(), 0);
    }

    #[test]
    fn what_does_not_fit_comes_from_the_system_and_keeps_its_content() {
        let arena = Arena::<32>::new();
        let block = get(&arena, layout(8, 1));
        let _after = get(&arena, layout(8, 1));
        // SAFETY: `block` holds 8 bytes, `moved` 64; each is used with the layout that it has.
        unsafe {
            block.write_bytes(7, 8);
            let moved = arena.realloc(block, layout(8, 1), 64);
            assert!(arena.offset(moved).is_none());
            assert_eq!(std::slice::from_raw_parts(moved, 8), [7; 8]);
            arena.dealloc(moved, layout(64, 1));
        }
        assert_eq!(arena.used.get(), 16);
    }
}
