//! Room for uploads: inputs with files, and components. Each is held in memory while it is read and
//! until it is stored, so there is room for so many at one time, and for fewer of one tenant: whoever
//! sends slowly keeps its own out, and nobody else's.
//!
//! A tenant's uploads wait for a place among its own before they wait for one among all, so that no
//! tenant ever stands in the common line with more than it may have. Whose an upload is stands beside
//! the request once its key was checked (`auth`). Asked by the bodies that are uploads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cordon_model::TenantId;
use http::Extensions;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::Options;
use crate::error::{ApiError, Code};

/// Whose an upload is; none: the operator's, for nobody in particular. Put beside a request by who
/// checked its key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Uploader(pub(crate) Option<TenantId>);

/// The places of all.
pub(crate) struct Uploads {
    all: Arc<Semaphore>,
    all_max: usize,
    per_tenant_max: usize,
    /// Only of those who upload something or wait.
    tenants: Mutex<HashMap<Uploader, Arc<Semaphore>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    _of_tenant: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Uploads {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            all: Arc::new(Semaphore::new(options.uploads_max)),
            all_max: options.uploads_max,
            per_tenant_max: options.uploads_per_tenant(),
            tenants: Mutex::default(),
        }
    }

    /// Waits for a place for a request, for so long at most.
    ///
    /// # Errors
    /// `unavailable`, when none became free.
    pub(crate) async fn room(
        &self,
        request: &Extensions,
        patience: Duration,
    ) -> Result<Room, ApiError> {
        let uploader = request.get::<Uploader>().cloned().unwrap_or(Uploader(None));
        let own = self.places_of(&uploader);
        let room = async {
            let _of_tenant = own.acquire_owned().await.ok()?;
            let _of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Room { _of_tenant, _of_all })
        };
        match timeout(patience, room).await {
            Ok(Some(room)) => Ok(room),
            _ => Err(ApiError::plain(Code::Unavailable)),
        }
    }

    /// How many there are now: of a tenant, or of all.
    pub(crate) fn in_use(&self, of: Option<&TenantId>) -> usize {
        let Some(tenant) = of else { return self.all_max - self.all.available_permits() };
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let places = tenants.get(&Uploader(Some(tenant.clone())));
        places.map_or(0, |places| self.per_tenant_max - places.available_permits())
    }

    fn places_of(&self, uploader: &Uploader) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        // Places that nobody holds or waits for are as good as new ones.
        tenants.retain(|_, places| Arc::strong_count(places) > 1);
        let new = || Arc::new(Semaphore::new(self.per_tenant_max));
        Arc::clone(tenants.entry(uploader.clone()).or_insert_with(new))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// Nobody waits for what is not there now.
    const NOW: Duration = Duration::ZERO;

    fn of(tenant: &str) -> Extensions {
        let mut request = Extensions::new();
        request.insert(Uploader(Some(tenant.parse().unwrap())));
        request
    }

    fn uploads(uploads_max: usize, per_tenant: usize) -> Uploads {
        let uploads_per_tenant_max = Some(per_tenant);
        Uploads::new(&Options { uploads_max, uploads_per_tenant_max, ..Options::default() })
    }

    #[tokio::test]
    async fn the_uploads_of_one_tenant_leave_room_for_those_of_another() {
        let uploads = uploads(3, 2);
        let room = async |request: &Extensions| uploads.room(request, NOW).await;
        let (slow, other) = (of("slow"), of("other"));
        let held = [room(&slow).await.unwrap(), room(&slow).await.unwrap()];
        assert_eq!(room(&slow).await.unwrap_err().code(), Code::Unavailable);
        let place = room(&other).await.unwrap();
        assert!(room(&of("third")).await.is_err(), "there is room for so many of all");
        let tenants = ["slow", "other", "third"].map(|name| name.parse().unwrap());
        let in_use = || tenants.each_ref().map(|tenant| uploads.in_use(Some(tenant)));
        assert_eq!((in_use(), uploads.in_use(None)), ([2, 1, 0], 3));
        drop(held);
        assert!(room(&slow).await.is_ok());
        drop(place);
        assert_eq!((in_use(), uploads.in_use(None)), ([0, 0, 0], 0));
        assert!(room(&Extensions::new()).await.is_ok());
        assert_eq!(uploads.tenants.lock().unwrap().len(), 1, "nothing is kept of who left");
    }

    #[tokio::test]
    async fn who_waits_for_a_place_of_its_own_is_not_in_the_way_of_the_others() {
        let uploads = uploads(2, 1);
        let (slow, other) = (of("slow"), of("other"));
        let held = uploads.room(&slow, NOW).await.unwrap();
        let patience = Duration::from_secs(60);
        let mut waiting = Vec::new();
        for _ in 0..3 {
            let mut waits = Box::pin(uploads.room(&slow, patience));
            assert!(waits.as_mut().now_or_never().is_none());
            waiting.push(waits);
        }
        assert!(uploads.room(&other, NOW).await.is_ok());
        drop(held);
        let mut served = waiting.into_iter();
        assert!(served.next().unwrap().await.is_ok(), "first come, first served");
    }

    #[test]
    fn a_share_that_nobody_set_is_a_quarter_and_never_nothing() {
        for (uploads_max, share) in [(1, 1), (3, 1), (8, 2), (40, 10)] {
            let options = Options { uploads_max, ..Options::default() };
            assert_eq!(options.uploads_per_tenant(), share, "{uploads_max}");
        }
    }
}
