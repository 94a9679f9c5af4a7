//! The driver: where databases come from.

use adbc_core::Driver;
use adbc_core::error::Result;
use adbc_core::options::{OptionDatabase, OptionValue};

use crate::database::DataFusionDatabase;
use crate::error::guard;

/// The entry point for Rust clients. C clients get the same through the exported symbols.
#[derive(Debug, Default)]
pub struct DataFusionDriver {}

impl Driver for DataFusionDriver {
    type DatabaseType = DataFusionDatabase;

    fn new_database(&mut self) -> Result<DataFusionDatabase> {
        self.new_database_with_opts([])
    }

    fn new_database_with_opts(
        &mut self,
        opts: impl IntoIterator<Item = (OptionDatabase, OptionValue)>,
    ) -> Result<DataFusionDatabase> {
        guard(|| DataFusionDatabase::open(opts))
    }
}
