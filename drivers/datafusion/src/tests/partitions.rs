use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use adbc_core::{Connection, Statement};
use datafusion::arrow::array::{AsArray, RecordBatchReader};
use datafusion::arrow::datatypes::Int64Type;

use super::{connect, connect_partitions, statement};
use crate::DataFusionConnection;

type Part = Box<dyn RecordBatchReader + Send>;

fn parts(connection: &mut DataFusionConnection, sql: &str) -> Vec<Part> {
    let names = statement(connection, sql).execute_partitions().unwrap();
    let part = |name: &Vec<u8>| connection.read_partition(name).unwrap();
    names.partitions.iter().map(part).collect()
}

fn values(part: Part) -> Vec<i64> {
    part.flat_map(|batch| {
        let column = Arc::clone(batch.unwrap().column(0));
        column.as_primitive::<Int64Type>().values().to_vec()
    })
    .collect()
}

#[test]
fn a_scan_comes_in_a_part_a_partition() {
    let mut connection = connect_partitions(3, 5, |index| index as i64);
    let parts = parts(&mut connection, "SELECT 2 * x AS x FROM source WHERE x > 1");
    assert_eq!(parts.len(), 3);
    for part in parts {
        assert_eq!(values(part), [4, 6, 8]);
    }
}

#[test]
fn what_is_more_than_a_scan_comes_in_one() {
    let mut connection = connect_partitions(3, 5, |index| index as i64);
    for (sql, expected) in [
        ("SELECT x FROM source ORDER BY x LIMIT 4", vec![0, 0, 0, 1]),
        ("SELECT count(*) AS n FROM source", vec![15]),
        ("SELECT x FROM source WHERE x = 9 LIMIT 1", vec![]),
    ] {
        let mut parts = parts(&mut connection, sql);
        assert_eq!(parts.len(), 1, "{sql}");
        assert_eq!(values(parts.remove(0)), expected, "{sql}");
    }
}

#[test]
fn a_part_is_computed_by_the_thread_that_reads_it() {
    let reader = std::thread::current().id();
    let elsewhere = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&elsewhere);
    let mut connection = connect_partitions(2, 5, move |index| {
        if std::thread::current().id() != reader {
            seen.store(true, Ordering::SeqCst);
        }
        index as i64
    });
    for part in parts(&mut connection, "SELECT x FROM source") {
        values(part);
    }
    assert!(!elsewhere.load(Ordering::SeqCst));
}

#[test]
fn an_error_of_a_part_is_repeated_and_no_end() {
    let mut connection = connect_partitions(2, 3, |index| match index {
        1 => panic!("broken"),
        index => index as i64,
    });
    for mut part in parts(&mut connection, "SELECT x FROM source") {
        part.next().unwrap().unwrap();
        for _ in 0..3 {
            let failure = part.next().unwrap().unwrap_err();
            assert!(failure.to_string().contains("broken"), "{failure}");
        }
    }
}

#[test]
fn a_cancel_ends_parts_after_their_current_batch() {
    let mut connection = connect_partitions(2, 1000, |index| {
        sleep(Duration::from_millis(50));
        index as i64
    });
    let mut statement = statement(&mut connection, "SELECT x FROM source WHERE x < 0");
    let handle = statement.get_cancel_handle();
    let names = statement.execute_partitions().unwrap().partitions;
    let start = Instant::now();
    std::thread::scope(|scope| {
        for name in &names {
            let mut part = connection.read_partition(name).unwrap();
            scope.spawn(move || {
                let failure = part.next().unwrap().unwrap_err();
                assert!(failure.to_string().contains("cancelled"), "{failure}");
            });
        }
        sleep(Duration::from_millis(300));
        handle.try_cancel().unwrap();
    });
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn parts_that_nobody_reads_go_with_the_connection() {
    let held = Arc::new(());
    let by_query = Arc::clone(&held);
    let mut connection = connect_partitions(2, 3, move |index| {
        let _ = &by_query;
        index as i64
    });
    let names = statement(&mut connection, "SELECT x FROM source").execute_partitions();
    drop(connection.read_partition(&names.unwrap().partitions[0]));
    assert!(Arc::strong_count(&held) > 1);
    drop(connection);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_part_is_read_once() {
    let mut connection = connect(3, |index| index as i64);
    let names = statement(&mut connection, "SELECT x FROM source").execute_partitions();
    let names = names.unwrap().partitions;
    assert_eq!(names.len(), 1);
    let part = connection.read_partition(&names[0]).unwrap();
    assert_eq!(values(part), [0, 1, 2]);
    assert!(connection.read_partition(&names[0]).is_err());
}

#[test]
fn a_part_is_read_inside_a_clients_own_runtime() {
    let client = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let rows: usize = client.block_on(async {
        let mut connection = connect_partitions(2, 10, |index| index as i64);
        let parts = parts(&mut connection, "SELECT x FROM source");
        parts.into_iter().map(|part| values(part).len()).sum()
    });
    assert_eq!(rows, 20);
}
