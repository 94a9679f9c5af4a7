//! Object stores, registered when a statement first names a URL of theirs.

use std::collections::HashMap;

use adbc_core::error::Result;
use datafusion::logical_expr::{DdlStatement, LogicalPlan};
use datafusion::prelude::SessionContext;
use url::Url;

/// Registers the stores that `plan` reads its table from or writes to, and takes the options meant
/// for them out of it: the rest are the file format's.
pub(crate) fn register(context: &SessionContext, mut plan: LogicalPlan) -> Result<LogicalPlan> {
    let (locations, options) = match &mut plan {
        LogicalPlan::Ddl(DdlStatement::CreateExternalTable(create)) => {
            (create.locations.clone(), &mut create.options)
        }
        LogicalPlan::Copy(copy) => (vec![copy.output_url.clone()], &mut copy.options),
        _ => return Ok(plan),
    };
    for url in locations.iter().filter_map(|location| remote_url(location)) {
        add_store(context, &url, options)?;
    }
    options.retain(|key, _| !STORE_OPTIONS.iter().any(|prefix| key.starts_with(prefix)));
    Ok(plan)
}

/// Options with these prefixes configure a store.
const STORE_OPTIONS: [&str; 3] = ["aws.", "gcp.", "azure."];

/// A location that is a URL of something other than a local file.
fn remote_url(location: &str) -> Option<Url> {
    let url = Url::parse(location).ok()?;
    // `c:\data` parses as a URL too.
    (url.scheme().len() > 1 && url.scheme() != "file").then_some(url)
}

#[cfg(not(feature = "object-stores"))]
fn add_store(_: &SessionContext, url: &Url, _: &HashMap<String, String>) -> Result<()> {
    Err(crate::error::not_implemented(format!(
        "this build of the driver reads and writes local files only; '{}://' needs one built with \
         --features object-stores",
        url.scheme()
    )))
}

#[cfg(feature = "object-stores")]
fn add_store(context: &SessionContext, url: &Url, options: &HashMap<String, String>) -> Result<()> {
    use crate::error::{error, invalid_argument};
    use adbc_core::error::Status;
    use object_store::{ObjectStore, aws, azure, gcp, http};
    use std::sync::Arc;

    let failed = |cause: object_store::Error| error(Status::IO, cause.to_string());
    // A builder reads the environment first; the statement's options win over it.
    macro_rules! build {
        ($builder:expr, $prefix:literal) => {{
            let mut builder = $builder.with_url(url.as_str());
            for (key, value) in options {
                if let Some(key) = key.strip_prefix($prefix) {
                    let key = key.parse().map_err(|cause: object_store::Error| {
                        invalid_argument(cause.to_string())
                    })?;
                    builder = builder.with_config(key, value);
                }
            }
            Arc::new(builder.build().map_err(failed)?) as Arc<dyn ObjectStore>
        }};
    }
    let store = match url.scheme() {
        "s3" | "s3a" => build!(aws::AmazonS3Builder::from_env(), "aws."),
        "gs" | "gcs" => build!(gcp::GoogleCloudStorageBuilder::from_env(), "gcp."),
        "az" | "azure" | "adl" | "abfs" | "abfss" => {
            build!(azure::MicrosoftAzureBuilder::from_env(), "azure.")
        }
        "http" | "https" => {
            let origin = &url[..url::Position::BeforePath];
            let store = http::HttpBuilder::new().with_url(origin).build();
            Arc::new(store.map_err(failed)?)
        }
        other => {
            return Err(invalid_argument(format!(
                "no object store for '{other}://'"
            )));
        }
    };
    context.register_object_store(url, store);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_stores_are_remote() {
        for local in ["data/x.parquet", "/data/x", "file:///data/x", "c:\\data"] {
            assert!(remote_url(local).is_none(), "{local}");
        }
        for remote in ["s3://bucket/x", "https://host/x.parquet"] {
            assert!(remote_url(remote).is_some(), "{remote}");
        }
    }
}
