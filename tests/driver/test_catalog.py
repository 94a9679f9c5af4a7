"""What there is: objects, schemas, types, and the driver itself."""

import adbc_driver_manager as manager
import pyarrow as pa
import pytest

from support import run


@pytest.fixture
def filled(dbapi_connection):
    with dbapi_connection.cursor() as cursor:
        cursor.execute("CREATE TABLE logs (id BIGINT NOT NULL, body VARCHAR)")
        cursor.execute("CREATE TABLE resource_attrs (parent_id BIGINT)")
        cursor.execute("CREATE VIEW v AS SELECT id FROM logs")
        cursor.execute("CREATE SCHEMA empty_one")
    return dbapi_connection


def objects(connection, **filters):
    return connection.adbc_get_objects(**filters).read_all().to_pylist()


def tables(connection, **filters):
    return {
        table["table_name"]: table["table_type"]
        for catalog in objects(connection, **filters)
        for schema in catalog["catalog_db_schemas"]
        for table in schema["db_schema_tables"]
    }


def test_every_depth_reaches_as_far_as_asked(filled):
    catalogs = objects(filled, depth="catalogs")
    assert catalogs == [{"catalog_name": "datafusion", "catalog_db_schemas": None}]
    schemas = objects(filled, depth="db_schemas")[0]["catalog_db_schemas"]
    assert schemas == [
        {"db_schema_name": "empty_one", "db_schema_tables": None},
        {"db_schema_name": "public", "db_schema_tables": None},
    ]
    names = tables(filled, depth="tables")
    assert names == {"logs": "BASE TABLE", "resource_attrs": "BASE TABLE", "v": "VIEW"}
    assert tables(filled, depth="all") == names


def test_columns_have_position_type_and_nullability(filled):
    schema = objects(filled, depth="all", table_name_filter="logs")[0]["catalog_db_schemas"][1]
    columns = schema["db_schema_tables"][0]["table_columns"]
    keys = ["column_name", "ordinal_position", "xdbc_type_name", "xdbc_is_nullable"]
    assert [tuple(column[key] for key in keys) for column in columns] == [
        ("id", 1, "Int64", "NO"),
        ("body", 2, "Utf8View", "YES"),
    ]


def test_patterns_filter_every_level(filled):
    assert set(tables(filled, table_name_filter="%s")) == {"logs", "resource_attrs"}
    assert set(tables(filled, table_name_filter="l_gs")) == {"logs"}
    assert tables(filled, table_types_filter=["VIEW"]) == {"v": "VIEW"}
    assert tables(filled, db_schema_filter="empty%") == {}
    assert objects(filled, catalog_filter="nowhere") == []
    schema = objects(filled, column_name_filter="parent%")[0]["catalog_db_schemas"][1]
    found = {t["table_name"]: len(t["table_columns"]) for t in schema["db_schema_tables"]}
    assert found == {"logs": 0, "resource_attrs": 1, "v": 0}


def test_a_temporary_table_is_listed_as_one(filled):
    with filled.cursor() as cursor:
        cursor.adbc_ingest("mine", pa.table({"x": [1]}), temporary=True)
    assert tables(filled)["mine"] == "LOCAL TEMPORARY"


def test_table_types(filled):
    assert filled.adbc_get_table_types() == ["BASE TABLE", "VIEW", "LOCAL TEMPORARY"]


def test_table_schema_or_the_nearest_name(filled):
    schema = filled.adbc_get_table_schema("logs")
    assert schema.names == ["id", "body"] and not schema.field("id").nullable
    with pytest.raises(manager.ProgrammingError, match="table 'lgos' not found; did you mean 'logs'"):
        filled.adbc_get_table_schema("lgos")
    with pytest.raises(manager.ProgrammingError, match="schema 'pubic' not found; did you mean 'public'"):
        filled.adbc_get_table_schema("logs", db_schema_filter="pubic")


def test_info_names_datafusion_and_the_driver(dbapi_connection):
    info = dbapi_connection.adbc_get_info()
    assert info["vendor_name"] == "Apache DataFusion"
    assert info["vendor_version"].startswith("55.")
    assert info["driver_name"] == "ADBC driver for Apache DataFusion"
    assert info["driver_adbc_version"] == 1_001_000
    assert info["vendor_arrow_version"] == info["driver_arrow_version"]


def test_the_current_catalog_and_schema_change(dbapi_connection):
    connection = dbapi_connection
    assert connection.adbc_current_catalog == "datafusion"
    assert connection.adbc_current_db_schema == "public"
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA other")
        connection.adbc_current_db_schema = "other"
        cursor.execute("CREATE TABLE t AS VALUES (1)")
        cursor.execute("SELECT * FROM datafusion.other.t")
        assert cursor.fetchall() == [(1,)]
    with pytest.raises(manager.ProgrammingError, match="did you mean 'other'"):
        connection.adbc_current_db_schema = "othr"


def test_show_tables_works(cursor):
    cursor.execute("CREATE TABLE t AS VALUES (1)")
    cursor.execute("SHOW TABLES")
    assert "t" in [row[2] for row in cursor.fetchall()]


def test_statistics_are_not_implemented(connection):
    with pytest.raises(manager.NotSupportedError):
        connection.get_statistics()
    run(connection, "SELECT 1")
