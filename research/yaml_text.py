"""What is known of a YAML text before anything is built of it: it may be anybody's."""

LARGEST_BYTES = 1_000_000
DEEPEST = 12


def check_yaml(text: str, what: str, aliases: int = 0) -> None:
    """Raise ValueError for a text that is no YAML, or longer or deeper than any of its kind.

    what: its kind, for messages. aliases: how many entries may repeat others; a few lines of them
    can unfold to gigabytes.
    """
    import yaml

    if len(text) > LARGEST_BYTES:
        raise ValueError(f"{len(text):,} signs; no {what} is that long")
    depth = 0
    try:
        # Events come one by one, before anything is built: depth is seen where it begins.
        for event in yaml.parse(text):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise ValueError(f"nested too deeply for a {what}")
            aliases -= isinstance(event, yaml.AliasEvent)
            if aliases < 0:
                raise ValueError("it repeats an entry with *; write the entry out")
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML ({' '.join(str(error).split())})") from None
