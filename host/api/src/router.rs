//! The route table.

use axum::Router;
use axum::middleware::from_fn;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes as of;

use crate::error::{ApiError, Code};
use crate::openapi::{base, complete};
use crate::routes::{
    api_keys, audit, connection_types, connections, documents, dry_run, egress, events, grants,
    health, import, inputs, limits, manual_webhooks, packages, plugins, policies, policy_webhooks,
    requests, tenants,
};
use crate::{State, observe};

/// Every route and what it says of itself.
pub(crate) fn routes() -> (Router<State>, OpenApi) {
    OpenApiRouter::with_openapi(base())
        .routes(of!(health::is_alive))
        .routes(of!(health::is_ready))
        .routes(of!(documents::get_openapi))
        .routes(of!(documents::get_metrics))
        .routes(of!(tenants::list_tenants, tenants::create_tenant))
        .routes(of!(tenants::make_callback_secret))
        .routes(of!(tenants::get_tenant, tenants::patch_tenant, tenants::delete_tenant))
        .routes(of!(limits::get_limits))
        .routes(of!(api_keys::list_api_keys, api_keys::create_api_key))
        .routes(of!(api_keys::delete_api_key))
        .routes(of!(connection_types::list_connection_types))
        .routes(of!(connections::list_connections, connections::create_connection))
        .routes(of!(
            connections::get_connection,
            connections::put_connection,
            connections::patch_connection,
            connections::delete_connection
        ))
        .routes(of!(connections::put_secrets))
        .routes(of!(connections::test_connection))
        .routes(of!(dry_run::dry_run_connection))
        .routes(of!(grants::get_grants, grants::put_grants))
        .routes(of!(egress::explain_egress))
        .routes(of!(import::import_datagrail))
        .routes(of!(plugins::list_plugins, plugins::install_plugin))
        .routes(of!(plugins::get_plugin, plugins::delete_plugin))
        .routes(of!(plugins::activate_plugin))
        .routes(of!(policies::list_policies, policies::create_policy))
        .routes(of!(policies::get_policy, policies::put_policy, policies::delete_policy))
        .routes(of!(manual_webhooks::list_manual_webhooks, manual_webhooks::create_manual_webhook))
        .routes(of!(
            manual_webhooks::get_manual_webhook,
            manual_webhooks::put_manual_webhook,
            manual_webhooks::delete_manual_webhook
        ))
        .routes(of!(policy_webhooks::list_policy_webhooks, policy_webhooks::create_policy_webhook))
        .routes(of!(
            policy_webhooks::get_policy_webhook,
            policy_webhooks::put_policy_webhook,
            policy_webhooks::delete_policy_webhook
        ))
        .routes(of!(requests::list_privacy_requests, requests::submit_privacy_request))
        .routes(of!(requests::search_privacy_requests))
        .routes(of!(requests::get_privacy_request))
        .routes(of!(requests::approve_privacy_request))
        .routes(of!(requests::deny_privacy_request))
        .routes(of!(requests::cancel_privacy_request))
        .routes(of!(requests::retry_privacy_request))
        .routes(of!(requests::resume_privacy_request))
        .routes(of!(requests::settle_privacy_request))
        .routes(of!(inputs::list_manual_inputs))
        .routes(of!(inputs::put_manual_input))
        .routes(of!(inputs::get_task_input, inputs::put_task_input))
        .routes(of!(events::list_events))
        .routes(of!(packages::get_package))
        .routes(of!(audit::list_audit))
        .split_for_parts()
}

/// The whole API.
pub fn router(state: State) -> Router {
    let (router, document) = routes();
    let document = documents::Document::new(&complete(document));
    router
        .fallback(async || ApiError::plain(Code::NotFound))
        .method_not_allowed_fallback(async || ApiError::plain(Code::MethodNotAllowed))
        .layer(axum::Extension(document))
        .layer(from_fn(observe::observe))
        .with_state(state)
}
