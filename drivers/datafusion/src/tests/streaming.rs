use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use adbc_core::Statement;
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;

use super::{connect, statement};

const PAUSE: Duration = Duration::from_millis(300);

#[test]
fn the_query_is_a_few_batches_ahead_of_its_reader_and_no_more() {
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    let mut connection = connect(100_000, move |_| {
        counter.fetch_add(1, Ordering::SeqCst) as i64
    });
    let mut reader = statement(&mut connection, "SELECT x FROM source")
        .execute()
        .unwrap();
    for taken in 1..20 {
        let batch = reader.next().unwrap().unwrap();
        let first = batch.column(0).as_primitive::<Int64Type>().value(0);
        assert_eq!(first, taken - 1);
        sleep(Duration::from_millis(10));
        let made = made.load(Ordering::SeqCst);
        assert!(made <= taken as usize + 4, "{made} made, {taken} taken");
    }
}

#[test]
fn a_cancel_ends_a_read_though_the_query_does_not_yield() {
    let mut connection = connect(1, |_| {
        sleep(Duration::from_secs(5));
        0
    });
    let mut statement = statement(&mut connection, "SELECT x FROM source");
    let handle = statement.get_cancel_handle();
    let mut reader = statement.execute().unwrap();
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            sleep(PAUSE);
            handle.try_cancel().unwrap();
        });
        let failure = reader.next().unwrap().unwrap_err();
        assert!(failure.to_string().contains("cancelled"), "{failure}");
    });
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[test]
fn letting_go_of_everything_does_not_wait_for_the_query() {
    let mut connection = connect(1, |_| {
        sleep(Duration::from_secs(5));
        0
    });
    let mut statement = statement(&mut connection, "SELECT x FROM source");
    let reader = statement.execute().unwrap();
    sleep(PAUSE);
    let start = Instant::now();
    drop(connection);
    drop(reader);
    drop(statement);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn once_everything_is_let_go_nothing_of_the_query_is_left() {
    let held = Arc::new(());
    let by_query = Arc::clone(&held);
    let mut connection = connect(10, move |_| {
        let _ = &by_query;
        sleep(PAUSE);
        0
    });
    let mut statement = statement(&mut connection, "SELECT x FROM source");
    let reader = statement.execute().unwrap();
    sleep(PAUSE / 2);
    drop(reader);
    drop(statement);
    assert!(Arc::strong_count(&held) > 1);
    drop(connection);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_result_is_read_inside_a_clients_own_runtime() {
    let client = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let rows: usize = client.block_on(async {
        let mut connection = connect(10, |index| index as i64);
        let mut statement = statement(&mut connection, "SELECT x FROM source");
        let reader = statement.execute().unwrap();
        reader.map(|batch| batch.unwrap().num_rows()).sum()
    });
    assert_eq!(rows, 10);
}
