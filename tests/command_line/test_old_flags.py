"""A flag of version 0.1 answers with what it is called now."""

import pytest

from roadseg import cli
from roadseg.command_line.old_flags import OLD_FLAGS

OLD = [(command, *pair) for command, flags in OLD_FLAGS.items() for pair in flags.items()]


@pytest.mark.parametrize(("command", "old", "new"), OLD)
@pytest.mark.parametrize("form", ["{}", "{}=2"])
def test_an_old_flag_names_the_new_one(command, old, new, form, capsys):
    assert cli.main([*command.split(), "nowhere", form.format(old), "3"]) == 2
    assert capsys.readouterr().err == f"error: {old}: it is called {new} now\n"


@pytest.mark.parametrize(("command", "old", "new"), OLD)
def test_the_new_flag_is_one_of_the_command(command, old, new, capsys):
    with pytest.raises(SystemExit):
        cli.main([*command.split(), "--help"])
    assert new.split()[0] in capsys.readouterr().out
