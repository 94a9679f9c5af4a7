//! Planning a query and starting it.

use std::sync::Arc;

use adbc_core::error::{Error, Result, Status};
use datafusion::arrow::array::{Array, RecordBatch, UInt64Array};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::TableReference;
use datafusion::datasource::{MemTable, ViewTable};
use datafusion::error::DataFusionError;
use datafusion::execution::{SessionState, TaskContext};
use datafusion::logical_expr::{
    CreateMemoryTable, CreateView, DdlStatement, LogicalPlan, SetVariable, Statement,
};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{
    ExecutionPlan, collect, collect_partitioned, displayable, execute_stream,
    execute_stream_partitioned,
};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser;
use datafusion::sql::sqlparser::ast;
use datafusion_substrait::logical_plan::consumer::from_substrait_plan;
use datafusion_substrait::substrait::proto::Plan;

use crate::error::{error, from_datafusion, invalid_argument, not_implemented};
use crate::in_order::InOrderExec;
use crate::memory::{expect_sorts, fit_to_limit};
use crate::object_stores;
use crate::partitions::has_parts;
use crate::session::Session;
use crate::stream::{By, Rows};

/// What a statement was given to run.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    Sql(String),
    Substrait(Arc<Plan>),
}

/// What running a plan led to.
pub(crate) enum Outcome {
    /// Rows that are still being computed.
    Rows(Rows),
    /// A change of data, done: the rows it counted, and the count as DataFusion reports it.
    Changed(i64, SchemaRef, Vec<RecordBatch>),
    /// Anything else, done.
    Done,
}

/// One query of a session.
#[derive(Clone)]
pub(crate) struct Query {
    pub(crate) session: Arc<Session>,
    pub(crate) context: SessionContext,
}

impl Query {
    pub(crate) async fn plan(&self, input: Input) -> Result<LogicalPlan> {
        let state = self.context.state();
        let plan = match input {
            Input::Sql(sql) => plan_sql(&state, &sql).await,
            Input::Substrait(plan) => from_substrait_plan(&state, &plan).await,
        };
        let plan = plan.map_err(|cause| self.with_hint(from_datafusion(cause)))?;
        self.session.check_allowed(&plan)?;
        Ok(plan)
    }

    pub(crate) async fn physical_plan(&self, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
        let state = self.context.state();
        state
            .create_physical_plan(plan)
            .await
            .map_err(from_datafusion)
    }

    /// Runs a plan. A query's rows are left to its reader; everything else is complete on return,
    /// whether anybody reads the result or not.
    pub(crate) async fn run(&self, plan: LogicalPlan) -> Result<Outcome> {
        match object_stores::register(&self.context, plan)? {
            LogicalPlan::Statement(Statement::SetVariable(SetVariable { variable, value })) => {
                self.session.set(&variable, &value)?;
                Ok(Outcome::Done)
            }
            plan @ LogicalPlan::Statement(Statement::Execute(_)) => {
                let executed = self.session.context.execute_logical_plan(plan).await;
                let plan = executed.map_err(from_datafusion)?.into_parts().1;
                self.session.check_allowed(&plan)?;
                Box::pin(self.run(plan)).await
            }
            LogicalPlan::Statement(
                Statement::TransactionStart(_) | Statement::TransactionEnd(_),
            ) => Err(not_implemented("DataFusion has no transactions")),
            // What these change is the session itself.
            plan @ (LogicalPlan::Statement(_)
            | LogicalPlan::Ddl(
                DdlStatement::CreateFunction(_) | DdlStatement::DropFunction(_),
            )) => execute(&self.session.context, plan).await,
            LogicalPlan::Ddl(DdlStatement::CreateMemoryTable(create)) if create.temporary => {
                self.create_temporary_table(create).await
            }
            LogicalPlan::Ddl(DdlStatement::CreateView(create)) if create.temporary => {
                self.create_temporary_view(create)
            }
            LogicalPlan::Ddl(definition) => {
                self.check_replaced(&definition)?;
                execute(&self.context, LogicalPlan::Ddl(definition)).await
            }
            plan @ (LogicalPlan::Dml(_) | LogicalPlan::Copy(_)) => self.change(&plan).await,
            plan => {
                let (physical, task) = self.executable(&plan).await?;
                rows_of(physical, task).map(Outcome::Rows)
            }
        }
    }

    /// Starts a query. Its rows come as several streams where each of these may be computed by its reader.
    pub(crate) async fn run_in_parts(&self, plan: LogicalPlan) -> Result<Vec<Rows>> {
        if matches!(
            plan,
            LogicalPlan::Statement(_)
                | LogicalPlan::Ddl(_)
                | LogicalPlan::Dml(_)
                | LogicalPlan::Copy(_)
        ) {
            return Err(invalid_argument("only the rows of a query have partitions"));
        }
        let plan = object_stores::register(&self.context, plan)?;
        let (physical, task) = self.executable(&plan).await?;
        if !has_parts(&physical) {
            return rows_of(physical, task).map(|rows| vec![rows]);
        }
        let streams = execute_stream_partitioned(physical, task).map_err(from_datafusion)?;
        let part = |stream| Rows {
            stream,
            computed: By::Reader,
        };
        Ok(streams.into_iter().map(part).collect())
    }

    /// Plans for execution: with the query's settings, fitted to its memory by a first plan.
    async fn executable(
        &self,
        plan: &LogicalPlan,
    ) -> Result<(Arc<dyn ExecutionPlan>, Arc<TaskContext>)> {
        let mut physical = self.physical_plan(plan).await?;
        let mut state = self.context.state();
        let env = Arc::clone(state.runtime_env());
        let batch_size = state.config().batch_size();
        fit_to_limit(state.config_mut().options_mut(), &env, &physical);
        if state.config().batch_size() != batch_size {
            // Some operators learn the size when they are planned, not when they run.
            let replanned = state.create_physical_plan(plan).await;
            physical = replanned.map_err(from_datafusion)?;
        }
        let shared = self.session.shared.pool();
        if !shared.is_some_and(|shared| Arc::ptr_eq(&shared, &env.memory_pool)) {
            expect_sorts(&env, &physical);
        }
        Ok((physical, state.task_ctx()))
    }

    async fn change(&self, plan: &LogicalPlan) -> Result<Outcome> {
        let (physical, task) = self.executable(plan).await?;
        let schema = physical.schema();
        let batches = collect(physical, task).await;
        let batches = batches.map_err(from_datafusion)?;
        Ok(Outcome::Changed(count_of(&batches), schema, batches))
    }

    async fn create_temporary_table(&self, create: CreateMemoryTable) -> Result<Outcome> {
        let key = self.temporary_name(&create.name);
        if self.session.temporary.get(&key).is_some() && !create.or_replace {
            return match create.if_not_exists {
                true => Ok(Outcome::Done),
                false => Err(already_exists(&key.2)),
            };
        }
        let (physical, task) = self.executable(&create.input).await?;
        let schema = physical.schema();
        let rows = collect_partitioned(physical, task).await;
        let table = rows
            .and_then(|rows| MemTable::try_new(schema, rows))
            .map_err(from_datafusion)?
            .with_constraints(create.constraints)
            .with_column_defaults(create.column_defaults.into_iter().collect());
        self.session.temporary.put(key, Arc::new(table));
        Ok(Outcome::Done)
    }

    fn create_temporary_view(&self, create: CreateView) -> Result<Outcome> {
        let key = self.temporary_name(&create.name);
        if self.session.temporary.get(&key).is_some() && !create.or_replace {
            return Err(already_exists(&key.2));
        }
        let view = ViewTable::new(Arc::unwrap_or_clone(create.input), create.definition);
        self.session.temporary.put(key, Arc::new(view));
        Ok(Outcome::Done)
    }

    /// Refuses a name that a temporary table hides: to replace the table of that name would drop the temporary one.
    pub(crate) fn check_not_hidden(&self, key: &(String, String, String)) -> Result<()> {
        match self.session.temporary.get(key) {
            Some(_) => Err(already_exists(&key.2)),
            None => Ok(()),
        }
    }

    fn check_replaced(&self, definition: &DdlStatement) -> Result<()> {
        let replaced = match definition {
            DdlStatement::CreateMemoryTable(create) if create.or_replace => &create.name,
            DdlStatement::CreateExternalTable(create) if create.or_replace => &create.name,
            DdlStatement::CreateView(create) if create.or_replace => &create.name,
            _ => return Ok(()),
        };
        self.check_not_hidden(&self.temporary_name(replaced))
    }

    fn temporary_name(&self, name: &TableReference) -> (String, String, String) {
        let name = self
            .session
            .resolve(name.catalog(), name.schema(), name.table());
        (
            name.catalog.to_string(),
            name.schema.to_string(),
            name.table.to_string(),
        )
    }

    /// How many rows the plan is expected to give, or -1.
    pub(crate) async fn estimated_rows(&self, input: Input) -> Result<i64> {
        let plan = self.plan(input).await?;
        let physical = self.physical_plan(&plan).await?;
        let statistics =
            StatisticsContext::new().compute(physical.as_ref(), &StatisticsArgs::new());
        let rows = statistics.map_err(from_datafusion)?.num_rows;
        Ok(rows
            .get_value()
            .and_then(|rows| i64::try_from(*rows).ok())
            .unwrap_or(-1))
    }

    /// The physical plan as text.
    pub(crate) async fn explain(&self, input: Input) -> Result<String> {
        let plan = self.plan(input).await?;
        let physical = self.physical_plan(&plan).await?;
        Ok(displayable(physical.as_ref()).indent(false).to_string())
    }

    /// Adds the nearest table to DataFusion's "table 'catalog.schema.name' not found".
    fn with_hint(&self, mut cause: Error) -> Error {
        let quoted = cause
            .message
            .strip_suffix("' not found")
            .and_then(|text| text.rsplit_once("table '"));
        if let Some((_, name)) = quoted {
            let name = TableReference::parse_str_normalized(name, true);
            let name = self
                .session
                .resolve(name.catalog(), name.schema(), name.table());
            let hint = self.session.missing_table(&name).message;
            if let Some((_, hint)) = hint.split_once("; ") {
                cause.message = format!("{}; {hint}", cause.message);
            }
        }
        cause
    }
}

/// Plans SQL. DataFusion's planner refuses temporary tables, which this driver has, so it plans a
/// plain one that is then marked.
async fn plan_sql(
    state: &SessionState,
    sql: &str,
) -> std::result::Result<LogicalPlan, DataFusionError> {
    let dialect = state.config_options().sql_parser.dialect;
    let mut statement = state.sql_to_statement(sql, &dialect)?;
    let mut temporary = false;
    if let parser::Statement::Statement(statement) = &mut statement
        && let ast::Statement::CreateTable(create) = statement.as_mut()
    {
        temporary = std::mem::take(&mut create.temporary);
    }
    let mut plan = state.statement_to_plan(statement).await?;
    if let LogicalPlan::Ddl(DdlStatement::CreateMemoryTable(create)) = &mut plan {
        create.temporary = temporary;
    }
    Ok(plan)
}

/// Starts a plan. What reads ranges in tasks of its own needs no other to take its rows from these: a worker that wakes
/// that one keeps it for itself until its range makes it wait, which no other worker can help.
fn rows_of(plan: Arc<dyn ExecutionPlan>, task: Arc<TaskContext>) -> Result<Rows> {
    let computed = match plan.is::<InOrderExec>() {
        true => By::Reader,
        false => By::Task,
    };
    let stream = execute_stream(plan, task).map_err(from_datafusion)?;
    Ok(Rows { stream, computed })
}

async fn execute(context: &SessionContext, plan: LogicalPlan) -> Result<Outcome> {
    let done = context.execute_logical_plan(plan).await;
    done.map(|_| Outcome::Done).map_err(from_datafusion)
}

fn already_exists(table: &str) -> Error {
    error(
        Status::AlreadyExists,
        format!("a temporary table '{table}' already exists"),
    )
}

/// The sum of the counts that INSERT and COPY report; -1 if they report none.
fn count_of(batches: &[RecordBatch]) -> i64 {
    let counts: Option<Vec<&UInt64Array>> = batches
        .iter()
        .map(|batch| batch.columns().first()?.as_any().downcast_ref())
        .collect();
    let counts = counts.unwrap_or_default();
    if counts.is_empty() {
        return -1;
    }
    let sum: u64 = counts.iter().flat_map(|counts| counts.values()).sum();
    i64::try_from(sum).unwrap_or(-1)
}

/// The schema that running the plan would give.
pub(crate) async fn result_schema(query: &Query, plan: &LogicalPlan) -> Result<Schema> {
    let parameters = plan.get_parameter_names().map_err(from_datafusion)?;
    match plan {
        LogicalPlan::Ddl(_) | LogicalPlan::Statement(_) => Ok(Schema::empty()),
        // Without its values a parameter has no physical form.
        LogicalPlan::Dml(_) | LogicalPlan::Copy(_) => Ok(plan.schema().as_arrow().clone()),
        _ if !parameters.is_empty() => Ok(plan.schema().as_arrow().clone()),
        plan => Ok(query.physical_plan(plan).await?.schema().as_ref().clone()),
    }
}
