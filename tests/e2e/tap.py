"""The list of cases and their report in TAP version 13.

A module cases_THEME.py adds its cases with the decorator:

    @case("curl fetches a page through {}", each=("microsocks", "danted"))
    def curl(t, server):
        ...

which makes one case of each item; a tuple fills several places. sanitizer=True takes
the case into the subset for builds with sanitizers.
"""
import collections
import fnmatch

Entry = collections.namedtuple("Entry", "name function arguments sanitizer")

CASES = []


def case(sentence, each=(), sanitizer=False):
    def add(function):
        theme = function.__module__.removeprefix("cases_")
        for item in each or [()]:
            arguments = item if isinstance(item, tuple) else (item,)
            name = f"{theme}: {sentence.format(*arguments)}"
            CASES.append(Entry(name, function, arguments, sanitizer))
        return function
    return add


def select(pattern, subset):
    """The cases whose name matches the pattern (a part of it will do)."""
    return [entry for entry in CASES
            if fnmatch.fnmatchcase(entry.name, f"*{pattern}*")
            and (entry.sanitizer or subset != "sanitizer")]


class Report:
    """Writes TAP to stdout; says at the end whether all went well."""

    def __init__(self, count):
        self.number, self.failed = 0, 0
        print(f"TAP version 13\n1..{count}", flush=True)

    def passed(self, name):
        self.number += 1
        print(f"ok {self.number} - {name}", flush=True)

    def failure(self, name, text):
        self.number += 1
        self.failed += 1
        print(f"not ok {self.number} - {name}", flush=True)
        self.say(text)

    def say(self, text):
        for line in text.splitlines():
            print("# " + line, flush=True)


def bail_out(why):
    print("Bail out! " + " ".join(why.split()), flush=True)
