"""Commands and options in httpserver(1)."""

from documents.mdoc import sentences, words


def of_commands(commands):
    yield ".Bl -tag -width version"
    for number, command in enumerate(commands):
        yield f".It Cm {command.name}"
        yield from sentences(command.summary[0].upper() + command.summary[1:]
                             + (" (the default)." if number == 0 else "."))
    yield ".El"


def of_options(options):
    yield ".Bl -tag -width Ds"
    for option in options:
        flags = " , ".join(f"Fl {flag[1:]}" for flag in option.flags)
        yield f".It {flags}" + (f" Ar {words(option.argument)}" if option.argument else "")
        yield from sentences(option.meaning)
        yield from sentences(f"Default: {option.default}.")
        if option.variable:
            yield "Environment:"
            yield f".Ev {option.variable} ."
    yield ".El"
