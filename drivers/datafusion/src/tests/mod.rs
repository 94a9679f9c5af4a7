//! What cannot be tested from outside: sources that count, hang and panic.

mod panics;
mod partitions;
mod streaming;

use std::fmt;
use std::sync::Arc;

use adbc_core::{Database, Driver, Statement};
use datafusion::arrow::array::{Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::StreamExt;

use crate::{DataFusionConnection, DataFusionDriver, DataFusionStatement};

/// A connection with a table `source` whose batches `make` makes, `count` of them.
fn connect(
    count: usize,
    make: impl Fn(usize) -> i64 + Send + Sync + 'static,
) -> DataFusionConnection {
    connect_partitions(1, count, make)
}

/// The same with so many partitions, of as many batches each.
fn connect_partitions(
    partitions: usize,
    count: usize,
    make: impl Fn(usize) -> i64 + Send + Sync + 'static,
) -> DataFusionConnection {
    let database = DataFusionDriver::default().new_database().unwrap();
    let connection = database.new_connection().unwrap();
    let source: Arc<dyn PartitionStream> = Arc::new(Source {
        schema: Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, false)])),
        count,
        make: Arc::new(make),
    });
    let table = StreamingTable::try_new(Arc::clone(source.schema()), vec![source; partitions]);
    let context = &connection.session().context;
    context
        .register_table("source", Arc::new(table.unwrap()))
        .unwrap();
    connection
}

fn statement(connection: &mut DataFusionConnection, sql: &str) -> DataFusionStatement {
    let mut statement = adbc_core::Connection::new_statement(connection).unwrap();
    statement.set_sql_query(sql).unwrap();
    statement
}

struct Source {
    schema: SchemaRef,
    count: usize,
    make: Arc<dyn Fn(usize) -> i64 + Send + Sync>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

impl PartitionStream for Source {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (schema, make) = (Arc::clone(&self.schema), Arc::clone(&self.make));
        let batches = futures::stream::iter(0..self.count).map(move |index| {
            let values = Int64Array::from(vec![make(index)]);
            Ok(RecordBatch::try_new(
                Arc::clone(&schema),
                vec![Arc::new(values)],
            )?)
        });
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        ))
    }
}
