//! Errors: DataFusion's and panics, as ADBC sees them.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use adbc_core::error::{Error, Result, Status};
use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;

/// An ADBC error with a message and nothing else.
pub(crate) fn error(status: Status, message: impl Into<String>) -> Error {
    // A C string ends at its first NUL, and arrow's stream export aborts on one.
    Error::with_message_and_status(message.into().replace('\0', "\\0"), status)
}

pub(crate) fn invalid_argument(message: impl Into<String>) -> Error {
    error(Status::InvalidArguments, message)
}

pub(crate) fn not_implemented(message: impl Into<String>) -> Error {
    error(Status::NotImplemented, message)
}

pub(crate) fn cancelled() -> Error {
    error(Status::Cancelled, "the query was cancelled")
}

/// DataFusion's own message, without its backtrace, under the nearest ADBC status.
pub(crate) fn from_datafusion(cause: DataFusionError) -> Error {
    error(status_of(&cause), cause.strip_backtrace())
}

pub(crate) fn from_arrow(cause: ArrowError) -> Error {
    if let Some(StreamError(cause)) = of_ours(&cause) {
        return cause.clone();
    }
    error(status_of_arrow(&cause), cause.to_string())
}

/// The ADBC error that `to_arrow` has put into an arrow error.
fn of_ours(cause: &ArrowError) -> Option<&StreamError> {
    match cause {
        ArrowError::ExternalError(cause) => cause.downcast_ref(),
        _ => None,
    }
}

fn status_of(cause: &DataFusionError) -> Status {
    match cause.find_root() {
        DataFusionError::SQL(..) | DataFusionError::SchemaError(..) => Status::InvalidArguments,
        DataFusionError::Plan(message) => status_of_plan_error(message),
        DataFusionError::Configuration(_) | DataFusionError::Substrait(_) => {
            Status::InvalidArguments
        }
        DataFusionError::NotImplemented(_) => Status::NotImplemented,
        DataFusionError::Execution(message) if message.contains("already exists") => {
            Status::AlreadyExists
        }
        DataFusionError::Execution(message) if is_missing_object(message) => Status::NotFound,
        DataFusionError::IoError(_) => Status::IO,
        DataFusionError::ObjectStore(cause) => match **cause {
            object_store::Error::NotFound { .. } => Status::NotFound,
            _ => Status::IO,
        },
        DataFusionError::ArrowError(cause, _) => status_of_arrow(cause),
        DataFusionError::ParquetError(_) => Status::InvalidData,
        // An error of ours that passed through DataFusion keeps its status.
        DataFusionError::External(cause) => cause
            .downcast_ref::<Error>()
            .map_or(Status::Internal, |cause| cause.status),
        _ => Status::Internal,
    }
}

fn status_of_plan_error(message: &str) -> Status {
    if is_missing_object(message) {
        Status::NotFound
    } else {
        Status::InvalidArguments
    }
}

fn is_missing_object(message: &str) -> bool {
    let missing = message.ends_with("not found") || message.contains("doesn't exist");
    missing && (message.starts_with("table '") || message.contains("able '"))
        || message.starts_with("failed to resolve ")
}

fn status_of_arrow(cause: &ArrowError) -> Status {
    match cause {
        ArrowError::NotYetImplemented(_) => Status::NotImplemented,
        ArrowError::IoError(..) => Status::IO,
        ArrowError::CastError(_)
        | ArrowError::ParseError(_)
        | ArrowError::DivideByZero
        | ArrowError::ArithmeticOverflow(_)
        | ArrowError::CsvError(_)
        | ArrowError::JsonError(_) => Status::InvalidData,
        _ => Status::Internal,
    }
}

/// An error met while a result is read. Arrow's streams carry arrow errors, so the ADBC error
/// travels inside one; a Rust client can downcast to it.
#[derive(Debug, Clone)]
pub struct StreamError(pub Error);

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for StreamError {}

/// The arrow error of the kind that tells a C client the most: it only receives an errno.
pub(crate) fn to_arrow(cause: Error) -> ArrowError {
    match cause.status {
        Status::NotImplemented => ArrowError::NotYetImplemented(cause.message),
        Status::IO => {
            let source = std::io::Error::other(cause.message.clone());
            ArrowError::IoError(cause.message, source)
        }
        _ => ArrowError::ExternalError(Box::new(StreamError(cause))),
    }
}

/// Turns a panic into an error. The exporter catches panics too, but refuses every later call on
/// the whole process after one; one query that panics must not take the others with it.
pub(crate) fn guard<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(from_panic(&*payload)))
}

/// The error that reports a panic's payload.
pub(crate) fn from_panic(payload: &(dyn Any + Send)) -> Error {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    error(Status::Internal, format!("the driver panicked: {message}"))
}
