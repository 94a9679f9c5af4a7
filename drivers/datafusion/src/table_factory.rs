//! Tables of Parquet files as DataFusion makes them, but that an empty file is an error.
//!
//! DataFusion leaves files of no bytes out wherever it lists files, so that a file which lost its rows
//! would be missing without a word. Not even a Parquet file without rows has no bytes.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider, TableProviderFactory};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::datasource::listing_table_factory::ListingTableFactory;
use datafusion::logical_expr::CreateExternalTable;
use futures::TryStreamExt;

use crate::named_files::in_file;

#[derive(Debug, Default)]
pub(crate) struct ParquetTableFactory(ListingTableFactory);

#[async_trait]
impl TableProviderFactory for ParquetTableFactory {
    async fn create(
        &self,
        state: &dyn Session,
        command: &CreateExternalTable,
    ) -> Result<Arc<dyn TableProvider>> {
        for location in &command.locations {
            refuse_empty_files(state, &ListingTableUrl::parse(location)?).await?;
        }
        self.0.create(state, command).await
    }
}

async fn refuse_empty_files(state: &dyn Session, url: &ListingTableUrl) -> Result<()> {
    let store = state.runtime_env().object_store(url)?;
    let mut files = url.list_all_files(state, &store, ".parquet").await?;
    while let Some(file) = files.try_next().await? {
        if file.size == 0 {
            let cause = DataFusionError::Execution("is empty: not a Parquet file".to_owned());
            return Err(in_file(&file.location, cause));
        }
    }
    Ok(())
}
