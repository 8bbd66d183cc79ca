"""What psycopg 3 does for a query beyond Django's cursor; nothing with another driver.

``decode_times``  times with a zone, decoded by the driver instead of Django's Python code
``may_send``      whether queries of a connection can be sent now and received later
``send_only``     let ``execute()`` of a cursor return as soon as its query is sent

Several databases are asked at once by sending to all of them before receiving from the first. No
thread takes part, and the connections are the caller's own, so that uncommitted rows are seen.
Django's ``CursorWrapper`` stays around it all, with its checks of thread and transaction, and its
errors. (A pipeline of psycopg's would not do: leaving one waits for its connection's answer, so
that several are left one after the other.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.backends.utils import CursorWrapper

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

DJANGO_LOADERS = "django.db.backends.postgresql.psycopg_any"


def _psycopg3(connection: BaseDatabaseWrapper) -> Any:
    # Not imported: not every project has it, and it takes its time.
    driver: Any = connection.Database  # type: ignore[attr-defined]
    return driver if driver.__name__ == "psycopg" else None


def decode_times(cursor: CursorWrapper) -> None:
    """Let ``cursor`` decode times with a zone as psycopg does, where Django's would be the same.

    Django registers a loader in Python that replaces the zone by its own. Where the server's zone
    is that zone, psycopg's loader in C gives equal objects. For this cursor only.
    """
    psycopg = _psycopg3(cursor.db)
    if psycopg is None:
        return
    adapters: Any = cursor.adapters
    key = psycopg.adapters.types["timestamptz"].oid, psycopg.pq.Format.TEXT
    loader = adapters.get_loader(*key)
    is_djangos = getattr(loader.load, "__module__", None) == DJANGO_LOADERS
    if is_djangos and loader.timezone is cursor.connection.info.timezone:
        adapters.register_loader(key[0], psycopg.adapters.get_loader(*key))


def may_send(connection: BaseDatabaseWrapper) -> bool:
    """Return whether queries of ``connection`` can be sent now and received later. No query.

    Not by a cursor of the user's class, which may do anything.
    """
    options = connection.settings_dict["OPTIONS"]
    return _psycopg3(connection) is not None and "cursor_factory" not in options


def send_only(cursor: CursorWrapper) -> None:
    """Let ``cursor.execute()`` only send its query, and ``cursor.fetchall()`` receive the rows.

    Until then its connection can do nothing else. For a connection that :func:`may_send`; left as
    it is if its class is not Django's own, or a transaction is to begin in a way of its own.
    """
    driver: Any = cursor.cursor
    psycopg = _psycopg3(cursor.db)
    if (
        type(cursor) is CursorWrapper
        and isinstance(driver, psycopg.ClientCursor)
        and type(driver).execute is psycopg.Cursor.execute
        and _begins_plainly(driver.connection)
    ):
        cursor.cursor = InFlight(psycopg, driver)


def _begins_plainly(connection: Any) -> bool:
    options = (connection.isolation_level, connection.read_only, connection.deferrable)
    return connection.autocommit or options == (None, None, None)


class InFlight:
    """In place of psycopg's cursor: a query that is sent and received in two steps."""

    def __init__(self, psycopg: Any, cursor: Any) -> None:
        """Bind parameters and decode rows as ``cursor`` does."""
        self.psycopg = psycopg
        self.cursor = cursor
        self.connection = cursor.connection
        self.pgconn = cursor.connection.pgconn
        self.sent = False

    def execute(self, sql: str, params: Any) -> None:
        """Send the query; in a transaction that has not begun yet, begin it before."""
        query = self.cursor.mogrify(sql, params)
        if not self.connection.autocommit and self._is_idle():
            query = f"BEGIN; {query}"
        self.pgconn.send_query(query.encode(self.connection.info.encoding))
        self.sent = True
        self.connection.wait(self.psycopg.generators.send(self.pgconn))

    def _is_idle(self) -> bool:
        idle = self.psycopg.pq.TransactionStatus.IDLE
        return bool(self.pgconn.transaction_status == idle)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Receive the rows."""
        results = self._receive()
        if not results:
            message = "got no result from the query"
            raise self.psycopg.InternalError(message)
        for result in results:
            if result.status == self.psycopg.pq.ExecStatus.FATAL_ERROR:
                raise self.psycopg.errors.error_from_result(result, self.connection.info.encoding)
        transformer = self.psycopg.adapt.Transformer(self.cursor)
        transformer.set_pgresult(results[-1])
        rows: list[tuple[Any, ...]] = transformer.load_rows(0, results[-1].ntuples, tuple)
        return rows

    def close(self) -> None:
        """Receive what nobody wants any more, so that the connection is free again.

        This waits for the database. To cancel the query would break the caller's transaction.
        """
        if self.sent:
            self._receive()
        self.cursor.close()

    def _receive(self) -> Any:
        results = self.connection.wait(self.psycopg.generators.fetch_many(self.pgconn))
        self.sent = False
        return results
