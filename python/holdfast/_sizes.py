"""Sizes as people write and read them."""
_POWERS = "KMGTP"  # of 1024, or 1000
_SIZE = r"\s*(\d+(?:\.\d+)?)\s*(?:([KMGTP])(i?)B?|B)?\s*"


def parse(text: str, *, binary: bool = False) -> int:
    """'64MiB', '2 GB', '4096': bytes. KB and its kin are powers of 1000, of 1024 with `binary`."""
    import re  # `run --watch` has no need of it
    match = re.fullmatch(_SIZE, text, re.IGNORECASE) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is not a size; '64MiB', '2GB' or a number of bytes is")
    number, letter, i = match.groups()
    if not letter:
        return round(float(number))
    base = 1024 if i or binary or not match[0].strip().upper().endswith("B") else 1000
    return round(float(number) * base ** (_POWERS.index(letter.upper()) + 1))


def show(count: int) -> str:
    """As the reports have it: '64.0 MiB'."""
    if count < 1024:
        return f"{count} bytes"
    value, units = count / 1024, ["KiB", "MiB", "GiB", "TiB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1024
        del units[0]
    places = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{places}f} {units[0]}"
