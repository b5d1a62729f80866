//! `/v1/plugins`

use cordon_engine::service::plugins::Upload;
use cordon_model::api_key::Scope;
use http::StatusCode;
use sha2::{Digest as _, Sha256};

use crate::answer::Answer;
use crate::auth::Auth;
use crate::component_body::ComponentBody;
use crate::dto::plugins::{ActivationView, InstallationView, KnownPluginView, PluginsView};
use crate::error::{ApiError, Code};
use crate::etag::IfMatch;
use crate::idempotency::Idempotency;
use crate::path::Segments;
use crate::query::QueryString;
use crate::signature::Signature;

const TRUTH: &str = "must be true or false";

/// Install a plugin
///
/// The body is a component. With a tenant's key it serves that tenant; with an operator's key
/// every tenant, or the one that the header `Cordon-Tenant` names. It is looked at, compiled in a
/// process of its own, asked what it is, and becomes the active version of its name; see
/// `POST …/activate` for what that means to connections. The same component again answers 200.
/// What is refused leaves nothing behind: so is a signature that does not count, a component without
/// one where the host requires it, and a version that is older than the newest that was ever here.
#[utoipa::path(
    post,
    path = "/v1/plugins",
    tag = "plugins",
    params(
        ("name" = Option<String>, Query, description = "Its name; left out: the name that the component gives itself, else its connector type"),
        ("version" = Option<String>, Query, description = "Its version; left out: the component's custom section `version`"),
        ("activate" = Option<bool>, Query, description = "Whether it becomes the active version; left out: true"),
        ("allow_downgrade" = Option<bool>, Query, description = "Whether it may be older than the newest version that was ever here; left out: false"),
        ("Cordon-Signature" = Option<String>, Header, description = "Base64 of its .minisig file; the trusted comment reads `cordon name=NAME version=VERSION`"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer for 24 hours"),
    ),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses(
        (status = 201, description = "Installed", body = InstallationView),
        (status = 200, description = "It was installed already", body = InstallationView),
    )
)]
pub(crate) async fn install_plugin(
    auth: Auth,
    idempotency: Idempotency,
    Signature(signature): Signature,
    mut query: QueryString,
    body: ComponentBody,
) -> Result<Answer, ApiError> {
    let access = auth.plugin_access(Scope::PluginsWrite).await?;
    let (name, version) = (query.one("name"), query.one("version"));
    let activate = query.parsed("activate", TRUTH).unwrap_or(true);
    let allow_downgrade = query.parsed("allow_downgrade", TRUTH).unwrap_or(false);
    query.finish()?;
    let ComponentBody { bytes, room } = body;
    let mut hash = Sha256::new();
    hash.update(format!("{name:?} {version:?} {activate} {allow_downgrade} {signature:?} "));
    hash.update(&bytes);
    let sha256 = hash.finalize().into();
    let (services, own) = (auth.services().clone(), access.scope().cloned());
    // Goes on to its end although the caller hangs up: half an installation is none.
    let work = auth.state.unfinished.spawn(async move {
        let component = bytes;
        let upload = Upload { name, version, activate, allow_downgrade, signature, component };
        let installed = services.install_plugin(&access, upload).await;
        drop(room);
        let installed = installed?;
        let reference = &installed.plugin.plugin.reference;
        let location = format!("/v1/plugins/{}/{}", reference.name, reference.version);
        let revision = installed.plugin.installed.as_ref().map(|plugin| plugin.revision);
        let created = installed.created;
        let answer = Answer::written(created, &InstallationView::from(installed))?;
        let answer = answer.at(location);
        Ok(match revision {
            Some(revision) => answer.tagged(revision),
            None => answer,
        })
    });
    let work = async { work.await.unwrap_or_else(|_| Err(ApiError::plain(Code::Internal))) };
    idempotency.once(&auth.state, own.as_ref(), sha256, work).await
}

/// List plugins
///
/// What came with the host, what serves every tenant, and the tenant's own; an operator's key
/// without `Cordon-Tenant` sees those of every tenant, and what became of each file of the plugins
/// folder. All of them, on one page.
#[utoipa::path(
    get,
    path = "/v1/plugins",
    tag = "plugins",
    responses((status = 200, description = "The plugins, by name and version", body = PluginsView))
)]
pub(crate) async fn list_plugins(auth: Auth, query: QueryString) -> Result<Answer, ApiError> {
    let access = auth.plugin_access(Scope::PluginsRead).await?;
    query.finish()?;
    let services = auth.services();
    let (plugins, damaged) =
        (services.list_plugins(&access).await?, services.damaged_plugins(&access).await?);
    Answer::ok(&PluginsView::new(plugins, damaged, services.plugin_folder(&access)))
}

/// Show a plugin
#[utoipa::path(
    get,
    path = "/v1/plugins/{name}/{version}",
    tag = "plugins",
    params(
        ("name" = String, Path, description = "Name of the plugin"),
        ("version" = String, Path, description = "Its version"),
    ),
    responses((status = 200, description = "The plugin", body = KnownPluginView))
)]
pub(crate) async fn get_plugin(
    auth: Auth,
    Segments((name, version)): Segments<(String, String)>,
) -> Result<Answer, ApiError> {
    let access = auth.plugin_access(Scope::PluginsRead).await?;
    let known = auth.services().plugin(&access, &name, &version).await?;
    let revision = known.installed.as_ref().map(|plugin| plugin.revision);
    let answer = Answer::ok(&KnownPluginView::from(known))?;
    Ok(match revision {
        Some(revision) => answer.tagged(revision),
        None => answer,
    })
}

/// Remove a plugin
///
/// 409 `in_use` while a connection or an open request uses it, while it is the active one of
/// several versions, and for what came with the host.
#[utoipa::path(
    delete,
    path = "/v1/plugins/{name}/{version}",
    tag = "plugins",
    params(
        ("name" = String, Path, description = "Name of the plugin"),
        ("version" = String, Path, description = "Its version"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the plugin must have"),
    ),
    responses((status = 204, description = "Removed"))
)]
pub(crate) async fn delete_plugin(
    auth: Auth,
    Segments((name, version)): Segments<(String, String)>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, ApiError> {
    let access = auth.plugin_access(Scope::PluginsWrite).await?;
    auth.services().delete_plugin(&access, &name, &version, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switch to a version of a plugin
///
/// Forwards or back. Connections of its type are checked with it: those that it refuses, and
/// those that would need more than they were granted, stay with the version that they have and
/// are listed with the reason; the others go over. To take one along later, grant what is missing
/// and switch again. Requests under way keep the version that they began with.
#[utoipa::path(
    post,
    path = "/v1/plugins/{name}/{version}/activate",
    tag = "plugins",
    params(
        ("name" = String, Path, description = "Name of the plugin"),
        ("version" = String, Path, description = "Its version"),
        ("dry_run" = Option<bool>, Query, description = "Only say what would become of each connection"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the plugin must have"),
    ),
    responses((status = 200, description = "What became of each connection", body = ActivationView))
)]
pub(crate) async fn activate_plugin(
    auth: Auth,
    Segments((name, version)): Segments<(String, String)>,
    IfMatch(if_match): IfMatch,
    mut query: QueryString,
) -> Result<Answer, ApiError> {
    let access = auth.plugin_access(Scope::PluginsWrite).await?;
    let dry_run = query.parsed("dry_run", TRUTH).unwrap_or(false);
    query.finish()?;
    let services = auth.services().clone();
    // Goes on to its end although the caller hangs up: otherwise some connections would stay
    // behind for no reason.
    let work = auth.state.unfinished.spawn(async move {
        let switched =
            services.activate_plugin(&access, &name, &version, if_match, dry_run).await?;
        Answer::ok(&ActivationView::from(switched))
    });
    work.await.unwrap_or_else(|_| Err(ApiError::plain(Code::Internal)))
}
