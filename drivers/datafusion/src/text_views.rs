//! Hands on text of Parquet files as views of the decoded pages, which saves a copy in the reader and one in
//! each filter.
//!
//! Only columns that a query passes through as they are: what an expression or a sort looks at stays as it
//! is, so that nothing else in the plan has to change, and a sort never holds on to whole pages.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::config::ConfigOptions;
use datafusion::datasource::physical_plan::{
    FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{Partitioning, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::named_files::{name_source, unnamed_source};

/// Operators that hand on rows without a look at them.
const CARRIERS: [&str; 3] = [
    "CoalesceBatchesExec",
    "CoalescePartitionsExec",
    "CooperativeExec",
];

#[derive(Debug)]
pub(crate) struct TextViews {
    /// Whether a sort may carry them, for it will become one of ranges, most of which are in order.
    pub(crate) through_sorts: bool,
}

impl PhysicalOptimizerRule for TextViews {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match self.with_views(&plan) {
            Some(changed) => changed,
            None => Ok(plan),
        }
    }

    fn name(&self) -> &str {
        "text_views"
    }

    fn schema_check(&self) -> bool {
        false // types of columns are what it changes
    }
}

impl TextViews {
    /// `None` where the plan is more than a scan of Parquet files, or has no text to hand on.
    fn with_views(&self, plan: &Arc<dyn ExecutionPlan>) -> Option<Result<Arc<dyn ExecutionPlan>>> {
        let mut operators = Vec::new();
        let mut below = plan;
        while below.downcast_ref::<DataSourceExec>().is_none() {
            operators.push(below);
            let [input] = below.children()[..] else {
                return None;
            };
            below = input;
        }
        let scan = below.downcast_ref::<DataSourceExec>()?;
        let scan = scan.data_source().downcast_ref::<FileScanConfig>()?;
        let source = unnamed_source(&scan.file_source)?.downcast_ref::<ParquetSource>()?;
        let mut columns = Columns::of(source)?;
        for operator in operators.iter().rev() {
            columns.pass(operator, self.through_sorts)?;
        }
        let views = columns.untouched();
        let schema = with_views(source.table_schema(), &views)?;
        let scan = match rescan(scan, source, schema, &views) {
            Ok(scan) => scan,
            Err(cause) => return Some(Err(cause)),
        };
        let mut operators = operators.into_iter().rev();
        Some(operators.try_fold(scan, over))
    }
}

/// The operator over another input.
fn over(
    input: Arc<dyn ExecutionPlan>,
    operator: &Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    match operator.downcast_ref::<ProjectionExec>() {
        // With another input it would keep the types that it had.
        Some(projection) => {
            let exprs = projection.expr().iter().cloned();
            Ok(Arc::new(ProjectionExec::try_new(exprs, input)?))
        }
        None => replace_children_if_necessary(Arc::clone(operator), vec![input]),
    }
}

/// The columns of a plan on their way up from the files.
struct Columns {
    /// The name of the file's column that each is; `None` where it is computed.
    names: Vec<Option<String>>,
    /// Columns of the files that somebody looks at.
    used: HashSet<String>,
}

impl Columns {
    fn of(source: &ParquetSource) -> Option<Self> {
        let schema = source.table_schema();
        if !schema.virtual_columns().is_empty() {
            return None;
        }
        let fields = schema.table_schema().fields();
        let mut columns = Self {
            names: fields.iter().map(|f| Some(f.name().clone())).collect(),
            used: HashSet::new(),
        };
        if let Some(predicate) = source.filter() {
            columns.look_at(&predicate);
        }
        let projection = source.projection()?;
        columns.project(projection.iter().map(|projected| &projected.expr));
        Some(columns)
    }

    /// What an operator looks at and hands on; `None` where it is of a kind that is not known here.
    fn pass(&mut self, operator: &Arc<dyn ExecutionPlan>, sorts: bool) -> Option<()> {
        if let Some(filter) = operator.downcast_ref::<FilterExec>() {
            self.look_at(filter.predicate());
            if let Some(kept) = filter.projection().as_ref() {
                self.names = kept.iter().map(|&c| self.names[c].clone()).collect();
            }
        } else if let Some(projection) = operator.downcast_ref::<ProjectionExec>() {
            self.project(projection.expr().iter().map(|projected| &projected.expr));
        } else if let Some(merge) = operator.downcast_ref::<SortPreservingMergeExec>() {
            for key in merge.expr() {
                self.look_at(&key.expr);
            }
        } else if let Some(sort) = operator.downcast_ref::<SortExec>() {
            if !sorts {
                return None;
            }
            for key in sort.expr() {
                self.look_at(&key.expr);
            }
        } else if operator.downcast_ref::<RepartitionExec>().is_some() {
            let Partitioning::RoundRobinBatch(_) = operator.output_partitioning() else {
                return None;
            };
        } else if !CARRIERS.contains(&operator.name()) {
            return None;
        }
        Some(())
    }

    fn project<'a>(&mut self, exprs: impl Iterator<Item = &'a Arc<dyn PhysicalExpr>>) {
        let mut names = Vec::new();
        for expr in exprs {
            names.push(match expr.downcast_ref::<Column>() {
                Some(column) => self.names[column.index()].clone(),
                None => {
                    self.look_at(expr);
                    None
                }
            });
        }
        self.names = names;
    }

    fn look_at(&mut self, expr: &Arc<dyn PhysicalExpr>) {
        for column in collect_columns(expr) {
            if let Some(Some(name)) = self.names.get(column.index()) {
                self.used.insert(name.clone());
            }
        }
    }

    /// Columns of the files that come out as they are, and that nobody has looked at.
    fn untouched(self) -> HashSet<String> {
        let handed_on: HashSet<String> = self.names.into_iter().flatten().collect();
        handed_on.difference(&self.used).cloned().collect()
    }
}

fn view_of(field: &FieldRef) -> Option<DataType> {
    match field.data_type() {
        DataType::Utf8 => Some(DataType::Utf8View),
        DataType::Binary => Some(DataType::BinaryView),
        _ => None,
    }
}

/// The schema with these columns as views; `None` where none of them is text of the files.
fn with_views(schema: &TableSchema, columns: &HashSet<String>) -> Option<TableSchema> {
    let mut changed = false;
    let field = |field: &FieldRef| match view_of(field) {
        Some(view) if columns.contains(field.name()) => {
            changed = true;
            Arc::new(field.as_ref().clone().with_data_type(view))
        }
        _ => Arc::clone(field),
    };
    let files = schema.file_schema();
    let fields: Vec<FieldRef> = files.fields().iter().map(field).collect();
    let views: SchemaRef = Arc::new(Schema::new_with_metadata(fields, files.metadata().clone()));
    let builder = TableSchema::builder(views);
    let parts: Vec<FieldRef> = schema.table_partition_cols().iter().cloned().collect();
    changed.then(|| builder.with_table_partition_cols(parts).build())
}

/// The same scan with another schema. What statistics say of the columns that changed has their old types.
fn rescan(
    scan: &FileScanConfig,
    source: &ParquetSource,
    schema: TableSchema,
    columns: &HashSet<String>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let mut statistics = scan.statistics();
    let fields = schema.table_schema().fields().iter();
    for (field, column) in fields.zip(&mut statistics.column_statistics) {
        if columns.contains(field.name()) {
            column.min_value = Precision::Absent;
            column.max_value = Precision::Absent;
        }
    }
    let options = source.table_parquet_options().clone();
    let hint = options.global.metadata_size_hint;
    let mut views = ParquetSource::new(schema).with_table_parquet_options(options);
    if let Some(hint) = hint {
        views = views.with_metadata_size_hint(hint);
    }
    if let Some(readers) = source.parquet_file_reader_factory() {
        views = views.with_parquet_file_reader_factory(Arc::clone(readers));
    }
    if let Some(predicate) = source.filter() {
        views = views.with_predicate(predicate);
    }
    let mut views: Arc<dyn FileSource> = Arc::new(views);
    if let Some(projection) = source.projection()
        && let Some(projected) = views.try_pushdown_projection(projection)?
    {
        views = projected;
    }
    let scan = FileScanConfigBuilder::from(scan.clone())
        .with_source(name_source(views))
        .with_statistics(statistics)
        .build();
    Ok(DataSourceExec::from_data_source(scan))
}
