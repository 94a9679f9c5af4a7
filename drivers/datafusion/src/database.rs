//! A database: one catalog and one runtime, shared by its connections.

use std::sync::{Arc, Mutex};

use adbc_core::error::{Result, Status};
use adbc_core::options::{OptionConnection, OptionDatabase, OptionValue};
use adbc_core::{Database, Optionable};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider,
};
use datafusion::config::ConfigOptions;
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};

use crate::cancel::lock;
use crate::connection::DataFusionConnection;
use crate::cooperative::YieldAfterJoins;
use crate::error::{error, from_datafusion, guard, invalid_argument};
use crate::memory::new_pool;
use crate::options::{Limits, MEMORY_LIMIT, Settings, to_double, to_int, to_text};
use crate::parquet_format::ParquetFactory;
use crate::runtime::{Runtime, Workers};
use crate::session::Session;
use crate::table_factory::ParquetTableFactory;

/// What the connections of a database share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) workers: Workers,
    pub(crate) catalogs: Arc<dyn CatalogProviderList>,
    /// The functions, file formats, caches and object stores of every session.
    pub(crate) template: SessionState,
    /// The pool of the queries that have none of their own.
    pool: Mutex<Option<Arc<dyn MemoryPool>>>,
}

impl Shared {
    pub(crate) fn pool(&self) -> Option<Arc<dyn MemoryPool>> {
        lock(&self.pool).clone()
    }

    /// The size of the shared pool, if there is one.
    pub(crate) fn pool_size(&self) -> Option<usize> {
        match self.pool()?.memory_limit() {
            MemoryLimit::Finite(size) => Some(size),
            _ => None,
        }
    }
}

/// An ADBC database.
#[derive(Debug)]
pub struct DataFusionDatabase {
    shared: Arc<Shared>,
    settings: Settings,
    // Dropped last, as with all that hold it: nothing of theirs outlives the threads.
    runtime: Arc<Runtime>,
}

impl DataFusionDatabase {
    pub(crate) fn open(
        opts: impl IntoIterator<Item = (OptionDatabase, OptionValue)>,
    ) -> Result<Self> {
        let mut settings = Settings {
            config: default_config(),
            limits: Limits::default(),
        };
        for (key, value) in opts {
            set_database_option(&mut settings, key, value)?;
        }
        let mut template = SessionStateBuilder::new()
            .with_config(settings.config.clone().into())
            .with_default_features()
            .with_physical_optimizer_rule(Arc::new(YieldAfterJoins))
            .build();
        template
            .register_file_format(Arc::new(ParquetFactory::default()), true)
            .map_err(from_datafusion)?;
        template.table_factories_mut().insert(
            "PARQUET".to_owned(),
            Arc::new(ParquetTableFactory::default()),
        );
        let runtime = Runtime::new()?;
        let shared = Shared {
            workers: runtime.workers().clone(),
            catalogs: first_catalog(&settings.config)?,
            template,
            pool: Mutex::new(settings.limits.memory.map(new_pool)),
        };
        Ok(Self {
            shared: Arc::new(shared),
            settings,
            runtime: Arc::new(runtime),
        })
    }
}

fn default_config() -> ConfigOptions {
    let mut config = ConfigOptions::new();
    // The catalog is made once a database: a session that made its own would replace it.
    config.catalog.create_default_catalog_and_schema = false;
    // SHOW TABLES and DESCRIBE need it.
    config.catalog.information_schema = true;
    config
}

fn first_catalog(config: &ConfigOptions) -> Result<Arc<dyn CatalogProviderList>> {
    let catalog = MemoryCatalogProvider::new();
    catalog
        .register_schema(
            &config.catalog.default_schema,
            Arc::new(MemorySchemaProvider::new()),
        )
        .map_err(from_datafusion)?;
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(config.catalog.default_catalog.clone(), Arc::new(catalog));
    Ok(Arc::new(catalogs))
}

fn set_database_option(
    settings: &mut Settings,
    key: OptionDatabase,
    value: OptionValue,
) -> Result<()> {
    let name = key.as_ref().to_owned();
    let value = to_text(&name, value)?;
    match key {
        OptionDatabase::Uri => check_uri(&value),
        OptionDatabase::Username | OptionDatabase::Password if value.is_empty() => Ok(()),
        OptionDatabase::Username | OptionDatabase::Password => Err(invalid_argument(format!(
            "DataFusion runs inside the client and takes no '{name}'"
        ))),
        _ => settings.set(&name, &value),
    }
}

/// There is nothing to connect to, but a driver manager may pick the driver by a URI's scheme.
fn check_uri(uri: &str) -> Result<()> {
    match uri {
        "" | "datafusion:" | "datafusion://" | "datafusion:///" => Ok(()),
        _ => Err(invalid_argument(format!(
            "DataFusion runs inside the client: 'uri' is empty or 'datafusion://', not '{uri}'"
        ))),
    }
}

impl Optionable for DataFusionDatabase {
    type Option = OptionDatabase;

    fn set_option(&mut self, key: OptionDatabase, value: OptionValue) -> Result<()> {
        guard(|| {
            let before = self.settings.limits.memory;
            set_database_option(&mut self.settings, key, value)?;
            if self.settings.limits.memory != before {
                *lock(&self.shared.pool) = self.settings.limits.memory.map(new_pool);
            }
            Ok(())
        })
    }

    fn get_option_string(&self, key: OptionDatabase) -> Result<String> {
        guard(|| match key {
            OptionDatabase::Uri => Ok(String::new()),
            OptionDatabase::Username | OptionDatabase::Password => Err(error(
                Status::NotFound,
                format!("'{}' is not set", key.as_ref()),
            )),
            _ => self.settings.get(key.as_ref()),
        })
    }

    fn get_option_bytes(&self, key: OptionDatabase) -> Result<Vec<u8>> {
        self.get_option_string(key).map(String::into_bytes)
    }

    fn get_option_int(&self, key: OptionDatabase) -> Result<i64> {
        let name = key.as_ref().to_owned();
        to_int(&name, &self.get_option_string(key)?)
    }

    fn get_option_double(&self, key: OptionDatabase) -> Result<f64> {
        let name = key.as_ref().to_owned();
        to_double(&name, &self.get_option_string(key)?)
    }
}

impl Database for DataFusionDatabase {
    type ConnectionType = DataFusionConnection;

    fn new_connection(&self) -> Result<DataFusionConnection> {
        guard(|| {
            let mut settings = self.settings.clone();
            // What limits the database as a whole is its shared pool, not a pool a query.
            settings.set(MEMORY_LIMIT, "")?;
            let session = Session::new(Arc::clone(&self.shared), settings);
            Ok(DataFusionConnection::new(
                session,
                Arc::clone(&self.runtime),
            ))
        })
    }

    fn new_connection_with_opts(
        &self,
        opts: impl IntoIterator<Item = (OptionConnection, OptionValue)>,
    ) -> Result<DataFusionConnection> {
        let mut connection = self.new_connection()?;
        // A catalog comes before the schema in it, whatever order the options arrive in.
        let mut opts: Vec<_> = opts.into_iter().collect();
        opts.sort_by_key(|(key, _)| *key == OptionConnection::CurrentSchema);
        for (key, value) in opts {
            connection.set_option(key, value)?;
        }
        Ok(connection)
    }
}
