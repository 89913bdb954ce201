"""Text without secrets, before it is recorded.

Two functions, since the same text means different things: ``password=x`` is a secret in a value, such as a connection
string or an argument (`redacted`), and the name of a variable in code, which must stay code (`without_secrets`).
"""

from __future__ import annotations

import re
from functools import lru_cache

HIDDEN = "***"

_WORDS = (
    r"(?:passw(?:or)?d|passwd|passphrase|pwd|secret|token|credential|api[_-]?key|access[_-]?key|account[_-]?key"
    r"|private[_-]?key|shared[_-]?access|signature|authorization)"
)
# A name is looked for only where it begins, and never given back (`*+`): else long texts take minutes.
_LONG_NAME = rf"(?<![\w.-])[\w.-]*{_WORDS}[\w.-]*+"
_NAMES = rf"(?:{_LONG_NAME}|sig|key|auth|code|sas|jwt|pass)"
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # Users and passwords of URLs. A password may hold any sign that people forget to escape, so that everything up to
    # the last @ goes, unless what follows the colon is a port.
    (re.compile(r"(?<=://)[^\s@'\"/:]*:(?!\d+/)[^\s'\"?]*@"), f"{HIDDEN}@"),
    (re.compile(r"(?<=://)[^\s/?#'\"]*@"), f"{HIDDEN}@"),
    # Arguments of URLs.
    (re.compile(rf"([?&;#](?:{_NAMES})=)[^&#;\s'\"]*", re.IGNORECASE), rf"\g<1>{HIDDEN}"),
    # name=value and name: value of connection strings, headers, mappings and SQL; quoted values first.
    (
        re.compile(
            rf"((?:{_LONG_NAME}|\b(?:sig|sas|jwt|pass))['\"]?\s*[:=]\s*)"
            r"(?:\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.|'')*'?|(?:Bearer|Basic)\s+[^\s,;'\"]+|(?!\*\*\*)[^\s,;&'\")}\]]+)",
            re.IGNORECASE,
        ),
        rf"\g<1>{HIDDEN}",
    ),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\g<1> {HIDDEN}"),
    (re.compile(r"\b(IDENTIFIED\s+BY|PASSWORD)\s+'(?:[^']|'')*'?", re.IGNORECASE), rf"\g<1> {HIDDEN}"),
    # Keys that are known by their form: AWS, GitHub, Google, Slack, JSON web tokens.
    (
        re.compile(
            r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|AIza[\w-]{30,}"
            r"|xox[abprs]-[\w-]{10,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
        ),
        HIDDEN,
    ),
)
_IN_CODE = re.compile(
    rf"""(?ix)
    (?<= ://) (?P<user> [^\s/@:'"{{}}]* ) : [^\s/@'"{{}}]+ (?= @ )                 # scheme://user:SECRET@host
    | (?<= [?&;] ) (?P<name> [\w-]* {_WORDS} [\w-]* | sig ) = [^\s&;'"{{}}]+      # ?token=SECRET
    """
)


def redacted(text: str) -> str:
    """Return the text with what looks like a secret replaced by ``***``.

    Parameters
    ----------
    text : str
        A URL, a connection string, a statement, or an argument as text.

    Returns
    -------
    str
        The same text where it holds none; names, hosts, paths and databases stay.

    Examples
    --------
    >>> redacted("postgresql://ann:pw@host/db?sslmode=require&password=x")
    'postgresql://***@host/db?sslmode=require&password=***'
    """
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def without_secrets(text: str) -> str:
    """Code in which passwords and tokens within addresses are stars; names of variables, in f-strings too, stay.

    Examples
    --------
    >>> without_secrets("postgresql://ada:s3cret@host/db")
    'postgresql://ada:***@host/db'
    >>> without_secrets("https://host/data.csv?day=1&token=abc")
    'https://host/data.csv?day=1&token=***'
    >>> without_secrets("f'postgresql://{user}:{password}@host/db'")
    "f'postgresql://{user}:{password}@host/db'"
    """
    return _IN_CODE.sub(lambda found: f"{found['name'] + '=' if found['name'] else found['user'] + ':'}{HIDDEN}", text)


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether a value under this name (of an argument, of an option) is to be hidden whatever it looks like.

    Examples
    --------
    >>> is_secret_name("aws_secret_access_key"), is_secret_name("keys")
    (True, False)
    """
    return _SECRET_NAME.fullmatch(name) is not None and name.lower() not in {"key", "code"}
