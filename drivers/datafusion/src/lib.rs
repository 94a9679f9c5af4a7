//! ADBC driver for Apache DataFusion.
//!
//! A client loads the shared library by path or by manifest and speaks ADBC to it; nothing here is
//! specific to one client. A database is one catalog and one runtime, shared by its connections; a
//! connection is one DataFusion session; a statement runs one query, and its result streams.
//!
//! ```no_run
//! use adbc_core::{Connection, Database, Driver, Statement};
//! let mut driver = adbc_driver_datafusion::DataFusionDriver::default();
//! let mut connection = driver.new_database()?.new_connection()?;
//! let mut statement = connection.new_statement()?;
//! statement.set_sql_query("SELECT 1")?;
//! for batch in statement.execute()? {
//!     println!("{} rows", batch?.num_rows());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bind;
mod cancel;
mod catalog;
mod connection;
mod cooperative;
mod database;
mod driver;
mod error;
mod execution;
mod exported;
mod in_order;
mod info;
mod ingest;
mod memory;
mod named_files;
mod object_stores;
mod options;
mod parquet_format;
mod partitions;
mod pool;
mod query;
mod range_order;
mod row_wise;
mod runtime;
mod scan_ahead;
mod session;
mod sort_ranges;
mod spill_home;
mod statement;
mod stream;
mod table_factory;
mod temporary;
#[cfg(test)]
mod tests;
mod text_views;
mod valid_text;

pub use connection::DataFusionConnection;
pub use database::DataFusionDatabase;
pub use driver::DataFusionDriver;
pub use error::StreamError;
pub use statement::DataFusionStatement;

use std::os::raw::{c_int, c_void};

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

// The names a driver manager looks for in libadbc_driver_datafusion.so, and `AdbcDriverInit`.
adbc_ffi::export_driver!(AdbcDriverDatafusionInit, exported::Exported);

/// The entry point under the library's short name, `datafusion`.
///
/// # Safety
///
/// As for every ADBC entry point: `driver` points to an `AdbcDriver` and `error` is null or points
/// to an `AdbcError`.
#[allow(non_snake_case)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn AdbcDatafusionInit(
    version: c_int,
    driver: *mut c_void,
    error: *mut adbc_ffi::FFI_AdbcError,
) -> adbc_core::error::AdbcStatusCode {
    unsafe { AdbcDriverDatafusionInit(version, driver, error) }
}
