//! A statement: one query, its parameters and its options.

use std::sync::Arc;

use adbc_core::error::{Error, Result, Status};
use adbc_core::options::{OptionStatement, OptionValue};
use adbc_core::{CancelHandle, Optionable, PartitionedResult, Statement};
use datafusion::arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use datafusion::arrow::datatypes::Schema;
use datafusion_substrait::substrait::proto::Plan;
use prost::Message;

use crate::bind::{BoundRows, parameter_schema};
use crate::cancel::{CancelSlot, CancelToken};
use crate::error::{error, guard, invalid_argument, not_implemented};
use crate::execution::Execution;
use crate::ingest::{Target, ingest};
use crate::options::{BIND_BY_NAME, ESTIMATED_ROWS, EXPLAIN, to_bool, to_double, to_int, to_text};
use crate::partitions::WaitingParts;
use crate::query::{Input, Query, result_schema};
use crate::runtime::Runtime;
use crate::session::Session;

type Reader = Box<dyn RecordBatchReader + Send + 'static>;

/// An ADBC statement. Its results stay readable when it is dropped.
pub struct DataFusionStatement {
    session: Arc<Session>,
    input: Option<Input>,
    bound: Option<BoundRows>,
    bind_by_name: bool,
    target: Target,
    /// The settings that differ from the connection's.
    overrides: Vec<(String, String)>,
    cancel: CancelSlot,
    /// The connection's.
    waiting: Arc<WaitingParts>,
    runtime: Arc<Runtime>,
}

impl DataFusionStatement {
    pub(crate) fn new(
        session: Arc<Session>,
        waiting: Arc<WaitingParts>,
        runtime: Arc<Runtime>,
    ) -> Self {
        Self {
            session,
            input: None,
            bound: None,
            bind_by_name: false,
            target: Target::default(),
            overrides: Vec::new(),
            cancel: CancelSlot::new(),
            waiting,
            runtime,
        }
    }

    fn input(&self) -> Result<Input> {
        self.input.clone().ok_or_else(|| {
            error(
                Status::InvalidState,
                "no query is set: set one, or an ingest target table",
            )
        })
    }

    fn set_input(&mut self, input: Input) {
        self.input = Some(input);
        // The last one set wins: a query or an ingest.
        self.target.table = None;
    }

    /// The rows that are bound, for parameters. A client says how they are bound before or after it binds them.
    fn take_bound(&mut self) -> Option<BoundRows> {
        let by_name = self.bind_by_name;
        self.bound.take().map(|rows| rows.by_name(by_name))
    }

    /// Plans the query and returns what it takes to run it.
    fn execution(&mut self, cancel: CancelToken) -> Result<Execution> {
        let input = self.input()?;
        let (query, spill) = self.session.query(&self.overrides)?;
        let query = Query {
            session: Arc::clone(&self.session),
            context: query,
        };
        let planner = query.clone();
        let plan = self
            .session
            .workers()
            .run(&cancel, async move { planner.plan(input).await })?;
        Ok(Execution {
            query,
            plan,
            cancel,
            spill: Arc::new(spill),
            runtime: Arc::clone(&self.runtime),
        })
    }

    fn ingest(&mut self, cancel: &CancelToken) -> Result<i64> {
        self.target.used = true;
        let Some(rows) = self.bound.take() else {
            return Err(error(Status::InvalidState, "no rows are bound to ingest"));
        };
        if self.session.read_only() {
            return Err(error(
                Status::InvalidState,
                "the connection is read-only: no ingest",
            ));
        }
        let (context, _spill) = self.session.query(&self.overrides)?;
        let query = Query {
            session: Arc::clone(&self.session),
            context,
        };
        ingest(&query, &self.target, rows.into_batches(), cancel)
    }

    /// Plans the query, without running it, and looks at the plan.
    fn inspect<T: Send + 'static, F>(&self, look: impl FnOnce(Query, Input) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (context, spill) = self.session.query(&self.overrides)?;
        let query = Query {
            session: Arc::clone(&self.session),
            context,
        };
        let looked = look(query, self.input()?);
        let cancel = self.cancel.join();
        let result = self.session.workers().run(&cancel, looked);
        drop(spill);
        result
    }

    fn set_setting(&mut self, name: &str, value: String) -> Result<()> {
        if [ESTIMATED_ROWS, EXPLAIN].contains(&name) {
            return Err(invalid_argument(format!("'{name}' can only be read")));
        }
        self.session.settings().set(name, &value)?;
        self.overrides.retain(|(known, _)| known != name);
        self.overrides.push((name.to_owned(), value));
        Ok(())
    }

    fn get_setting(&self, name: &str) -> Result<String> {
        match name {
            ESTIMATED_ROWS => self
                .inspect(|query, input| async move { query.estimated_rows(input).await })
                .map(|rows| rows.to_string()),
            EXPLAIN => self.inspect(|query, input| async move { query.explain(input).await }),
            _ if self.overrides.is_empty() => self.session.get(name),
            _ => {
                let mut settings = self.session.settings();
                for (name, value) in &self.overrides {
                    settings.set(name, value)?;
                }
                match settings.get(name)? {
                    value if value.is_empty() => self.session.get(name),
                    value => Ok(value),
                }
            }
        }
    }
}

impl Optionable for DataFusionStatement {
    type Option = OptionStatement;

    fn set_option(&mut self, key: OptionStatement, value: OptionValue) -> Result<()> {
        guard(|| {
            let name = key.as_ref().to_owned();
            match key {
                OptionStatement::Temporary => {
                    self.target.temporary = to_bool(&name, value)?;
                    return Ok(());
                }
                OptionStatement::Other(_) if name == BIND_BY_NAME => {
                    self.bind_by_name = to_bool(&name, value)?;
                    return Ok(());
                }
                OptionStatement::Incremental if !to_bool(&name, value.clone())? => return Ok(()),
                _ => {}
            }
            let text = to_text(&name, value)?;
            match key {
                OptionStatement::IngestMode => {
                    text.parse::<adbc_core::options::IngestMode>()?;
                    self.target.mode = Some(text);
                }
                OptionStatement::TargetTable => {
                    self.target.renamed().table = Some(text);
                    self.input = None;
                }
                OptionStatement::TargetCatalog => self.target.renamed().catalog = Some(text),
                OptionStatement::TargetDbSchema => self.target.renamed().schema = Some(text),
                OptionStatement::Incremental
                | OptionStatement::Progress
                | OptionStatement::MaxProgress => return Err(unsupported(&name)),
                _ => self.set_setting(&name, text)?,
            }
            Ok(())
        })
    }

    fn get_option_string(&self, key: OptionStatement) -> Result<String> {
        guard(|| {
            let name = key.as_ref().to_owned();
            let set = |value: &Option<String>| {
                let missing = || error(Status::NotFound, format!("'{name}' is not set"));
                value.clone().ok_or_else(missing)
            };
            match key {
                OptionStatement::IngestMode => set(&self.target.mode),
                OptionStatement::TargetTable => set(&self.target.table),
                OptionStatement::TargetCatalog => set(&self.target.catalog),
                OptionStatement::TargetDbSchema => set(&self.target.schema),
                OptionStatement::Temporary => Ok(self.target.temporary.to_string()),
                OptionStatement::Other(_) if name == BIND_BY_NAME => {
                    Ok(self.bind_by_name.to_string())
                }
                OptionStatement::Incremental => Ok("false".to_owned()),
                OptionStatement::Progress | OptionStatement::MaxProgress => Err(unsupported(&name)),
                _ => self.get_setting(&name),
            }
        })
    }

    fn get_option_bytes(&self, key: OptionStatement) -> Result<Vec<u8>> {
        self.get_option_string(key).map(String::into_bytes)
    }

    fn get_option_int(&self, key: OptionStatement) -> Result<i64> {
        let name = key.as_ref().to_owned();
        to_int(&name, &self.get_option_string(key)?)
    }

    fn get_option_double(&self, key: OptionStatement) -> Result<f64> {
        let name = key.as_ref().to_owned();
        to_double(&name, &self.get_option_string(key)?)
    }
}

impl Statement for DataFusionStatement {
    fn bind(&mut self, batch: RecordBatch) -> Result<()> {
        let schema = batch.schema();
        self.bind_stream(Box::new(RecordBatchIterator::new([Ok(batch)], schema)))
    }

    fn bind_stream(&mut self, reader: Box<dyn RecordBatchReader + Send>) -> Result<()> {
        self.bound = Some(BoundRows::new(reader));
        Ok(())
    }

    fn execute(&mut self) -> Result<Reader> {
        guard(|| {
            let cancel = self.cancel.start();
            if self.target.table.is_some() {
                self.ingest(&cancel)?;
                return Ok(no_rows());
            }
            let execution = self.execution(cancel)?;
            match self.take_bound() {
                Some(rows) => execution.execute_bound(rows),
                None => execution.execute(),
            }
        })
    }

    fn execute_update(&mut self) -> Result<Option<i64>> {
        guard(|| {
            let cancel = self.cancel.start();
            let count = if self.target.table.is_some() {
                self.ingest(&cancel)?
            } else {
                let execution = self.execution(cancel)?;
                match self.take_bound() {
                    Some(rows) => execution.update_bound(rows)?,
                    None => execution.update()?,
                }
            };
            Ok((count >= 0).then_some(count))
        })
    }

    fn execute_schema(&mut self) -> Result<Schema> {
        guard(|| {
            self.inspect(|query, input| async move {
                let plan = query.plan(input).await?;
                result_schema(&query, &plan).await
            })
        })
    }

    fn execute_partitions(&mut self) -> Result<PartitionedResult> {
        guard(|| {
            if self.target.table.is_some() || self.bound.is_some() {
                return Err(not_implemented(
                    "an ingest and bound rows have no partitions",
                ));
            }
            let cancel = self.cancel.start();
            let parts = self.execution(cancel)?.execute_in_parts()?;
            let schema = parts.first().map(|part| part.schema().as_ref().clone());
            Ok(PartitionedResult {
                schema: schema.unwrap_or_else(Schema::empty),
                partitions: self.waiting.put(parts),
                rows_affected: -1,
            })
        })
    }

    fn get_parameter_schema(&self) -> Result<Schema> {
        guard(|| {
            self.inspect(|query, input| async move { parameter_schema(&query.plan(input).await?) })
        })
    }

    fn prepare(&mut self) -> Result<()> {
        guard(|| {
            // Only what is wrong is of use: a plan holds on to the tables as they are now.
            self.inspect(|query, input| async move { query.plan(input).await })?;
            Ok(())
        })
    }

    fn set_sql_query(&mut self, query: impl AsRef<str>) -> Result<()> {
        self.set_input(Input::Sql(query.as_ref().to_owned()));
        Ok(())
    }

    fn set_substrait_plan(&mut self, plan: impl AsRef<[u8]>) -> Result<()> {
        guard(|| {
            let plan = Plan::decode(plan.as_ref())
                .map_err(|cause| invalid_argument(format!("not a Substrait plan: {cause}")))?;
            self.set_input(Input::Substrait(Arc::new(plan)));
            Ok(())
        })
    }

    fn get_cancel_handle(&self) -> Box<dyn CancelHandle> {
        Box::new(self.cancel.clone())
    }
}

/// The result of what has none.
pub(crate) fn no_rows() -> Reader {
    let schema = Arc::new(Schema::empty());
    Box::new(RecordBatchIterator::new([], schema))
}

fn unsupported(name: &str) -> Error {
    not_implemented(format!("'{name}' is not supported"))
}
