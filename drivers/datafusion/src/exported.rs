//! The driver as C clients get it: what `adbc_ffi` exports, but for what it panics on.

use adbc_core::error::{AdbcStatusCode, Status};
use adbc_ffi::{FFI_AdbcDriver, FFI_AdbcError, FFI_AdbcStatement, FFIDriver, export_error};
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use datafusion::arrow::util::bit_util::get_bit_raw;

use crate::driver::DataFusionDriver;
use crate::error::invalid_argument;

pub(crate) struct Exported;

impl FFIDriver for Exported {
    fn ffi_driver() -> FFI_AdbcDriver {
        let mut driver = DataFusionDriver::ffi_driver();
        driver.StatementBind = Some(bind);
        driver
    }
}

/// Refuses an array with rows that are null: `adbc_ffi` would panic, and then refuse every later call of the process.
unsafe extern "C" fn bind(
    statement: *mut FFI_AdbcStatement,
    values: *mut FFI_ArrowArray,
    schema: *mut FFI_ArrowSchema,
    error: *mut FFI_AdbcError,
) -> AdbcStatusCode {
    // SAFETY: the client's pointers are null or valid, as ADBC asks for.
    if unsafe { values.as_ref() }.is_some_and(has_null_rows) {
        // As with any other array, it is the driver's from here on.
        drop(unsafe { FFI_ArrowArray::from_raw(values) });
        let cause = invalid_argument("a bound row is null: bind a struct array that has no nulls");
        let status = cause.status.into();
        unsafe { export_error(error, cause) };
        return status;
    }
    match DataFusionDriver::ffi_driver().StatementBind {
        Some(bind) => unsafe { bind(statement, values, schema, error) },
        None => Status::NotImplemented.into(),
    }
}

fn has_null_rows(rows: &FFI_ArrowArray) -> bool {
    if rows.is_released() || rows.num_buffers() == 0 {
        return false;
    }
    let validity = rows.buffer(0);
    match rows.null_count_opt() {
        Some(count) => count > 0,
        None if validity.is_null() => false,
        // SAFETY: the bitmap covers the array.
        None => (rows.offset()..rows.offset() + rows.len())
            .any(|row| !unsafe { get_bit_raw(validity, row) }),
    }
}
