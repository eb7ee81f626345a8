"""docs/messages.md lists every message of the code, and messages are of the promised form."""

import re

import pytest

from tests.messages import FOLDERS, PAGE, messages, page
from tests.support import REPOSITORY


def test_the_page_lists_the_messages_of_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make messages`"


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_message_has_a_line_break_or_ends_like_a_sentence(folder: str) -> None:
    found = [m for path in (REPOSITORY / folder).rglob("*.py") for m in messages(path)]
    wrong = [
        m for m in found if "\n" in m or re.search(r"[^.][.]$", m) or not re.search(r"[a-z<]", m)
    ]
    assert found and not wrong
