"""The tables of the completions for bash and zsh."""

import re


def bash(commands):
    yield "_httpserver_commands()"
    yield "{"
    yield f"    echo {' '.join(command.name for command in commands)}"
    yield "}"
    yield ""
    yield "# The options of a command."
    yield "_httpserver_options()"
    yield "{"
    yield "    case $1 in"
    for command in commands:
        flags = [flag for option in command.options for flag in option.flags]
        yield f"    {command.name})"
        yield "        echo " + " \\\n            ".join([*flags, "--help"])
        yield "        ;;"
    yield "    esac"
    yield "}"
    yield ""
    yield "# The values that an option takes; nothing where they cannot be listed."
    yield "_httpserver_values()"
    yield "{"
    yield "    case $1 in"
    options = {option.flags: option for command in commands for option in command.options}
    for option in options.values():
        names = " | ".join(option.flags)
        if option.argument == "PATH":
            yield f"    {names}) compgen -f -- \"$2\" ;;"
        elif option.choices:
            yield f"    {names}) compgen -W '{' '.join(option.choices)}' -- \"$2\" ;;"
    yield "    esac"
    yield "}"


def _quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def _zsh_specification(option, flag):
    meaning = re.split(r"(?<=\.) (?=[A-Z])", option.meaning)[0].rstrip(".")
    meaning = re.sub(r"([\[\]\\])", r"\\\1", meaning)
    if not option.argument:
        return _quoted(f"{flag}=-[{meaning}]::value:(true false)")
    repeated = "*" if option.argument.endswith(",...") else ""
    argument = option.argument.replace("\\", "\\\\").replace(":", "\\:")
    values = "_files" if option.argument == "PATH" else \
        f"({' '.join(option.choices)})" if option.choices else " "
    return _quoted(f"{repeated}{flag}=[{meaning}]:{argument}:{values}")


def zsh(commands):
    yield "_httpserver_commands=("
    yield from (f"    {_quoted(f'{command.name}:{command.summary}')}" for command in commands)
    yield ")"
    for command in commands:
        yield ""
        yield f"_httpserver_{command.name}()"
        yield "{"
        yield "    _arguments -S \\"
        for option in command.options:
            yield from (f"        {_zsh_specification(option, flag)} \\" for flag in option.flags)
        yield "        '(- *)--help[Print help]'"
        yield "}"
