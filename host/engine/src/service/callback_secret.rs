//! What callbacks to a tenant's submitters are signed with: made by the host, shown once.

use cordon_model::Secret;
use cordon_model::audit::AuditEvent;
use cordon_model::commit::{Change, Commit};

use crate::{Access, Error, Services, message};

impl Services {
    /// Makes the tenant's callback secret, in place of the one it had. Every callback is signed
    /// with the new one from then on, also those that are being tried again.
    ///
    /// # Errors
    /// `Conflict` when the tenant was changed at the same moment.
    pub async fn make_callback_secret(&self, access: &Access) -> Result<Secret, Error> {
        let mut tenant = self.tenant_by_id(&access.tenant).await?;
        let secret = message::new_secret()?;
        let replaced = tenant.callback_secret.replace(secret.clone()).is_some();
        tenant.revision = tenant.revision.next();
        let word = "tenant.callback_secret_made";
        let event = AuditEvent::new(&tenant.id, self.now(), access.actor.clone(), word)
            .with("replaced", replaced)
            .with("revision", tenant.revision);
        self.commit_write(Commit::of(Change::PutTenant(tenant), event), None).await?;
        Ok(secret)
    }
}
