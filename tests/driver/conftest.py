"""The DataFusion driver as a client that we did not write sees it: adbc_driver_manager."""

import os
import pathlib
import warnings

import adbc_driver_manager as manager
import pytest
from adbc_driver_manager import dbapi

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def driver() -> str:
    path = os.environ.get("SHEAF_DRIVER") or str(ROOT / "build/libadbc_driver_datafusion.so")
    if not os.path.exists(path):
        pytest.fail(f"no driver at {path}; build it or set SHEAF_DRIVER")
    return path


@pytest.fixture
def database(driver):
    with manager.AdbcDatabase(driver=driver) as database:
        yield database


@pytest.fixture
def connection(database):
    with manager.AdbcConnection(database) as connection:
        yield connection


@pytest.fixture
def dbapi_connection(driver):
    with warnings.catch_warnings():
        # DataFusion has no transactions, and DB-API wants them.
        warnings.simplefilter("ignore")
        connection = dbapi.connect(driver=driver)
    with connection:
        yield connection


@pytest.fixture
def cursor(dbapi_connection):
    with dbapi_connection.cursor() as cursor:
        yield cursor
