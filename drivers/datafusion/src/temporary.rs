//! Temporary tables: a layer over the shared catalog that one connection sees.
//!
//! A temporary table lives in the connection's current schema, hides a table of the same name there,
//! and goes away with the connection.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::exec_err;
use datafusion::datasource::TableType;
use datafusion::error::Result;

use crate::cancel::lock;

type Name = (String, String, String);

/// The temporary tables of one connection, by catalog, schema and name.
#[derive(Debug, Default)]
pub(crate) struct TemporaryTables(Mutex<HashMap<Name, Arc<dyn TableProvider>>>);

impl TemporaryTables {
    pub(crate) fn get(&self, name: &Name) -> Option<Arc<dyn TableProvider>> {
        lock(&self.0).get(name).cloned()
    }

    pub(crate) fn put(&self, name: Name, table: Arc<dyn TableProvider>) {
        lock(&self.0).insert(name, table);
    }

    fn remove(&self, name: &Name) -> Option<Arc<dyn TableProvider>> {
        lock(&self.0).remove(name)
    }

    fn names_in(&self, catalog: &str, schema: &str) -> Vec<String> {
        lock(&self.0)
            .keys()
            .filter(|(in_catalog, in_schema, _)| in_catalog == catalog && in_schema == schema)
            .map(|(_, _, name)| name.clone())
            .collect()
    }
}

/// The shared catalogs with one connection's temporary tables over them.
#[derive(Debug)]
pub(crate) struct SessionCatalogs {
    pub(crate) shared: Arc<dyn CatalogProviderList>,
    pub(crate) temporary: Arc<TemporaryTables>,
}

impl CatalogProviderList for SessionCatalogs {
    fn register_catalog(
        &self,
        name: String,
        catalog: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        self.shared.register_catalog(name, catalog)
    }

    fn catalog_names(&self) -> Vec<String> {
        self.shared.catalog_names()
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        let shared = self.shared.catalog(name)?;
        Some(Arc::new(SessionCatalog {
            name: name.to_owned(),
            shared,
            temporary: Arc::clone(&self.temporary),
        }))
    }
}

#[derive(Debug)]
struct SessionCatalog {
    name: String,
    shared: Arc<dyn CatalogProvider>,
    temporary: Arc<TemporaryTables>,
}

impl CatalogProvider for SessionCatalog {
    fn schema_names(&self) -> Vec<String> {
        self.shared.schema_names()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let shared = self.shared.schema(name)?;
        Some(Arc::new(SessionSchema {
            catalog: self.name.clone(),
            name: name.to_owned(),
            shared,
            temporary: Arc::clone(&self.temporary),
        }))
    }

    fn register_schema(
        &self,
        name: &str,
        schema: Arc<dyn SchemaProvider>,
    ) -> Result<Option<Arc<dyn SchemaProvider>>> {
        self.shared.register_schema(name, schema)
    }

    fn deregister_schema(
        &self,
        name: &str,
        cascade: bool,
    ) -> Result<Option<Arc<dyn SchemaProvider>>> {
        self.shared.deregister_schema(name, cascade)
    }
}

#[derive(Debug)]
struct SessionSchema {
    catalog: String,
    name: String,
    shared: Arc<dyn SchemaProvider>,
    temporary: Arc<TemporaryTables>,
}

impl SessionSchema {
    fn key(&self, table: &str) -> Name {
        (self.catalog.clone(), self.name.clone(), table.to_owned())
    }
}

#[async_trait]
impl SchemaProvider for SessionSchema {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.shared.table_names();
        names.extend(self.temporary.names_in(&self.catalog, &self.name));
        names.sort_unstable();
        names.dedup();
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.temporary.get(&self.key(name)) {
            Some(table) => Ok(Some(table)),
            None => self.shared.table(name).await,
        }
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        match self.temporary.get(&self.key(name)) {
            Some(_) => Ok(Some(TableType::Temporary)),
            None => self.shared.table_type(name).await,
        }
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        // It would be there for every connection but this one, which could not drop it either.
        if self.temporary.get(&self.key(&name)).is_some() {
            return exec_err!("A temporary table '{name}' already exists");
        }
        self.shared.register_table(name, table)
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.temporary.remove(&self.key(name)) {
            Some(table) => Ok(Some(table)),
            None => self.shared.deregister_table(name),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.temporary.get(&self.key(name)).is_some() || self.shared.table_exist(name)
    }
}
