//! Errors of a file name the file: DataFusion says what is wrong with a Parquet page, and not of which
//! file.
//!
//! A scan asks its source for a morselizer, that one for a planner a file, and that one, step by step, for
//! morsels, which become rows. Each of them is wrapped here, with the file's name.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileOpener, FileScanConfig, FileScanConfigBuilder, FileSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, PhysicalExpr};
use datafusion::physical_expr_common::sort_expr::PhysicalSortExpr;
use datafusion::physical_plan::filter_pushdown::FilterPushdownPropagation;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan, SortOrderPushdownResult};
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer};
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::ObjectStore;
use object_store::path::Path;

/// The error with the name of its file in front.
pub(crate) fn in_file(location: &Path, cause: DataFusionError) -> DataFusionError {
    // A location counts from the root of its store, and does not say of which.
    let local = std::path::Path::new("/").join(location.as_ref());
    match local.exists() {
        true => cause.context(format!("file {}", local.display())),
        false => cause.context(format!("file {location}")),
    }
}

/// The scan with errors that name their file; any other plan as it is.
pub(crate) fn name_files(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let config = plan
        .downcast_ref::<DataSourceExec>()
        .and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>());
    let Some(config) = config else {
        return plan;
    };
    let source = name_source(Arc::clone(&config.file_source));
    let config = FileScanConfigBuilder::from(config.clone()).with_source(source);
    DataSourceExec::from_data_source(config.build())
}

/// The source with errors that name their file.
pub(crate) fn name_source(source: Arc<dyn FileSource>) -> Arc<dyn FileSource> {
    Arc::new(Named(source))
}

/// The source that `name_source` was given; `None` where it was not.
pub(crate) fn unnamed_source(source: &Arc<dyn FileSource>) -> Option<&Arc<dyn FileSource>> {
    source.downcast_ref::<Named>().map(|named| &named.0)
}

struct Named(Arc<dyn FileSource>);

impl FileSource for Named {
    fn create_file_opener(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        self.0.create_file_opener(store, config, partition)
    }

    fn create_morselizer(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Box<dyn Morselizer>> {
        let morselizer = self.0.create_morselizer(store, config, partition)?;
        Ok(Box::new(NamedMorselizer(morselizer)))
    }

    fn table_schema(&self) -> &TableSchema {
        self.0.table_schema()
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        name_source(self.0.with_batch_size(batch_size))
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.0.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.0.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        self.0.metrics()
    }

    fn file_type(&self) -> &str {
        self.0.file_type()
    }

    fn fmt_extra(&self, display: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt_extra(display, f)
    }

    fn supports_repartitioning(&self) -> bool {
        self.0.supports_repartitioning()
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        repartition_file_min_size: usize,
        output_ordering: Option<LexOrdering>,
        config: &FileScanConfig,
    ) -> Result<Option<FileScanConfig>> {
        self.0.repartitioned(
            target_partitions,
            repartition_file_min_size,
            output_ordering,
            config,
        )
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn FileSource>>> {
        let mut pushed = self.0.try_pushdown_filters(filters, config)?;
        pushed.updated_node = pushed.updated_node.map(name_source);
        Ok(pushed)
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
        properties: &EquivalenceProperties,
    ) -> Result<SortOrderPushdownResult<Arc<dyn FileSource>>> {
        Ok(self
            .0
            .try_pushdown_sort(order, properties)?
            .map(name_source))
    }

    fn reorder_files(&self, files: Vec<PartitionedFile>) -> Vec<PartitionedFile> {
        self.0.reorder_files(files)
    }

    fn try_pushdown_projection(
        &self,
        projection: &ProjectionExprs,
    ) -> Result<Option<Arc<dyn FileSource>>> {
        Ok(self.0.try_pushdown_projection(projection)?.map(name_source))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.0.apply_expressions(f)
    }
}

#[derive(Debug)]
struct NamedMorselizer(Box<dyn Morselizer>);

impl Morselizer for NamedMorselizer {
    fn plan_file(&self, file: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
        let location = file.object_meta.location.clone();
        let planner = self
            .0
            .plan_file(file)
            .map_err(|cause| in_file(&location, cause))?;
        Ok(NamedPart::wrap_planner(location)(planner))
    }
}

/// A planner or a morsel of one file.
#[derive(Debug)]
struct NamedPart<T> {
    inner: T,
    location: Path,
}

impl NamedPart<()> {
    fn wrap_planner(
        location: Path,
    ) -> impl Fn(Box<dyn MorselPlanner>) -> Box<dyn MorselPlanner> + Send + 'static {
        move |inner| {
            Box::new(NamedPart {
                inner,
                location: location.clone(),
            })
        }
    }
}

impl MorselPlanner for NamedPart<Box<dyn MorselPlanner>> {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        let Self { inner, location } = *self;
        let Some(mut plan) = inner.plan().map_err(|cause| in_file(&location, cause))? else {
            return Ok(None);
        };
        let wrap = NamedPart::wrap_planner(location.clone());
        let planners = plan.take_ready_planners().into_iter().map(&wrap).collect();
        let pending = plan.take_pending_planner();
        let morsels = plan
            .take_morsels()
            .into_iter()
            .map(|inner| -> Box<dyn Morsel> {
                Box::new(NamedPart {
                    inner,
                    location: location.clone(),
                })
            });
        let mut named = MorselPlan::new()
            .with_morsels(morsels.collect())
            .with_planners(planners);
        if let Some(pending) = pending {
            named.set_pending_planner(async move {
                let planner = pending.await.map_err(|cause| in_file(&location, cause))?;
                Ok(wrap(planner))
            });
        }
        Ok(Some(named))
    }
}

impl Morsel for NamedPart<Box<dyn Morsel>> {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
        let Self { inner, location } = *self;
        let rows = inner.into_stream();
        rows.map(move |batch| batch.map_err(|cause| in_file(&location, cause)))
            .boxed()
    }
}
