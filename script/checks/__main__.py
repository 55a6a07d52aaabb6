"""Prints every complaint of the rules named (all without names); status 1 when there is one."""

import importlib
import sys

RULES = ("includes", "sizes", "banned", "conformance")


def main():
    names = sys.argv[1:] or RULES
    if not set(names) <= set(RULES):
        sys.exit(f"usage: script/check-sources [{'|'.join(RULES)}]")
    found = [complaint for name in names
             for complaint in importlib.import_module(f"checks.{name}").complaints()]
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


main()
