"""Completion in the shells themselves."""

import os
import pty
import re
import select
import subprocess
import time

import pytest

from conftest import ROOT

COMPLETION = ROOT / "packaging" / "completion"
CHOICES = {"text", "json", "off"}


def bash(*words):
    """What bash offers behind these words, as Readline splits them."""
    script = """
        . "$1"; shift
        [[ $(complete -p httpserver) = *"-F _httpserver httpserver" ]] || exit 1
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        _httpserver httpserver "${@: -1}" "${@: -2:1}"
        printf '%s\\n' "${COMPREPLY[@]}" """
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", COMPLETION / "httpserver.bash", *words],
                          cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize("words, offered", [
    (["httpserver", ""], {"serve", "draw", "health", "verify", "version"}),
    (["httpserver", "ver"], {"verify", "version"}),
    (["httpserver", "--lo"], {"--log"}),
    (["httpserver", "serve", "--seed", "7", "--drain"], {"--drain-delay", "--drain-timeout"}),
    (["httpserver", "draw", "--la"], {"--law"}),
    (["httpserver", "draw", "--lo"], set()),
    (["httpserver", "verify", "--p"], {"--prometheus"}),
    (["httpserver", "version", ""], set()),
    (["httpserver", "version", "-"], {"--help"}),
    (["httpserver", "nonsense", "-"], set()),
    (["httpserver", "--log", ""], CHOICES),
    (["httpserver", "--log", "="], CHOICES),
    (["httpserver", "--log", "=", "j"], {"json"}),
    (["httpserver", "--reuse-port", ""], {"true", "false"}),
    (["httpserver", "--config", "meson"], {"meson.build", "meson_options.txt"}),
    (["httpserver", "--listen", ""], set()),
])
def test_bash(words, offered):
    assert bash(*words) == offered


class Zsh:
    """An interactive zsh with its completion system, in a terminal."""

    def __init__(self):
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(ROOT)
            os.execvpe("zsh", ["zsh", "-f", "-i"], {**os.environ, "TERM": "dumb", "PS1": "> "})
        # A line with the words that are offered, in place of a menu.
        self.send(f"fpath=({COMPLETION} $fpath); autoload -Uz compinit; compinit -u -D\n"
                  "unsetopt zle_bracketed_paste 2>/dev/null; LISTMAX=1000; setopt no_beep list_packed\n"
                  "compadd() { [[ \"$*\" == *-[OAD]* ]] && { builtin compadd \"$@\"; return }; "
                  "local -a found; builtin compadd -O found \"$@\"; offered+=($found); "
                  "builtin compadd \"$@\" }\n"
                  "show() { offered=(); _main_complete; print; print \"<${(j: :)offered}>\"; compstate[list]='' "
                  "compstate[insert]='' }\n"
                  "zle -C show complete-word show; bindkey '^I' show; typeset -ga offered\n"
                  "print read''y\n")
        self.read_until("ready")

    def send(self, text):
        os.write(self._terminal, text.encode())

    def read_until(self, pattern):
        text, deadline = "", time.monotonic() + 20
        while not (found := re.search(pattern, text)):
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self._terminal], [], [], left)[0], text
            text += os.read(self._terminal, 65536).decode("utf-8", "replace")
        return found

    def offered(self, line):
        self.send(f"{line}\t")
        words = self.read_until(r"<([^>]*)>")[1]
        self.send("\x15")  # takes the line away
        return set(words.split())

    def close(self):
        os.close(self._terminal)
        os.waitpid(self._pid, 0)


@pytest.fixture(scope="module")
def zsh():
    shell = Zsh()
    yield shell
    shell.close()


@pytest.mark.parametrize("line, offered", [
    ("httpserver ", {"serve", "draw", "health", "verify", "version"}),
    ("httpserver --lo", {"--log"}),
    ("httpserver serve --drain", {"--drain-delay", "--drain-timeout"}),
    ("httpserver draw --la", {"--law"}),
    ("httpserver draw --lo", set()),
    ("httpserver --log ", CHOICES),
    ("httpserver --log=j", {"json"}),
    ("httpserver --config meson", {"meson.build", "meson_options.txt"}),
])
def test_zsh(zsh, line, offered):
    assert {word.rstrip("=") for word in zsh.offered(line)} == offered


def test_files_are_scripts_of_their_shells():
    subprocess.run(["zsh", "-n", COMPLETION / "_httpserver"], check=True)
    subprocess.run(["shellcheck", "--shell=bash", COMPLETION / "httpserver.bash"], check=True)
