//! Option names and values. A `datafusion.*` setting means the same on a database, a connection and
//! a statement: each starts from the one above it.

use std::path::PathBuf;

use adbc_core::error::{Result, Status};
use adbc_core::options::OptionValue;
use datafusion::common::utils::datafusion_strsim::levenshtein;
use datafusion::config::{ConfigEntry, ConfigOptions};

use crate::error::{error, invalid_argument};

pub(crate) const MEMORY_LIMIT: &str = "datafusion.memory_limit";
pub(crate) const SPILL_PATH: &str = "datafusion.spill_path";
pub(crate) const SPILL_LIMIT: &str = "datafusion.spill_limit";
pub(crate) const SCAN_AHEAD: &str = "datafusion.scan_ahead";
pub(crate) const TEXT_VIEWS: &str = "datafusion.text_views";
pub(crate) const ESTIMATED_ROWS: &str = "datafusion.estimated_rows";
pub(crate) const EXPLAIN: &str = "datafusion.explain";
/// ADBC's, of a statement.
pub(crate) const BIND_BY_NAME: &str = "adbc.statement.bind_by_name";

/// Short names, and the names DataFusion's SQL uses, for the same settings.
const ALIASES: [(&str, &str); 5] = [
    (
        "datafusion.target_partitions",
        "datafusion.execution.target_partitions",
    ),
    ("datafusion.batch_size", "datafusion.execution.batch_size"),
    ("datafusion.runtime.memory_limit", MEMORY_LIMIT),
    ("datafusion.runtime.temp_directory", SPILL_PATH),
    ("datafusion.runtime.max_temp_directory_size", SPILL_LIMIT),
];

/// The most that makes sense. DataFusion allocates for so many before it reads a row, and a process that fails to ends.
const MOST: [(&str, usize); 2] = [
    ("datafusion.execution.target_partitions", 4096),
    ("datafusion.execution.batch_size", 1 << 30),
];

/// What a query may use, beside DataFusion's own settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    /// Bytes of memory; `None` is no limit.
    pub(crate) memory: Option<usize>,
    /// Where spill files go; `None` is the system's temporary directory.
    pub(crate) spill_path: Option<PathBuf>,
    /// Bytes of spill files of one query; `None` is DataFusion's default.
    pub(crate) spill: Option<u64>,
    /// How many ranges of an ordered scan are read at the same time; `None` is one.
    pub(crate) scan_ahead: Option<usize>,
    /// Whether text that a query hands on as it is comes as views.
    pub(crate) text_views: bool,
}

/// Every `datafusion.*` setting of one level.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) config: ConfigOptions,
    pub(crate) limits: Limits,
}

impl Settings {
    /// Sets one option by its full name or an alias.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match canonical(name) {
            MEMORY_LIMIT => self.limits.memory = parse_limit(name, value)?,
            SPILL_PATH => {
                self.limits.spill_path = (!value.is_empty()).then(|| PathBuf::from(value))
            }
            SPILL_LIMIT => self.limits.spill = parse_limit(name, value)?.map(|bytes| bytes as u64),
            SCAN_AHEAD => self.limits.scan_ahead = parse_count(name, value)?,
            TEXT_VIEWS => self.limits.text_views = parse_bool(name, value)?,
            name => self.set_config(name, value)?,
        }
        Ok(())
    }

    fn set_config(&mut self, name: &str, value: &str) -> Result<()> {
        if !self.knows(name) {
            return Err(unknown_option(name, &self.config));
        }
        check_size(name, value)?;
        let mut changed = self.config.clone();
        changed
            .set(name, value)
            .map_err(|cause| invalid_argument(cause.strip_backtrace()))?;
        self.config = changed;
        Ok(())
    }

    fn knows(&self, name: &str) -> bool {
        // Settings of file formats hold maps whose keys are free, so only their prefix is known.
        self.entries().iter().any(|entry| entry.key == name)
            || name == "datafusion.optimizer.enable_dynamic_filter_pushdown"
    }

    /// Reads one option back. An option that has no value reads as the empty string.
    pub(crate) fn get(&self, name: &str) -> Result<String> {
        match canonical(name) {
            MEMORY_LIMIT => Ok(text(self.limits.memory)),
            SPILL_PATH => Ok(self
                .limits
                .spill_path
                .as_ref()
                .map_or_else(String::new, |path| path.display().to_string())),
            SPILL_LIMIT => Ok(text(self.limits.spill)),
            SCAN_AHEAD => Ok(text(self.limits.scan_ahead)),
            TEXT_VIEWS => Ok(self.limits.text_views.to_string()),
            name => self
                .entries()
                .into_iter()
                .find(|entry| entry.key == name)
                .map(|entry| entry.value.unwrap_or_default())
                .ok_or_else(|| unknown_option(name, &self.config)),
        }
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        self.config.entries()
    }
}

/// Refuses a number that can only be a slip; whether it is one at all is for DataFusion to say.
fn check_size(name: &str, value: &str) -> Result<()> {
    let most = MOST.iter().find(|(known, _)| *known == name);
    match (most, value.trim().parse::<usize>()) {
        (Some((_, most)), Ok(size)) if size > *most => Err(invalid_argument(format!(
            "'{name}' is at most {most}, not {size}"
        ))),
        _ => Ok(()),
    }
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Whether DataFusion keeps this setting in the runtime environment, not in the configuration.
pub(crate) fn is_runtime_setting(name: &str) -> bool {
    canonical(name).starts_with("datafusion.runtime.")
}

fn canonical(name: &str) -> &str {
    ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map_or(name, |(_, name)| name)
}

/// The error for a name nobody knows, with the nearest one somebody does.
pub(crate) fn unknown_option(name: &str, config: &ConfigOptions) -> adbc_core::error::Error {
    let mut known: Vec<String> = config.entries().into_iter().map(|e| e.key).collect();
    known.extend(ALIASES.iter().map(|(alias, _)| (*alias).to_owned()));
    known.extend(
        [
            MEMORY_LIMIT,
            SPILL_PATH,
            SPILL_LIMIT,
            SCAN_AHEAD,
            TEXT_VIEWS,
            ESTIMATED_ROWS,
            EXPLAIN,
        ]
        .map(Into::into),
    );
    let hint = nearest(name, known.iter().map(String::as_str))
        .map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
    error(Status::NotFound, format!("unknown option '{name}'{hint}"))
}

/// The candidate with the fewest edits to `name`, unless it has little in common with it.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let name = name.to_lowercase();
    candidates
        .map(|candidate| (edits(&name, candidate), candidate))
        .min()
        .filter(|(edits, _)| *edits <= (name.len() / 2).max(2))
        .map(|(_, candidate)| candidate)
}

/// Edits between two names, or between the last parts of two dotted ones: who forgets the middle of
/// `datafusion.execution.batch_size` still meant it.
fn edits(name: &str, candidate: &str) -> usize {
    let whole = levenshtein(name, &candidate.to_lowercase());
    let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
    if name.contains('.') && last(name) == last(candidate) {
        return whole.min(1);
    }
    whole
}

/// Any kind of option value as the text DataFusion's settings are made of.
pub(crate) fn to_text(name: &str, value: OptionValue) -> Result<String> {
    match value {
        OptionValue::String(text) => Ok(text),
        OptionValue::Int(number) => Ok(number.to_string()),
        OptionValue::Double(number) => Ok(number.to_string()),
        OptionValue::Bytes(bytes) => String::from_utf8(bytes)
            .map_err(|_| invalid_argument(format!("the value of '{name}' is not UTF-8"))),
        _ => Err(invalid_argument(format!(
            "the value of '{name}' has an unknown type"
        ))),
    }
}

/// A boolean option as ADBC (`true`, `false`) or a person writes it.
pub(crate) fn to_bool(name: &str, value: OptionValue) -> Result<bool> {
    parse_bool(name, &to_text(name, value)?)
}

fn parse_bool(name: &str, value: &str) -> Result<bool> {
    match value.to_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => Err(invalid_argument(format!(
            "'{name}' is 'true' or 'false', not '{other}'"
        ))),
    }
}

/// An option read back as an integer.
pub(crate) fn to_int(name: &str, text: &str) -> Result<i64> {
    text.parse()
        .map_err(|_| invalid_argument(format!("'{name}' is '{text}', not an integer")))
}

/// An option read back as a floating-point number.
pub(crate) fn to_double(name: &str, text: &str) -> Result<f64> {
    text.parse()
        .map_err(|_| invalid_argument(format!("'{name}' is '{text}', not a number")))
}

/// A whole number above 0; nothing is none.
fn parse_count(name: &str, value: &str) -> Result<Option<usize>> {
    if value.is_empty() {
        return Ok(None);
    }
    match value.parse() {
        Ok(count) if count > 0 => Ok(Some(count)),
        _ => Err(invalid_argument(format!(
            "'{name}' is a whole number above 0, not '{value}'"
        ))),
    }
}

/// A number of bytes such as `1073741824`, `512MiB`, `1.5GB` or `64k`; nothing or `unlimited` is no
/// limit. K, M, G and T count in 1024s, with `iB`, with `B` and alone, as DataFusion's own do.
fn parse_limit(name: &str, value: &str) -> Result<Option<usize>> {
    let value = value.trim().to_lowercase();
    if value.is_empty() || value == "unlimited" {
        return Ok(None);
    }
    let digits = value
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let shift = match unit.trim() {
        "" | "b" => Some(0),
        "k" | "kb" | "kib" => Some(10),
        "m" | "mb" | "mib" => Some(20),
        "g" | "gb" | "gib" => Some(30),
        "t" | "tb" | "tib" => Some(40),
        _ => None,
    };
    let bytes = shift
        .zip(number.parse::<f64>().ok())
        .map(|(shift, number)| number * (1u64 << shift) as f64)
        .filter(|bytes| *bytes >= 1.0 && *bytes < u64::MAX as f64);
    match bytes {
        Some(bytes) => Ok(Some(bytes as usize)),
        None => Err(invalid_argument(format!(
            "'{name}' is a number of bytes such as 1073741824, 512MiB or 1GB, not '{value}'"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_in_bytes_and_in_every_unit() {
        let limit = |text| parse_limit("limit", text).unwrap();
        assert_eq!(limit("1000"), Some(1000));
        assert_eq!(limit("64k"), Some(64 << 10));
        assert_eq!(limit("1.5 GB"), Some(3 << 29));
        assert_eq!(limit("512MiB"), Some(512 << 20));
        assert_eq!(limit("unlimited"), None);
        for wrong in ["0", "-1", "ten", "1x", "1.2.3", "9999999999999999999999"] {
            assert!(parse_limit("limit", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_size_that_nothing_could_hold_is_refused() {
        let mut settings = Settings {
            config: ConfigOptions::new(),
            limits: Limits::default(),
        };
        for name in ["datafusion.target_partitions", "datafusion.batch_size"] {
            settings.set(name, "4096").unwrap();
            let message = settings.set(name, "99999999999").unwrap_err().message;
            assert!(message.contains("is at most"), "{message}");
            assert_eq!(settings.get(name).unwrap(), "4096");
        }
    }

    #[test]
    fn the_nearest_name_is_close_or_there_is_none() {
        let tables = ["logs", "resource_attrs"];
        assert_eq!(nearest("log", tables.into_iter()), Some("logs"));
        assert_eq!(
            nearest("resources_attr", tables.into_iter()),
            Some(tables[1])
        );
        assert_eq!(nearest("unrelated", tables.into_iter()), None);
    }

    #[test]
    fn an_unknown_option_names_the_nearest() {
        let mut settings = Settings {
            config: ConfigOptions::new(),
            limits: Limits::default(),
        };
        for (wrong, right) in [
            ("datafusion.batchsize", "datafusion.batch_size"),
            ("datafusion.memory_limt", "datafusion.memory_limit"),
            (
                "datafusion.parquet.pushdown_filters",
                "datafusion.execution.parquet.pushdown_filters",
            ),
        ] {
            let message = settings.set(wrong, "1").unwrap_err().message;
            assert!(message.contains(&format!("'{right}'")), "{message}");
        }
    }
}
