"""That secrets are not kept, and that what is no secret is."""

from __future__ import annotations

import time

import pytest

from lineageflow_jupyter.lineage.redaction import is_secret_name, redacted, without_secrets

SECRET = "hunter2-S3cr3t"

HIDDEN = [
    f"postgresql://ann:{SECRET}@host:5432/db",
    f"postgresql+psycopg://ann:p@ss/{SECRET}@host/db",
    f"https://{SECRET}@api.example.com/data.csv",
    f"https://example.com/data.csv?token={SECRET}",
    f"https://example.com/data.csv?page=2&api_key={SECRET}&x=1",
    f"https://bucket.s3.amazonaws.com/k?X-Amz-Signature={SECRET}&X-Amz-Date=20200101",
    f"https://account.blob.core.windows.net/c/b?sv=2020&sig={SECRET}",
    f"Driver=ODBC;Server=host;UID=ann;PWD={SECRET};",
    f"host=db password='{SECRET}' user=ann",
    f"host=db password={SECRET} user=ann",
    f"AccountName=a;AccountKey={SECRET};EndpointSuffix=core",
    f"Authorization: Bearer {SECRET}",
    f'{{"secret": "{SECRET}", "key": "public"}}',
    f"{{'aws_secret_access_key': '{SECRET}'}}",
    f"CREATE USER ann IDENTIFIED BY '{SECRET}'",
    f"ALTER ROLE ann WITH PASSWORD '{SECRET}'",
    f"client_secret = {SECRET}",
    f"snowflake://ann:{SECRET}@account/db?warehouse=w",
    f"mongodb+srv://ann:{SECRET}@cluster/db",
    f"--db-password={SECRET}",
    f"x-sig={SECRET}",
    f"key.password = {SECRET}",
    f"https://example.com/data.csv?x.private_key={SECRET}",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_secrets_are_hidden(text: str) -> None:
    found = redacted(text)
    assert SECRET not in found
    assert "***" in found
    assert redacted(found) == found


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4",
    ],
)
def test_keys_that_are_known_by_their_form_are_hidden(text: str) -> None:
    assert redacted(f"read with {text} now") == "read with *** now"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "flights.csv",
        "/home/ann/data/token_counts.csv",
        "https://example.com/data.csv?page=2&sort=key",
        "gs://bucket/prefix/flights.parquet",
        "postgresql://host/db",
        "https://host:8080/~ann@home/data.csv",
        "sqlite:///data.db",
        "SELECT key, code FROM tokens WHERE a = 'x'",
        "SELECT * FROM t WHERE key = 5 AND code: 7",
        "mail ann@example.com about 5:30",
        "2020-01-01T10:00:00+01:00",
        "a > 1 and b == 'x'",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("piece", ["a.b-", "token.", "x?token&", "://a:"])
def test_long_texts_take_no_long_time(piece: str) -> None:
    start = time.monotonic()
    redacted(piece * 5_000)
    without_secrets(piece * 5_000)
    assert time.monotonic() - start < 5


def test_a_name_in_code_is_no_secret_and_in_a_value_it_is() -> None:
    assert without_secrets("connect(password=word)") == "connect(password=word)"
    assert redacted("password=word") == "password=***"


def test_hosts_users_of_urls_and_databases() -> None:
    assert redacted("postgresql://ann:x@host/db?password=y&sslmode=require") == (
        "postgresql://***@host/db?password=***&sslmode=require"
    )


@pytest.mark.parametrize(
    "name", ["password", "token", "api_key", "aws_secret_access_key", "Authorization", "PWD", "pass"]
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["key", "keys", "sep", "columns", "by", "code", "codes", "left_on", "author", "passes"]
)
def test_names_that_are_none(name: str) -> None:
    assert not is_secret_name(name)
