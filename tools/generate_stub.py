"""Write ``pygrad/_C.pyi``, the types of the native module, from the registry's schemas.

Run in the repository's root, with a build on ``PYTHONPATH`` or an installed pygrad:
``PYTHONPATH=build/dev python -m tools.generate_stub [--check] [path]``. With ``--check``
nothing is written and the exit status says whether the file is up to date.
"""

from __future__ import annotations

import argparse
import inspect
import keyword
import pathlib
import re
import sys
import textwrap
from collections.abc import Callable, Iterable
from typing import Any

DEFAULT_PATH = pathlib.Path(__file__).resolve().parents[1] / "pygrad" / "_C.pyi"
TEMPLATE_PATH = pathlib.Path(__file__).resolve().parent / "stub_head.pyi"

ARGUMENT_TYPES = {
    "Tensor": "Tensor",
    "Tensor[]": "Sequence[Tensor]",
    "Tensor[...]": "Tensor | Sequence[Tensor]",
    "Tensor|Scalar": "Tensor | Scalar",
    "Scalar": "Scalar",
    "int": "_int",
    "int[]": "_int | Sequence[_int]",
    "int[...]": "_int | Sequence[_int]",
    "int[*]": "Sequence[_int]",
    "float": "_float",
    "float[]": "Sequence[_float]",
    "bool": "_bool",
    "bool(True)": "Literal[True]",
    "bool(False)": "Literal[False]",
    "str": "str",
    "dtype": "_dtype",
    "device": "_device | str | _int",
    "Generator": "Generator",
}
_PLAIN = {"_int", "_float", "_bool"}
RETURN_TYPES = {
    "Tensor": "Tensor",
    "Tensor[]": "tuple[Tensor, ...]",
    "Scalar": "Scalar",
    "bool": "_bool",
    "int": "_int",
    "float": "_float",
    "int[]": "Size",
    "()": "None",
}

# The binder takes these keywords for every op; the stub names them where they say something.
CREATION_KEYWORDS = ("layout: _layout | None = ...", "pin_memory: _bool = ...")
MEMORY_FORMAT = "memory_format: _memory_format | None = ..."
TAKES_MEMORY_FORMAT = {"clone", "contiguous", "empty"}


# Names that are methods or attributes where they are used: the stub has aliases for them.
_HIDDEN = re.compile(r"(?<![\w.])(int|float|bool|complex|dtype|device|layout)(?!\w)")


class Argument:
    """One argument of a schema: name, stub type, default (None: required), keyword-only."""

    def __init__(self, text: str, keyword_only: bool) -> None:
        head, _, default = text.partition("=")
        kind, _, name = head.strip().rpartition(" ")
        if not kind:
            raise ValueError(f"argument {text!r} has no type or no name")
        self.name = name + "_" if keyword.iskeyword(name) else name
        self.keyword_only = keyword_only
        self.default = default.strip() or None
        self.variadic = kind.endswith("[...]")
        optional = kind.endswith("?")
        bare = kind[:-1] if optional else kind
        if bare not in ARGUMENT_TYPES:
            raise ValueError(f"argument {text!r} has the unknown type {bare!r}")
        self.type = ARGUMENT_TYPES[bare]
        if optional or self.default == "None":
            self.type += " | None"

    def stub(self) -> str:
        return f"{self.name}: {self.type}" + ("" if self.default is None else " = ...")


def _split(text: str) -> list[str]:
    """Split at the commas outside brackets and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in "([":
            depth += 1
        elif c in ")]":
            depth -= 1
        elif c == "," and not depth:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [p.strip() for p in parts if p.strip()]


def result_class(fields: tuple[str, ...]) -> str:
    """Return the name of the stub's class for a named result with these fields."""
    return "_" + "".join(name.title().replace("_", "") for name in fields)


def result_fields(schema: str) -> tuple[str, ...]:
    """Return the names of a schema's results; empty where they have none."""
    result = schema.rpartition("->")[2].strip()
    words = [field.split() for field in _split(result[1:-1])] if result.startswith("(") else []
    return tuple(w[1] for w in words if len(w) == 2)


def parse_schema(schema: str) -> tuple[list[Argument], str]:
    """Return the arguments and the stub's return type of a schema.

    Raises:
        ValueError: for text outside the grammar.
    """
    left, arrow, right = schema.rpartition("->")
    left = left.strip()
    if not arrow or not (left.startswith("(") and left.endswith(")")):
        raise ValueError(f"schema {schema!r} is not '(arguments) -> result'")
    arguments, keyword_only = [], False
    for part in _split(left[1:-1]):
        if part == "*":
            keyword_only = True
        else:
            arguments.append(Argument(part, keyword_only))
    result = right.strip()
    if result in RETURN_TYPES:
        return arguments, RETURN_TYPES[result]
    if result.startswith("(") and result.endswith(")"):
        fields = result_fields(schema)
        if fields:
            return arguments, result_class(fields)
        return arguments, f"tuple[{', '.join(RETURN_TYPES[k] for k in _split(result[1:-1]))}]"
    raise ValueError(f"schema {schema!r} has the unknown result {result!r}")


def _common_keywords(name: str, arguments: list[Argument], result: str, method: bool) -> list[str]:
    """The keywords that no schema names: out=, and those of the creation functions."""
    names = {a.name for a in arguments if a.keyword_only}
    texts = []
    if result == "Tensor" and not name.endswith("_") and not method:
        texts.append("out: Tensor | None = ...")
    elif (result.startswith(("_", "tuple[Tensor, Tensor"))) and result not in _PLAIN and not method:
        texts.append("out: Sequence[Tensor] | None = ...")
    if {"dtype", "device"} <= names:
        texts += CREATION_KEYWORDS
    if name in TAKES_MEMORY_FORMAT or name.endswith("_like"):
        texts.append(MEMORY_FORMAT)
    return texts


def _parameters(arguments: list[Argument], common: list[str]) -> str:
    texts: list[str] = []
    starred = False
    for i, a in enumerate(arguments):
        if a.keyword_only and not starred:
            texts.append("*")
            starred = True
        if a.variadic and all(b.keyword_only for b in arguments[i + 1 :]):
            # f(2, 3) and f((2, 3)); also by keyword, which a starred name cannot express.
            texts.append(f"*{a.name}: {a.type}")
            starred = True
            continue
        required_late = a.default is None and any(
            b.default is not None and not b.keyword_only for b in arguments[:i]
        )
        texts.append(a.stub() + (" = ..." if required_late and not a.keyword_only else ""))
    if common and not starred:
        texts.append("*")
    return ", ".join(texts + common)


def _doc(doc: str, indent: str) -> str:
    first = textwrap.dedent(doc).strip().split("\n\n")[0].replace("\n", " ")
    first = first.replace("\\", "\\\\").replace('"""', "'''")
    if not first:
        return " ...\n"
    if len(indent) + len(first) + 6 > 100:
        first = first[: 100 - len(indent) - 9].rsplit(" ", 1)[0] + "..."
    return f'\n{indent}"""{first}"""\n'


def function_stub(
    name: str, schema: str, doc: str, indent: str, method: bool = False, static: bool = False
) -> str:
    """Return one ``def``; for a method the first argument becomes self."""
    arguments, result = parse_schema(schema)
    if name.endswith("_") and method:
        result = "Self"
    common = _common_keywords(name, arguments, result, method)
    if method:
        parameters = _parameters(arguments[1:], common)
        parameters = "self" + (", " + parameters if parameters else "")
    else:
        parameters = _parameters(arguments, common)
    head = f"{indent}def {name}({parameters}) -> {result}:"
    if len(head) > 100:
        inner = ",\n".join(f"{indent}    {p}" for p in _split(parameters))
        head = f"{indent}def {name}(\n{inner},\n{indent}) -> {result}:"
    if static:
        head = f"{indent}@staticmethod\n{head}"
    return head + _doc(doc, indent + "    ")


def _overloaded(
    name: str, records: list[dict[str, Any]], method: bool = False, static: bool = False
) -> list[str]:
    """Return one ``def`` for each record, marked as overloads when there are several."""
    unique = list({r["schema"]: r for r in records}.values())
    mark = "    @overload\n" if len(unique) > 1 else ""
    return [
        mark + function_stub(name, r["schema"], r.get("doc") or "", "    ", method, static)
        for r in unique
    ]


def _result_classes(schemas: Iterable[str]) -> str:
    """Return a NamedTuple for every combination of result names."""
    found = sorted({fields for schema in schemas if (fields := result_fields(schema))})
    texts = []
    for fields in found:
        # `tuple` has methods of these names.
        clash = "  # type: ignore[assignment]"
        lines = [f"    {f}: Tensor" + (clash if f in {"count", "index"} else "") for f in fields]
        texts.append("\n".join([f"class {result_class(fields)}(NamedTuple):", *lines]) + "\n")
    return "\n".join(texts)


def python_method_stub(name: str, function: Callable[..., Any], indent: str) -> str:
    """Return the ``def`` of a method that is written in Python, from its own annotations."""
    parameters, starred = ["self"], False
    signature = inspect.signature(function)
    for p in list(signature.parameters.values())[1:]:
        text = p.name
        if p.annotation is not p.empty:
            text += ": " + _HIDDEN.sub(r"_\1", p.annotation)
        if p.kind is p.VAR_POSITIONAL:
            text, starred = "*" + text, True
        elif p.kind is p.VAR_KEYWORD:
            text = "**" + text
        elif p.kind is p.KEYWORD_ONLY and not starred:
            parameters.append("*")
            starred = True
        parameters.append(text + (" = ..." if p.default is not p.empty else ""))
    result = _HIDDEN.sub(r"_\1", str(signature.return_annotation))
    if name.endswith("_") and result == "Tensor" and not name.startswith("__"):
        result = "Self"
    head = f"{indent}def {name}({', '.join(parameters)}) -> {result}:"
    if len(head) > 100:
        inner = ",\n".join(f"{indent}    {text}" for text in parameters)
        head = f"{indent}def {name}(\n{inner},\n{indent}) -> {result}:"
    return head + _doc(inspect.getdoc(function) or "", indent + "    ")


def python_methods() -> str:
    """Return the members that `pygrad._tensor` puts on the native type."""
    import pygrad
    from pygrad import _tensor

    methods = {**_tensor._METHODS, **{name: getattr(pygrad, name) for name in _tensor._COMPOSED}}
    return "".join(
        [f"    {name}: _bool\n" for name in sorted(_tensor._NEVER)]
        + [python_method_stub(name, methods[name], "    ") for name in sorted(methods)]
    )


def generate(
    names: Iterable[str], info: Callable[[str], dict[str, Any]], template: str, python: str
) -> str:
    """Return the stub's text: the template with methods and functions filled in."""
    template = template.replace("    # methods of pygrad/_tensor.py\n", python)
    methods: list[str] = []
    functions: list[str] = []
    schemas: list[str] = []
    written = set(re.findall(r"^    def (\w+)\(", template, re.M))
    for name in sorted(names):
        if not name.isidentifier() or keyword.iskeyword(name):
            continue
        records = info(name)["overloads"]
        schemas += [r["schema"] for r in records]
        changed = [{**r, "doc": f"In-place `{name}`."} for r in records if r["inplace"]]
        functions += _overloaded(
            name, [r for r in records if r["namespaces"] != ["Tensor"]], static=True
        )
        functions += _overloaded(name + "_", changed, static=True)
        is_method = any(r["method"] for r in records)
        if name not in written:
            methods += _overloaded(name, [r for r in records if r["method"]], method=True)
        if name + "_" not in written and is_method:
            methods += _overloaded(name + "_", changed, method=True)
    for mark, text in (
        ("# results of the registry\n", _result_classes(schemas)),
        ("    # methods of the registry\n", "".join(methods)),
        ("class ops: ...  # functions of the registry\n", "class ops:\n" + "".join(functions)),
    ):
        if mark not in template:
            raise ValueError(f"the template lacks the line {mark.strip()!r}")
        template = template.replace(mark, text)
    return template


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", type=pathlib.Path, default=DEFAULT_PATH)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    from pygrad import _C

    text = generate(
        _C.op_names(), _C.op_info, TEMPLATE_PATH.read_text(encoding="utf-8"), python_methods()
    )
    if options.check:
        same = options.path.exists() and options.path.read_text(encoding="utf-8") == text
        if not same:
            print(f"{options.path} is out of date; run python tools/generate_stub.py")
        return 0 if same else 1
    options.path.write_text(text, encoding="utf-8")
    print(f"wrote {options.path}: {len(text.splitlines())} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
