"""JSON documents: parsing with TensorFlow Serving's messages, and values as it writes them into messages."""

from __future__ import annotations

import json
import re
from typing import Any

from stand_in import errors

# Python's message -> that of the parser which TensorFlow Serving uses (rapidjson/error/en.h).
_PARSER_MESSAGES = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
}
# In a JSON document backslashes stand in strings only. A pair, then half of one, then any other escape.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(u[dD][89a-fA-F][\da-fA-F]{2})|.)", re.DOTALL
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WHITESPACE = " \t\n\r"
_LITERALS = ("null", "true", "false", "NaN", "Infinity")
_INDENT = 4  # rapidjson's PrettyWriter


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a request's body, read as TensorFlow Serving's parser does.

    It passes over a byte order mark, and over whatever stands after the document; of two values of one key it keeps the
    first.

    Raises:
      StatusError: no JSON, or no object.
    """
    if not body:
        raise errors.invalid_argument("JSON Parse error: The document is empty")
    try:
        text = body.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "surrogateescape")
        document, end = _DECODER.raw_decode(text, len(text) - len(text.lstrip(_WHITESPACE)))
    except json.JSONDecodeError as error:
        message = _PARSER_MESSAGES.get(error.msg, error.msg)
        raise errors.invalid_argument(f"JSON Parse error: {message} at offset: {_offset(text, error.pos)}") from error
    for escape in _ESCAPE.finditer(text, endpos=end):
        if escape[1]:
            place = _offset(text, escape.start())
            raise errors.invalid_argument(
                f"JSON Parse error: The surrogate pair in string is invalid. at offset: {place}"
            )
    if not isinstance(document, dict):
        raise format_error(document, "Is not object")
    return document


def _first_of_each_key(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_first_of_each_key)


def format_error(value: Any, text: str) -> errors.StatusError:
    """A value that is not of the form that is asked for."""
    return errors.invalid_argument(f"JSON Value: {show(value)} {text}")


def show(value: Any) -> str:
    """A value as JSON text."""
    return json.dumps(value, indent=_INDENT, ensure_ascii=False)


def type_name(value: Any) -> str:
    """The name of a value's JSON type."""
    if isinstance(value, bool):
        return "True" if value else "False"
    names = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}
    return names.get(type(value), "Null")


def _offset(text: str, position: int) -> int:
    """Where the other parser stops: it reads on while a literal's letters are right, and counts in bytes."""
    end = position
    while end < len(text) and any(literal.startswith(text[position : end + 1]) for literal in _LITERALS):
        end += 1
    return len(text[:end].encode("utf-8", "surrogateescape"))
