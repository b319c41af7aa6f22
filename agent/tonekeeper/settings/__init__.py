"""The operator's file, TOML in, one frozen `Settings` out.

    load -> schema -> rules, notices
              |
            table -> kinds, uri

`load` reads the file and the TOML, `schema` says which keys there are, `table` walks them and remembers what is
wrong, `kinds` and `uri` judge one value each, `rules` judge what can only be seen across keys, and `notices` say what
a good file asks for in vain. A mistake stops nothing: the reader notes it, puts the default in its place and goes on,
so that a person repairs a file in one round. What is raised in the end is one `ConfigError` with all of them.
"""

from __future__ import annotations

from tonekeeper.settings.load import load_settings, parse_settings
from tonekeeper.settings.model import Settings
from tonekeeper.settings.rules import interface_mistakes

__all__ = ["Settings", "interface_mistakes", "load_settings", "parse_settings"]
