//! What a connection's statements share: its settings, its catalog view and its temporary tables.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use adbc_core::error::{Error, Result, Status};
use datafusion::catalog::SchemaProvider;
use datafusion::common::ResolvedTableReference;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{LogicalPlan, SetVariable, Statement};
use datafusion::prelude::{SQLOptions, SessionContext};

use crate::cancel::lock;
use crate::database::Shared;
use crate::error::{error, from_datafusion};
use crate::memory::{SpillGuard, bound_partitions, query_env};
use crate::options::{Limits, MEMORY_LIMIT, Settings, is_runtime_setting, nearest};
use crate::runtime::Workers;
use crate::scan_ahead::ScanAhead;
use crate::temporary::{SessionCatalogs, TemporaryTables};
use crate::text_views::TextViews;

/// The state behind a connection. Statements and results keep it alive.
pub(crate) struct Session {
    pub(crate) shared: Arc<Shared>,
    /// Holds the configuration and what SQL's PREPARE has stored.
    pub(crate) context: SessionContext,
    pub(crate) temporary: Arc<TemporaryTables>,
    limits: Mutex<Limits>,
    read_only: AtomicBool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, settings: Settings) -> Self {
        let temporary = Arc::new(TemporaryTables::default());
        let catalogs = SessionCatalogs {
            shared: Arc::clone(&shared.catalogs),
            temporary: Arc::clone(&temporary),
        };
        let state = SessionStateBuilder::new_from_existing(shared.template.clone())
            .with_config(settings.config.into())
            .with_catalog_list(Arc::new(catalogs))
            .build();
        Self {
            shared,
            context: SessionContext::new_with_state(state),
            temporary,
            limits: Mutex::new(settings.limits),
            read_only: AtomicBool::new(false),
        }
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.shared.workers
    }

    pub(crate) fn read_only(&self) -> bool {
        self.read_only.load(Ordering::Relaxed)
    }

    pub(crate) fn set_read_only(&self, read_only: bool) {
        self.read_only.store(read_only, Ordering::Relaxed);
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            config: self.context.state().config_options().as_ref().clone(),
            limits: lock(&self.limits).clone(),
        }
    }

    pub(crate) fn set(&self, name: &str, value: &str) -> Result<()> {
        if is_runtime_setting(name) {
            return self.set_runtime(name, value);
        }
        // Held throughout: another statement may be setting something else.
        let mut limits = lock(&self.limits);
        let mut settings = Settings {
            config: self.context.state().config_options().as_ref().clone(),
            limits: limits.clone(),
        };
        settings.set(name, value)?;
        *limits = settings.limits;
        let state = self.context.state_ref();
        *state.write().config_mut().options_mut() = settings.config;
        Ok(())
    }

    /// Settings of the caches, which DataFusion changes by SQL only.
    fn set_runtime(&self, name: &str, value: &str) -> Result<()> {
        let set = LogicalPlan::Statement(Statement::SetVariable(SetVariable {
            variable: name.to_owned(),
            value: value.to_owned(),
        }));
        let context = self.context.clone();
        let work = async move {
            let done = context.execute_logical_plan(set).await;
            done.map(|_| ()).map_err(from_datafusion)
        };
        self.workers().run(&crate::cancel::CancelToken::new(), work)
    }

    pub(crate) fn use_catalog(&self, name: &str) -> Result<()> {
        let names = self.shared.catalogs.catalog_names();
        if !names.iter().any(|known| known == name) {
            return Err(missing("catalog", name, &names));
        }
        self.set("datafusion.catalog.default_catalog", name)
    }

    pub(crate) fn use_schema(&self, name: &str) -> Result<()> {
        let catalog = self.settings().config.catalog.default_catalog;
        let names = self
            .shared
            .catalogs
            .catalog(&catalog)
            .map(|catalog| catalog.schema_names())
            .unwrap_or_default();
        if !names.iter().any(|known| known == name) {
            return Err(missing("schema", name, &names));
        }
        self.set("datafusion.catalog.default_schema", name)
    }

    /// A table's full name; parts that are not given are the connection's current ones.
    pub(crate) fn resolve(
        &self,
        catalog: Option<&str>,
        schema: Option<&str>,
        table: &str,
    ) -> ResolvedTableReference {
        let current = self.settings().config.catalog;
        ResolvedTableReference {
            catalog: catalog.unwrap_or(&current.default_catalog).into(),
            schema: schema.unwrap_or(&current.default_schema).into(),
            table: table.into(),
        }
    }

    /// The schema a table is in, with the connection's temporary tables over it.
    pub(crate) fn schema_of(
        &self,
        name: &ResolvedTableReference,
    ) -> Result<Arc<dyn SchemaProvider>> {
        let catalogs = Arc::clone(self.context.state().catalog_list());
        let Some(catalog) = catalogs.catalog(&name.catalog) else {
            return Err(missing("catalog", &name.catalog, &catalogs.catalog_names()));
        };
        catalog
            .schema(&name.schema)
            .ok_or_else(|| missing("schema", &name.schema, &catalog.schema_names()))
    }

    /// The error for a table that is not there, with the nearest name that is.
    pub(crate) fn missing_table(&self, name: &ResolvedTableReference) -> Error {
        match self.schema_of(name) {
            Ok(schema) => missing("table", &name.table, &schema.table_names()),
            Err(cause) => cause,
        }
    }

    /// A context for one query: the connection's settings with `overrides` over them, and memory and
    /// spill files of its own. The guard removes the spill files.
    pub(crate) fn query(
        &self,
        overrides: &[(String, String)],
    ) -> Result<(SessionContext, SpillGuard)> {
        let mut settings = self.settings();
        for (name, value) in overrides {
            settings.set(name, value)?;
        }
        if let Some(limit) = settings.limits.memory {
            bound_partitions(&mut settings.config, limit);
        }
        let state = self.context.state();
        let (env, spill) = query_env(state.runtime_env(), self.shared.pool(), &settings.limits)?;
        let mut state = SessionStateBuilder::new_from_existing(state)
            .with_config(settings.config.into())
            .with_runtime_env(Arc::clone(&env));
        if settings.limits.text_views {
            state = state.with_physical_optimizer_rule(Arc::new(TextViews {
                through_sorts: settings.limits.scan_ahead.is_some(),
            }));
        }
        if let Some(ranges) = settings.limits.scan_ahead {
            state = state.with_physical_optimizer_rule(Arc::new(ScanAhead {
                ranges,
                metadata: env.cache_manager.get_file_metadata_cache(),
            }));
        }
        Ok((SessionContext::new_with_state(state.build()), spill))
    }

    /// Refuses what a read-only connection must not run.
    pub(crate) fn check_allowed(&self, plan: &LogicalPlan) -> Result<()> {
        if !self.read_only() {
            return Ok(());
        }
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .verify_plan(plan)
            .map_err(|cause| {
                let reason = cause.strip_backtrace();
                error(
                    Status::InvalidState,
                    format!("the connection is read-only: {reason}"),
                )
            })
    }

    /// An option as this connection sees it.
    pub(crate) fn get(&self, name: &str) -> Result<String> {
        let value = self.settings().get(name)?;
        if value.is_empty() && name == MEMORY_LIMIT {
            return Ok(self
                .shared
                .pool_size()
                .map_or(value, |size| size.to_string()));
        }
        Ok(value)
    }
}

/// "`what` 'name' not found", with the nearest of the names there are.
fn missing(what: &str, name: &str, known: &[String]) -> Error {
    let hint = nearest(name, known.iter().map(String::as_str))
        .map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
    error(Status::NotFound, format!("{what} '{name}' not found{hint}"))
}
