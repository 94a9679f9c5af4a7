//! The driver as a Rust client uses it: through ADBC's traits, without the C boundary.

use std::sync::Arc;

use adbc_core::error::{Result, Status};
use adbc_core::options::{
    IngestMode, ObjectDepth, OptionConnection, OptionDatabase, OptionStatement, OptionValue,
};
use adbc_core::{Connection, Database, Driver, Optionable, Statement};
use adbc_driver_datafusion::{DataFusionConnection, DataFusionDatabase, DataFusionDriver};
use datafusion::arrow::array::{AsArray, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion::prelude::SessionContext;
use datafusion_substrait::logical_plan::producer::to_substrait_plan;
use prost::Message;

fn database() -> DataFusionDatabase {
    DataFusionDriver::default().new_database().unwrap()
}

fn connection() -> DataFusionConnection {
    database().new_connection().unwrap()
}

fn update(connection: &mut DataFusionConnection, sql: &str) -> Result<Option<i64>> {
    let mut statement = connection.new_statement()?;
    statement.set_sql_query(sql)?;
    statement.execute_update()
}

fn values(connection: &mut DataFusionConnection, sql: &str) -> Result<Vec<i64>> {
    let mut statement = connection.new_statement()?;
    statement.set_sql_query(sql)?;
    read(&mut statement)
}

fn read(statement: &mut impl Statement) -> Result<Vec<i64>> {
    let mut values = vec![];
    for batch in statement.execute()? {
        let batch = batch?;
        let column = batch.column(0).as_primitive::<Int64Type>();
        values.extend(column.values().iter().copied());
    }
    Ok(values)
}

fn batch(values: &[i64]) -> RecordBatch {
    let schema = Schema::new(vec![Field::new("x", DataType::Int64, true)]);
    let column = Int64Array::from(values.to_vec());
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(column)]).unwrap()
}

#[test]
fn definitions_changes_and_queries() {
    let mut connection = connection();
    assert_eq!(
        update(&mut connection, "CREATE TABLE t (x BIGINT)"),
        Ok(None)
    );
    let insert = "INSERT INTO t VALUES (1), (2)";
    assert_eq!(update(&mut connection, insert), Ok(Some(2)));
    let select = "SELECT x FROM t ORDER BY x DESC";
    assert_eq!(values(&mut connection, select), Ok(vec![2, 1]));
}

#[test]
fn a_missing_table_is_not_found_and_the_nearest_is_named() {
    let mut connection = connection();
    update(&mut connection, "CREATE TABLE logs (x BIGINT)").unwrap();
    let failure = values(&mut connection, "SELECT x FROM log").unwrap_err();
    assert_eq!(failure.status, Status::NotFound);
    assert!(
        failure.message.ends_with("did you mean 'logs'?"),
        "{failure}"
    );
    let failure = connection.get_table_schema(None, None, "log").unwrap_err();
    assert_eq!(failure.status, Status::NotFound);
}

#[test]
fn bound_rows_each_run_the_query() {
    let mut connection = connection();
    update(&mut connection, "CREATE TABLE t (x BIGINT)").unwrap();
    let mut statement = connection.new_statement().unwrap();
    statement
        .set_sql_query("INSERT INTO t VALUES ($1)")
        .unwrap();
    statement.prepare().unwrap();
    let parameters = statement.get_parameter_schema().unwrap();
    assert_eq!(parameters.fields().len(), 1);
    statement.bind(batch(&[10, 20, 30])).unwrap();
    assert_eq!(statement.execute_update(), Ok(Some(3)));
    statement
        .set_sql_query("SELECT x FROM t WHERE x > $1 ORDER BY x")
        .unwrap();
    statement.bind(batch(&[15, 25, 99])).unwrap();
    assert_eq!(read(&mut statement), Ok(vec![20, 30, 30]));
}

#[test]
fn ingest_makes_a_table_or_adds_to_one() {
    let mut connection = connection();
    for mode in [IngestMode::Create, IngestMode::Append] {
        let mut statement = connection.new_statement().unwrap();
        let table = OptionValue::from("t");
        statement
            .set_option(OptionStatement::TargetTable, table)
            .unwrap();
        statement
            .set_option(OptionStatement::IngestMode, mode.into())
            .unwrap();
        statement.bind(batch(&[1, 2])).unwrap();
        assert_eq!(statement.execute_update(), Ok(Some(2)));
    }
    let select = "SELECT x FROM t ORDER BY x";
    assert_eq!(values(&mut connection, select), Ok(vec![1, 1, 2, 2]));
}

#[test]
fn a_temporary_table_goes_with_its_connection() {
    let database = database();
    let mut first = database.new_connection().unwrap();
    update(&mut first, "CREATE TEMPORARY TABLE t AS VALUES (1)").unwrap();
    assert_eq!(values(&mut first, "SELECT * FROM t"), Ok(vec![1]));
    drop(first);
    let mut second = database.new_connection().unwrap();
    let failure = values(&mut second, "SELECT * FROM t").unwrap_err();
    assert_eq!(failure.status, Status::NotFound);
}

#[test]
fn options_of_every_kind_are_read_back() {
    let options = [(
        OptionDatabase::from("datafusion.batch_size"),
        OptionValue::Int(100),
    )];
    let database = DataFusionDriver::default()
        .new_database_with_opts(options)
        .unwrap();
    let connection = database.new_connection().unwrap();
    let name = || OptionConnection::from("datafusion.execution.batch_size");
    assert_eq!(connection.get_option_int(name()), Ok(100));
    assert_eq!(connection.get_option_double(name()), Ok(100.0));
    assert_eq!(connection.get_option_string(name()), Ok("100".to_owned()));
}

#[test]
fn a_substrait_plan_runs() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let plan = runtime.block_on(async {
        let context = SessionContext::new();
        context.sql("CREATE TABLE t (x BIGINT)").await.unwrap();
        let plan = context.sql("SELECT x + 1 FROM t").await.unwrap();
        let plan = plan.into_optimized_plan().unwrap();
        to_substrait_plan(&plan, &context.state()).unwrap()
    });
    let mut connection = connection();
    update(&mut connection, "CREATE TABLE t (x BIGINT)").unwrap();
    update(&mut connection, "INSERT INTO t VALUES (41)").unwrap();
    let mut statement = connection.new_statement().unwrap();
    statement.set_substrait_plan(plan.encode_to_vec()).unwrap();
    assert_eq!(read(&mut statement), Ok(vec![42]));
}

#[test]
fn the_catalog_is_listed() {
    let mut connection = connection();
    update(&mut connection, "CREATE TABLE t (x BIGINT)").unwrap();
    let objects = connection
        .get_objects(ObjectDepth::All, None, None, None, None, None)
        .unwrap();
    assert_eq!(
        objects
            .map(|batch| batch.unwrap().num_rows())
            .sum::<usize>(),
        1
    );
}
