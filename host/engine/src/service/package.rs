//! Hands the package out.

use bytes::Bytes;
use cordon_model::RequestId;
use cordon_model::audit::AuditEvent;
use cordon_model::commit::Commit;
use cordon_model::package::PackageRef;
use cordon_model::port::PackageError;

use crate::{Access, Error, Missing, Services};

impl Services {
    /// The package of a request. Who took it stands in the audit log before it is handed out.
    ///
    /// # Errors
    /// `NotFound(Package)` before there is one, `Gone` when it is not kept any more.
    pub async fn package(
        &self,
        access: &Access,
        id: RequestId,
    ) -> Result<(PackageRef, Bytes), Error> {
        let request = self.request(access, id).await?;
        if request.expired_at.is_some() {
            return Err(Error::Gone);
        }
        let package = request.package.ok_or(Error::NotFound(Missing::Package))?;
        let bytes = match self.ports.packages.get(&access.tenant, id, &package).await {
            Ok(bytes) => bytes,
            Err(PackageError::Gone) => return Err(Error::Gone),
            Err(
                error @ (PackageError::UnknownDestination(_)
                | PackageError::TooLarge(_)
                | PackageError::Damaged
                | PackageError::Unavailable(_)),
            ) => return Err(Error::Unavailable(error.to_string())),
        };
        let actor = access.actor.clone();
        let audit = AuditEvent::new(&access.tenant, self.now(), actor, "request.package_read")
            .about(id)
            .with("sha256", &package.sha256);
        self.store().commit(Commit { changes: Vec::new(), audit: vec![audit] }).await?;
        self.scheduler.followers.wake(&access.tenant, id);
        Ok((package, bytes))
    }
}
