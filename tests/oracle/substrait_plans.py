"""Substrait plans in their protobuf form, written by hand: no producer is part of the environment."""


def _message(number, *parts):
    """A protobuf field that holds bytes, text or a message."""
    payload = b"".join(parts)
    return bytes([number << 3 | 2, len(payload)]) + payload


def _number(number, value):
    """A protobuf field that holds a small number."""
    return bytes([number << 3, value])


def substrait_scan(table, *columns):
    """The plan of SELECT columns FROM table, BIGINT columns that may be null."""
    names = [column.encode() for column in columns]
    nullable = _number(2, 1)
    types = _message(2, *[_message(1, _message(7, nullable)) for _ in names], _number(3, 2))
    schema = b"".join(_message(1, name) for name in names) + types
    read = _message(1, _message(2, schema), _message(7, _message(1, table.encode())))
    root = _message(2, _message(1, read), *[_message(2, name) for name in names])
    return _message(3, root)
