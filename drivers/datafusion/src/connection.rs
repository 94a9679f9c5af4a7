//! A connection: one DataFusion session over the database's catalog.

use std::collections::HashSet;
use std::sync::Arc;

use adbc_core::error::{Result, Status};
use adbc_core::options::{InfoCode, ObjectDepth, OptionConnection, OptionValue};
use adbc_core::{CancelHandle, Connection, Optionable};
use datafusion::arrow::array::RecordBatchReader;
use datafusion::arrow::datatypes::Schema;

use crate::cancel::CancelSlot;
use crate::catalog::{ObjectFilter, get_objects, get_table_schema, get_table_types};
use crate::error::{error, guard, not_implemented};
use crate::info::get_info;
use crate::options::{to_bool, to_double, to_int, to_text};
use crate::partitions::WaitingParts;
use crate::runtime::Runtime;
use crate::session::Session;
use crate::statement::DataFusionStatement;

type Reader = Box<dyn RecordBatchReader + Send + 'static>;

/// An ADBC connection. Its statements may run at the same time as those of other connections.
#[derive(Debug)]
pub struct DataFusionConnection {
    session: Arc<Session>,
    cancel: CancelSlot,
    waiting: Arc<WaitingParts>,
    runtime: Arc<Runtime>,
}

impl DataFusionConnection {
    pub(crate) fn new(session: Session, runtime: Arc<Runtime>) -> Self {
        Self {
            session: Arc::new(session),
            cancel: CancelSlot::new(),
            waiting: Arc::default(),
            runtime,
        }
    }

    #[cfg(test)]
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }
}

impl Optionable for DataFusionConnection {
    type Option = OptionConnection;

    fn set_option(&mut self, key: OptionConnection, value: OptionValue) -> Result<()> {
        guard(|| {
            let name = key.as_ref().to_owned();
            match key {
                OptionConnection::AutoCommit => match to_bool(&name, value)? {
                    true => Ok(()),
                    false => Err(not_implemented("DataFusion has no transactions")),
                },
                OptionConnection::ReadOnly => {
                    self.session.set_read_only(to_bool(&name, value)?);
                    Ok(())
                }
                OptionConnection::CurrentCatalog => {
                    self.session.use_catalog(&to_text(&name, value)?)
                }
                OptionConnection::CurrentSchema => self.session.use_schema(&to_text(&name, value)?),
                OptionConnection::IsolationLevel => match to_text(&name, value)?.as_str() {
                    adbc_core::constants::ADBC_OPTION_ISOLATION_LEVEL_DEFAULT => Ok(()),
                    _ => Err(not_implemented("DataFusion has no transactions")),
                },
                _ => self.session.set(&name, &to_text(&name, value)?),
            }
        })
    }

    fn get_option_string(&self, key: OptionConnection) -> Result<String> {
        guard(|| {
            let config = self.session.settings().config;
            match key {
                OptionConnection::AutoCommit => Ok("true".to_owned()),
                OptionConnection::ReadOnly => Ok(self.session.read_only().to_string()),
                OptionConnection::CurrentCatalog => Ok(config.catalog.default_catalog),
                OptionConnection::CurrentSchema => Ok(config.catalog.default_schema),
                OptionConnection::IsolationLevel => {
                    Ok(adbc_core::constants::ADBC_OPTION_ISOLATION_LEVEL_DEFAULT.to_owned())
                }
                _ => self.session.get(key.as_ref()),
            }
        })
    }

    fn get_option_bytes(&self, key: OptionConnection) -> Result<Vec<u8>> {
        self.get_option_string(key).map(String::into_bytes)
    }

    fn get_option_int(&self, key: OptionConnection) -> Result<i64> {
        let name = key.as_ref().to_owned();
        to_int(&name, &self.get_option_string(key)?)
    }

    fn get_option_double(&self, key: OptionConnection) -> Result<f64> {
        let name = key.as_ref().to_owned();
        to_double(&name, &self.get_option_string(key)?)
    }
}

impl Connection for DataFusionConnection {
    type StatementType = DataFusionStatement;

    fn new_statement(&mut self) -> Result<DataFusionStatement> {
        Ok(DataFusionStatement::new(
            Arc::clone(&self.session),
            Arc::clone(&self.waiting),
            Arc::clone(&self.runtime),
        ))
    }

    fn get_cancel_handle(&self) -> Box<dyn CancelHandle> {
        Box::new(self.cancel.clone())
    }

    fn get_info(&self, codes: Option<HashSet<InfoCode>>) -> Result<Reader> {
        guard(|| get_info(codes))
    }

    fn get_objects(
        &self,
        depth: ObjectDepth,
        catalog: Option<&str>,
        db_schema: Option<&str>,
        table_name: Option<&str>,
        table_type: Option<Vec<&str>>,
        column_name: Option<&str>,
    ) -> Result<Reader> {
        guard(|| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let filter = ObjectFilter {
                depth,
                catalog: owned(catalog),
                schema: owned(db_schema),
                table: owned(table_name),
                table_types: table_type
                    .map(|types| types.into_iter().map(str::to_owned).collect::<Vec<_>>()),
                column: owned(column_name),
            };
            let objects = get_objects(Arc::clone(&self.session), filter);
            self.session.workers().run(&self.cancel.start(), objects)
        })
    }

    fn get_table_schema(
        &self,
        catalog: Option<&str>,
        db_schema: Option<&str>,
        table_name: &str,
    ) -> Result<Schema> {
        guard(|| {
            let name = self.session.resolve(catalog, db_schema, table_name);
            let schema = get_table_schema(Arc::clone(&self.session), name);
            self.session.workers().run(&self.cancel.start(), schema)
        })
    }

    fn get_table_types(&self) -> Result<Reader> {
        guard(get_table_types)
    }

    fn get_statistic_names(&self) -> Result<Reader> {
        Err(not_implemented("statistics are not implemented"))
    }

    fn get_statistics(
        &self,
        _catalog: Option<&str>,
        _db_schema: Option<&str>,
        _table_name: Option<&str>,
        _approximate: bool,
    ) -> Result<Reader> {
        Err(not_implemented("statistics are not implemented"))
    }

    fn commit(&mut self) -> Result<()> {
        Err(no_transaction("commit"))
    }

    fn rollback(&mut self) -> Result<()> {
        Err(no_transaction("roll back"))
    }

    fn read_partition(&self, partition: impl AsRef<[u8]>) -> Result<Reader> {
        guard(|| self.waiting.take(partition.as_ref()))
    }
}

fn no_transaction(what: &str) -> adbc_core::error::Error {
    error(
        Status::InvalidState,
        format!("nothing to {what}: DataFusion has no transactions, each statement is final"),
    )
}
