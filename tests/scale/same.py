"""Two facts files say the same about traffic. Usage: same.py EXPECTED GOT [sync]; with `sync` only pairs are compared."""

import json
import sys

# What a pair that was joined in SQL can tell.
PAIRS = ("relation", "source", "target", "protocol", "calls", "errors", "server_errors", "retries", "duration_us", "server_duration_us",
         "histogram")


def plain(value):
    """Without the file that an example was in: engines have none."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k != "file"}
    return [plain(v) for v in value] if isinstance(value, list) else value


def traffic(path, only_pairs):
    found = plain(json.load(open(path))["traffic"])
    if not only_pairs:
        for row in found["rows"]:
            for e in row.get("exemplars", []):
                e.pop("file", None) if isinstance(e, dict) else None
        return found
    return [{k: r[k] for k in PAIRS if k in r} for r in found["rows"] if r["relation"] == "sync"]


def difference(a, b, place="traffic"):
    if type(a) is not type(b):
        return f"{place}: {a!r} is not {b!r}"
    if isinstance(a, dict):
        if sorted(a) != sorted(b):
            return f"{place}: keys {sorted(set(a) ^ set(b))}"
        return next(filter(None, (difference(a[k], b[k], f"{place}.{k}") for k in a)), None)
    if isinstance(a, list):
        if len(a) != len(b):
            return f"{place}: {len(a)} and {len(b)} entries"
        return next(filter(None, (difference(x, y, f"{place}[{i}]") for i, (x, y) in enumerate(zip(a, b)))), None)
    return None if a == b else f"{place}: {a!r} is not {b!r}"


def compare(expected, got, only_pairs=False):
    """What differs; nothing if both say the same about more than nothing."""
    a, b = traffic(expected, only_pairs), traffic(got, only_pairs)
    if not (a if only_pairs else a["rows"]):
        return f"{expected} has no rows"
    return difference(a, b)


if __name__ == "__main__":
    wrong = compare(sys.argv[1], sys.argv[2], "sync" in sys.argv[3:])
    print(wrong or "equal")
    sys.exit(1 if wrong else 0)
