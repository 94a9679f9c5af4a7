//! limit_offset WORKLOAD [--out DIR]: batches as they are made without cogrouping. For each, the
//! next keys go into a temporary table by `SELECT DISTINCT … LIMIT n OFFSET i * n`; then every query
//! runs again, joined to it. --out writes the rows as Parquet files. The workload is the JSON that
//! bench/workloads.py writes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use serde_json::{Map, Value, json};

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Workload {
    setup: Vec<String>,
    key: String,
    max_keys: u64,
    memory: usize,
    /// Name and SQL; the first one selects the keys.
    queries: Vec<(String, String)>,
}

impl Workload {
    fn read(path: &Path) -> Option<Self> {
        let json: Value = serde_json::from_reader(File::open(path).ok()?).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let query = |query: &Value| Some((text(&query["name"])?, text(&query["sql"])?));
        Some(Self {
            setup: json["setup"]
                .as_array()?
                .iter()
                .map(text)
                .collect::<Option<_>>()?,
            key: json["key"]
                .as_array()?
                .iter()
                .map(text)
                .collect::<Option<Vec<_>>>()?
                .join(", "),
            max_keys: json["max_keys"].as_u64()?,
            memory: json["memory"].as_u64()?.try_into().ok()?,
            queries: json["queries"]
                .as_array()?
                .iter()
                .map(query)
                .collect::<Option<_>>()?,
        })
    }
}

/// Runs a query and reads all its rows; writes them to `file` where there is one.
async fn deliver(context: &SessionContext, sql: &str, file: Option<PathBuf>) -> Result<u64> {
    let mut stream = context.sql(sql).await?.execute_stream().await?;
    let mut writer = match file {
        Some(path) => Some(ArrowWriter::try_new(
            File::create(path)?,
            stream.schema(),
            None,
        )?),
        None => None,
    };
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        if let Some(writer) = &mut writer {
            writer.write(&batch)?;
        }
    }
    if let Some(writer) = writer {
        writer.close()?;
    }
    Ok(rows)
}

async fn run(workload: &Workload, out: Option<&Path>) -> Result<()> {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(workload.memory)))
        .build_arc()?;
    let context = SessionContext::new_with_config_rt(SessionConfig::new(), runtime);
    for statement in &workload.setup {
        context.sql(statement).await?.collect().await?;
    }
    let (key, selecting) = (&workload.key, &workload.queries[0].1);
    let mut rows = vec![0; workload.queries.len()];
    for index in 0.. {
        let (limit, offset) = (workload.max_keys, index * workload.max_keys);
        let keys = format!(
            "CREATE TABLE batch_keys AS SELECT DISTINCT {key} FROM ({selecting}) AS a
             ORDER BY {key} LIMIT {limit} OFFSET {offset}"
        );
        context.sql(&keys).await?.collect().await?;
        if context.table("batch_keys").await?.count().await? == 0 {
            break;
        }
        for ((name, query), rows) in workload.queries.iter().zip(&mut rows) {
            let joined = format!(
                "SELECT q.* FROM ({query}) AS q LEFT SEMI JOIN batch_keys USING ({key})
                 ORDER BY {key}"
            );
            let file = out.map(|out| out.join(name).join(format!("batch-{index:06}.parquet")));
            *rows += deliver(&context, &joined, file).await?;
        }
        context
            .sql("DROP TABLE batch_keys")
            .await?
            .collect()
            .await?;
        println!("{}", json!({"event": "batch", "index": index}));
    }
    let table = |((name, _), rows): (&(String, String), u64)| {
        (name.clone(), json!({"rows_delivered": rows}))
    };
    let tables: Map<_, _> = workload.queries.iter().zip(rows).map(table).collect();
    println!("{}", json!({"event": "completed", "tables": tables}));
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, out) = match &arguments[..] {
        [path] => (path, None),
        [path, option, out] if option == "--out" => (path, Some(Path::new(out))),
        _ => panic!("usage: limit_offset WORKLOAD [--out DIR]"),
    };
    let workload = Workload::read(Path::new(path)).expect("a workload");
    for (name, _) in &workload.queries {
        if let Some(out) = out {
            fs::create_dir_all(out.join(name))?;
        }
    }
    tokio::runtime::Runtime::new()?.block_on(run(&workload, out))
}
