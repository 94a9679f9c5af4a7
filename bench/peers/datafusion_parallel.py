"""DataFusion: `ORDER BY` a table, all tables at the same time. As datafusion_sort.py otherwise."""

from concurrent.futures import ThreadPoolExecutor

from datafusion_sort import deliver_table, open_database, set_up
from peer import Delivery, main


def deliver(workload: dict, delivery: Delivery) -> None:
    queries = workload["queries"]
    with open_database(workload) as database:
        set_up(database, workload)
        with ThreadPoolExecutor(len(queries)) as pool:
            tables = [
                pool.submit(deliver_table, database, workload, query, delivery) for query in queries
            ]
        for table in tables:
            table.result()


if __name__ == "__main__":
    main(deliver)
