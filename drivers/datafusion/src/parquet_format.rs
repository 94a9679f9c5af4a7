//! Parquet as DataFusion reads it, but for what it concludes from the statistics of float columns, and
//! with errors that name their file.
//!
//! Parquet's minimum and maximum leave NaN out. DataFusion 55 takes a column whose minimum equals its
//! maximum, and which has no null, for a constant, and so reads a file of NaN and 1.0 as 1.0 alone
//! (apache/datafusion#24804 is about the like in pruning). Without bounds of floats it can't.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{GetExt, Result, Statistics};
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::file_format::parquet::ParquetFormatFactory;
use datafusion::datasource::file_format::{FileFormat, FileFormatFactory, FileMeta};
use datafusion::datasource::physical_plan::{FileScanConfig, FileSinkConfig, FileSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::physical_expr::{LexOrdering, LexRequirement};
use datafusion::physical_plan::ExecutionPlan;
use object_store::{ObjectMeta, ObjectStore};

use crate::named_files::{in_file, name_files};

/// Makes DataFusion's own Parquet format, without the bounds of float columns.
#[derive(Debug, Default)]
pub(crate) struct ParquetFactory(ParquetFormatFactory);

impl GetExt for ParquetFactory {
    fn get_ext(&self) -> String {
        self.0.get_ext()
    }
}

impl FileFormatFactory for ParquetFactory {
    fn create(
        &self,
        state: &dyn Session,
        options: &HashMap<String, String>,
    ) -> Result<Arc<dyn FileFormat>> {
        Ok(Arc::new(Parquet(self.0.create(state, options)?)))
    }

    fn default(&self) -> Arc<dyn FileFormat> {
        Arc::new(Parquet(FileFormatFactory::default(&self.0)))
    }
}

#[derive(Debug)]
struct Parquet(Arc<dyn FileFormat>);

/// Forgets the least and greatest value of each float column: neither counts NaN.
fn without_float_bounds(mut statistics: Statistics, schema: &Schema) -> Statistics {
    for (field, column) in schema
        .fields()
        .iter()
        .zip(&mut statistics.column_statistics)
    {
        if field.data_type().is_floating() {
            column.min_value = Precision::Absent;
            column.max_value = Precision::Absent;
        }
    }
    statistics
}

#[async_trait]
impl FileFormat for Parquet {
    fn get_ext(&self) -> String {
        self.0.get_ext()
    }

    fn get_ext_with_compression(&self, compression: &FileCompressionType) -> Result<String> {
        self.0.get_ext_with_compression(compression)
    }

    fn compression_type(&self) -> Option<FileCompressionType> {
        self.0.compression_type()
    }

    async fn infer_schema(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        objects: &[ObjectMeta],
    ) -> Result<SchemaRef> {
        let schema = self.0.infer_schema(state, store, objects).await;
        if schema.is_ok() || objects.len() == 1 {
            return schema.map_err(|cause| in_file(&objects[0].location, cause));
        }
        for object in objects {
            self.infer_schema(state, store, std::slice::from_ref(object))
                .await?;
        }
        schema // each file is fine, and they differ
    }

    async fn infer_stats(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<Statistics> {
        let schema = Arc::clone(&table_schema);
        let statistics = self
            .0
            .infer_stats(state, store, schema, object)
            .await
            .map_err(|cause| in_file(&object.location, cause))?;
        Ok(without_float_bounds(statistics, &table_schema))
    }

    async fn infer_ordering(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<Option<LexOrdering>> {
        self.0
            .infer_ordering(state, store, table_schema, object)
            .await
            .map_err(|cause| in_file(&object.location, cause))
    }

    async fn infer_stats_and_ordering(
        &self,
        state: &dyn Session,
        store: &Arc<dyn ObjectStore>,
        table_schema: SchemaRef,
        object: &ObjectMeta,
    ) -> Result<FileMeta> {
        let schema = Arc::clone(&table_schema);
        let mut meta = self
            .0
            .infer_stats_and_ordering(state, store, schema, object)
            .await
            .map_err(|cause| in_file(&object.location, cause))?;
        meta.statistics = without_float_bounds(meta.statistics, &table_schema);
        Ok(meta)
    }

    async fn create_physical_plan(
        &self,
        state: &dyn Session,
        conf: FileScanConfig,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.0
            .create_physical_plan(state, conf)
            .await
            .map(name_files)
    }

    async fn create_writer_physical_plan(
        &self,
        input: Arc<dyn ExecutionPlan>,
        state: &dyn Session,
        conf: FileSinkConfig,
        order: Option<LexRequirement>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.0
            .create_writer_physical_plan(input, state, conf, order)
            .await
    }

    fn file_source(&self, table_schema: TableSchema) -> Arc<dyn FileSource> {
        self.0.file_source(table_schema)
    }
}
