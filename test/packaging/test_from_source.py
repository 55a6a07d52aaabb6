"""meson install, as docs/install.md has it."""

import json
import re

import pytest

from conftest import ROOT

TITLE = "From the source"
VERSION = re.search(r"^  version: '(.+)',$", (ROOT / "meson.build").read_text(), re.MULTILINE)[1]
SERVER = {"bin/httpserver", "lib/systemd/system/httpserver.service", "share/man/man1/httpserver.1",
          "share/bash-completion/completions/httpserver", "share/zsh/site-functions/_httpserver"}
LIBRARY = {"include/meter.h", "share/man/man3/meter.3", "LIBDIR/libmeter.a", "LIBDIR/libmeter.so",
           "LIBDIR/libmeter.so.0", f"LIBDIR/libmeter.so.{VERSION}", "LIBDIR/pkgconfig/meter.pc"}


def installed_files(machine, folder):
    found = machine.run("find . -type f -o -type l", cwd=folder).stdout.split()
    return {re.sub(r"^\./lib/[\w-]+-linux-gnu/", "LIBDIR/", path).removeprefix("./") for path in found}


@pytest.fixture(scope="module")
def installed(machine, page):
    return page.run_next(machine, TITLE)


def test_program_is_installed(machine, installed):
    assert re.search(r"\nhttpserver \d+\.\d+\.\d+\n$", installed)
    machine.run("man --where httpserver && man --where 3 meter")


@pytest.mark.parametrize("without, files", [("libmeter", SERVER), ("server", LIBRARY)])
def test_one_without_the_other(machine, without, files):
    folder = f"/tmp/without-{without}"
    machine.run(f"meson setup --prefix=/usr -Dtests=false -D{without}=false {folder}", cwd=ROOT)
    plan = json.loads(machine.run(f"meson introspect --installed {folder}").stdout)
    places = {re.sub(r"^lib/[\w-]+-linux-gnu/", "LIBDIR/", path.removeprefix("/usr/"))
              for path in plan.values()}
    assert places == files


def test_library_links(machine, installed):
    machine.run("cc -o threads examples/threads.c $(pkg-config --cflags --libs meter) && ./threads"
                " && cc -static -o alone examples/threads.c $(pkg-config --static --cflags --libs meter)"
                " && ./alone", cwd=ROOT)
    # Link-time optimisation is the program's affair: other compilers must read the archive.
    sections = machine.run("objdump -h /usr/local/lib/*/libmeter.a").stdout
    assert " .text" in sections and "gnu.lto" not in sections


def test_service_runs(machine, page, installed):
    assert page.run_next(machine, TITLE).endswith("ok")
    unit = machine.run("systemctl cat httpserver").stdout
    assert "ExecStart=/usr/local/bin/httpserver serve" in unit
    assert "EnvironmentFile=-/usr/local/etc/default/httpserver" in unit


def test_uninstalling_leaves_nothing(machine, page, installed):
    page.run_next(machine, TITLE)
    assert page.blocks[TITLE] == []
    for path in SERVER | LIBRARY:
        assert not machine.exists(f"/usr/local/{path}"), path


def test_all_is_where_it_belongs(machine, installed):
    machine.run("DESTDIR=/tmp/stage meson install --no-rebuild -C build-install", cwd=ROOT)
    assert installed_files(machine, "/tmp/stage/usr/local") == SERVER | LIBRARY
