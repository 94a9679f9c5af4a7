use adbc_core::Statement;
use adbc_core::error::Status;

use super::{connect, statement};
use crate::StreamError;
use crate::error::guard;

#[test]
fn a_panic_in_a_query_is_its_readers_error() {
    let mut connection = connect(3, |index| match index {
        2 => panic!("the third batch"),
        index => index as i64,
    });
    let mut reader = statement(&mut connection, "SELECT x FROM source")
        .execute()
        .unwrap();
    let mut failure = None;
    for batch in reader.by_ref() {
        failure = batch.err().or(failure);
        if failure.is_some() {
            break;
        }
    }
    assert!(failure.unwrap().to_string().contains("the third batch"));
    let repeated = reader.next().unwrap().unwrap_err();
    assert!(repeated.to_string().contains("the third batch"));
}

#[test]
fn a_panic_in_an_update_is_an_error_and_others_go_on() {
    let mut connection = connect(1, |_| panic!("no batch"));
    let failure = statement(&mut connection, "CREATE TABLE t AS SELECT * FROM source")
        .execute_update()
        .unwrap_err();
    assert_eq!(failure.status, Status::Internal);
    assert!(failure.message.contains("no batch"), "{failure}");
    let mut fine = statement(&mut connection, "SELECT 1").execute().unwrap();
    assert_eq!(fine.next().unwrap().unwrap().num_rows(), 1);
}

#[test]
fn a_panic_in_the_driver_itself_is_an_error() {
    let failure = guard::<()>(|| panic!("at the {}", "edge")).unwrap_err();
    assert_eq!(failure.message, "the driver panicked: at the edge");
}

#[test]
fn a_readers_error_keeps_its_adbc_status() {
    let mut connection = connect(1, |_| 0);
    let mut reader = statement(&mut connection, "SELECT 1 / x FROM source")
        .execute()
        .unwrap();
    let failure = reader.next().unwrap().unwrap_err();
    let datafusion::arrow::error::ArrowError::ExternalError(failure) = failure else {
        panic!("{failure}");
    };
    let failure = failure.downcast_ref::<StreamError>().unwrap();
    assert_eq!(failure.0.status, Status::InvalidData);
}
