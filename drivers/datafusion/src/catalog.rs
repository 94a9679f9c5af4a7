//! What there is in a database: catalogs, schemas, tables and columns, in ADBC's nested form.

use std::sync::Arc;

use adbc_core::error::Result;
use adbc_core::options::ObjectDepth;
use adbc_core::schemas::{
    COLUMN_SCHEMA, CONSTRAINT_SCHEMA, GET_OBJECTS_SCHEMA, GET_TABLE_TYPES_SCHEMA,
    OBJECTS_DB_SCHEMA_SCHEMA, TABLE_SCHEMA,
};
use datafusion::arrow::array::{
    ArrayRef, Int16Array, Int32Array, ListArray, RecordBatch, RecordBatchIterator,
    RecordBatchReader, StringArray, StructArray, new_null_array,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::catalog::SchemaProvider;
use datafusion::common::ResolvedTableReference;
use datafusion::datasource::TableType;

use crate::error::{from_arrow, from_datafusion};
use crate::session::Session;

type Reader = Box<dyn RecordBatchReader + Send + 'static>;
type ArrowResult<T> = std::result::Result<T, ArrowError>;

const TABLE_TYPES: [&str; 3] = ["BASE TABLE", "VIEW", "LOCAL TEMPORARY"];

/// What `get_objects` was asked for. The names are patterns with `%` and `_`.
pub(crate) struct ObjectFilter {
    pub(crate) depth: ObjectDepth,
    pub(crate) catalog: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) table: Option<String>,
    pub(crate) table_types: Option<Vec<String>>,
    pub(crate) column: Option<String>,
}

impl ObjectFilter {
    fn reaches_schemas(&self) -> bool {
        self.depth != ObjectDepth::Catalogs
    }

    fn reaches_tables(&self) -> bool {
        self.reaches_schemas() && self.depth != ObjectDepth::Schemas
    }

    fn reaches_columns(&self) -> bool {
        self.reaches_tables() && self.depth != ObjectDepth::Tables
    }
}

struct SchemaObject {
    name: String,
    tables: Vec<TableObject>,
}

struct TableObject {
    name: String,
    kind: &'static str,
    /// Each with its position in the table, from 1.
    columns: Vec<(i32, Arc<Field>)>,
}

/// A result of one batch.
pub(crate) fn one_batch(batch: RecordBatch) -> Result<Reader> {
    let schema = batch.schema();
    Ok(Box::new(RecordBatchIterator::new([Ok(batch)], schema)))
}

pub(crate) fn get_table_types() -> Result<Reader> {
    let types = StringArray::from(TABLE_TYPES.to_vec());
    let schema = Arc::clone(&GET_TABLE_TYPES_SCHEMA);
    one_batch(RecordBatch::try_new(schema, vec![Arc::new(types)]).map_err(from_arrow)?)
}

pub(crate) async fn get_table_schema(
    session: Arc<Session>,
    name: ResolvedTableReference,
) -> Result<Schema> {
    let schema = session.schema_of(&name)?;
    let table = schema.table(&name.table).await.map_err(from_datafusion)?;
    match table {
        Some(table) => Ok(table.schema().as_ref().clone()),
        None => Err(session.missing_table(&name)),
    }
}

pub(crate) async fn get_objects(session: Arc<Session>, filter: ObjectFilter) -> Result<Reader> {
    let catalogs = Arc::clone(session.context.state().catalog_list());
    let mut names = catalogs.catalog_names();
    names.retain(|name| matches(&filter.catalog, name));
    names.sort_unstable();
    let mut objects = Vec::with_capacity(names.len());
    for name in names {
        let mut schemas = Vec::new();
        if let Some(catalog) = catalogs.catalog(&name)
            && filter.reaches_schemas()
        {
            let mut schema_names = catalog.schema_names();
            schema_names.retain(|name| matches(&filter.schema, name));
            schema_names.sort_unstable();
            for schema_name in schema_names {
                if let Some(schema) = catalog.schema(&schema_name) {
                    let tables = tables_of(schema.as_ref(), &filter).await?;
                    schemas.push(SchemaObject {
                        name: schema_name,
                        tables,
                    });
                }
            }
        }
        objects.push((name, schemas));
    }
    one_batch(to_batch(&objects, &filter).map_err(from_arrow)?)
}

async fn tables_of(schema: &dyn SchemaProvider, filter: &ObjectFilter) -> Result<Vec<TableObject>> {
    let mut tables = Vec::new();
    if !filter.reaches_tables() {
        return Ok(tables);
    }
    let mut names = schema.table_names();
    names.retain(|name| matches(&filter.table, name));
    names.sort_unstable();
    for name in names {
        let kind = match schema.table_type(&name).await.map_err(from_datafusion)? {
            Some(TableType::Base) => TABLE_TYPES[0],
            Some(TableType::View) => TABLE_TYPES[1],
            Some(TableType::Temporary) => TABLE_TYPES[2],
            // Another connection dropped it in the meantime.
            None => continue,
        };
        let wanted = |types: &Vec<String>| types.iter().any(|wanted| wanted == kind);
        if !filter.table_types.as_ref().is_none_or(wanted) {
            continue;
        }
        let columns = columns_of(schema, &name, filter).await?;
        tables.push(TableObject {
            name,
            kind,
            columns,
        });
    }
    Ok(tables)
}

async fn columns_of(
    schema: &dyn SchemaProvider,
    table: &str,
    filter: &ObjectFilter,
) -> Result<Vec<(i32, Arc<Field>)>> {
    if !filter.reaches_columns() {
        return Ok(vec![]);
    }
    let table = schema.table(table).await.map_err(from_datafusion)?;
    let fields = table.map(|table| table.schema().fields().clone());
    Ok(fields
        .iter()
        .flat_map(|fields| fields.iter())
        .zip(1..)
        .filter(|(field, _)| matches(&filter.column, field.name()))
        .map(|(field, position)| (position, Arc::clone(field)))
        .collect())
}

fn matches(pattern: &Option<String>, name: &str) -> bool {
    let Some(pattern) = pattern else { return true };
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    like(&pattern, &name)
}

/// SQL's LIKE: `%` is any text, `_` any character, and a backslash takes the next one as it is.
fn like(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|skipped| like(rest, &text[skipped..])),
        ['_', rest @ ..] => !text.is_empty() && like(rest, &text[1..]),
        ['\\', literal, rest @ ..] | [literal, rest @ ..] => {
            text.first() == Some(literal) && like(rest, &text[1..])
        }
    }
}

// The nested arrays, from the columns up. A level that was not asked for is null.

fn to_batch(
    catalogs: &[(String, Vec<SchemaObject>)],
    filter: &ObjectFilter,
) -> ArrowResult<RecordBatch> {
    let names: StringArray = catalogs.iter().map(|(name, _)| Some(name)).collect();
    let all: Vec<&SchemaObject> = catalogs.iter().flat_map(|(_, schemas)| schemas).collect();
    let schemas = list(
        schema_array(&all, filter)?,
        &OBJECTS_DB_SCHEMA_SCHEMA,
        catalogs.iter().map(|(_, schemas)| schemas.len()),
        filter.reaches_schemas(),
    )?;
    RecordBatch::try_new(
        Arc::clone(&GET_OBJECTS_SCHEMA),
        vec![Arc::new(names), schemas],
    )
}

fn schema_array(schemas: &[&SchemaObject], filter: &ObjectFilter) -> ArrowResult<StructArray> {
    let names: StringArray = schemas.iter().map(|schema| Some(&schema.name)).collect();
    let all: Vec<&TableObject> = schemas.iter().flat_map(|schema| &schema.tables).collect();
    let tables = list(
        table_array(&all, filter)?,
        &TABLE_SCHEMA,
        schemas.iter().map(|schema| schema.tables.len()),
        filter.reaches_tables(),
    )?;
    structs(&OBJECTS_DB_SCHEMA_SCHEMA, vec![Arc::new(names), tables])
}

fn table_array(tables: &[&TableObject], filter: &ObjectFilter) -> ArrowResult<StructArray> {
    let names: StringArray = tables.iter().map(|table| Some(&table.name)).collect();
    let kinds: StringArray = tables.iter().map(|table| Some(table.kind)).collect();
    let all: Vec<&(i32, Arc<Field>)> = tables.iter().flat_map(|table| &table.columns).collect();
    let columns = list(
        column_array(&all)?,
        &COLUMN_SCHEMA,
        tables.iter().map(|table| table.columns.len()),
        filter.reaches_columns(),
    )?;
    let constraints = list(
        structs_of_nulls(&CONSTRAINT_SCHEMA, 0)?,
        &CONSTRAINT_SCHEMA,
        tables.iter().map(|_| 0),
        filter.reaches_columns(),
    )?;
    structs(
        &TABLE_SCHEMA,
        vec![Arc::new(names), Arc::new(kinds), columns, constraints],
    )
}

fn column_array(columns: &[&(i32, Arc<Field>)]) -> ArrowResult<StructArray> {
    let fields = || columns.iter().map(|(_, field)| field);
    let known: [(&str, ArrayRef); 5] = [
        (
            "column_name",
            Arc::new(fields().map(|f| Some(f.name())).collect::<StringArray>()),
        ),
        (
            "ordinal_position",
            Arc::new(columns.iter().map(|(n, _)| *n).collect::<Int32Array>()),
        ),
        (
            "xdbc_type_name",
            Arc::new(StringArray::from_iter_values(
                fields().map(|f| f.data_type().to_string()),
            )),
        ),
        (
            "xdbc_nullable",
            Arc::new(
                fields()
                    .map(|f| i16::from(f.is_nullable()))
                    .collect::<Int16Array>(),
            ),
        ),
        (
            "xdbc_is_nullable",
            Arc::new(StringArray::from_iter_values(
                fields().map(|f| if f.is_nullable() { "YES" } else { "NO" }),
            )),
        ),
    ];
    let DataType::Struct(layout) = &*COLUMN_SCHEMA else {
        return Err(not_a_struct());
    };
    let arrays = layout.iter().map(|field| {
        let array = known.iter().find(|(name, _)| name == field.name());
        array.map_or_else(
            || new_null_array(field.data_type(), columns.len()),
            |(_, array)| Arc::clone(array),
        )
    });
    StructArray::try_new(layout.clone(), arrays.collect(), None)
}

fn structs(layout: &DataType, arrays: Vec<ArrayRef>) -> ArrowResult<StructArray> {
    let DataType::Struct(fields) = layout else {
        return Err(not_a_struct());
    };
    StructArray::try_new(fields.clone(), arrays, None)
}

fn structs_of_nulls(layout: &DataType, length: usize) -> ArrowResult<StructArray> {
    let DataType::Struct(fields) = layout else {
        return Err(not_a_struct());
    };
    let arrays = fields.iter().map(|f| new_null_array(f.data_type(), length));
    StructArray::try_new(fields.clone(), arrays.collect(), None)
}

fn list(
    values: StructArray,
    item: &DataType,
    lengths: impl ExactSizeIterator<Item = usize>,
    reached: bool,
) -> ArrowResult<ArrayRef> {
    let nulls = (!reached).then(|| NullBuffer::new_null(lengths.len()));
    let item = Arc::new(Field::new_list_field(item.clone(), true));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(
        item,
        offsets,
        Arc::new(values),
        nulls,
    )?))
}

fn not_a_struct() -> ArrowError {
    ArrowError::SchemaError("a struct was expected".to_owned())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_sql() {
        let matches = |pattern: &str, name| matches(&Some(pattern.to_owned()), name);
        assert!(matches("logs", "logs") && !matches("logs", "logs2"));
        assert!(matches("lo%", "logs") && matches("%", "") && matches("%g%", "logs"));
        assert!(matches("l_gs", "logs") && !matches("_", ""));
        assert!(matches("a\\_b", "a_b") && !matches("a\\_b", "axb"));
        assert!(matches("%é", "café"));
    }
}
