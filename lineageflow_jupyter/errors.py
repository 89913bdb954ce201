"""The errors of LineageFlow, grouped by what the caller does next.

::

    LineageFlowError
    ├── InputError              mend what was passed, then call again
    │   ├── UnsupportedData       a value, dtype or label that cannot come back exactly
    │   ├── KeyViolation          null or duplicate keys, or key columns that are missing
    │   ├── InvalidName           a dataset, branch or column name that is not allowed
    │   ├── UnknownName           a revision, dataset, column, frame or verb that does not exist
    │   ├── AmbiguousName         one name with several readings
    │   ├── InvalidSetting        a setting whose value cannot be read
    │   ├── UsageProblem          arguments that do not fit together
    │   └── OutsideCell           what only a tracked cell can do
    ├── ConflictError           look at what changed, then decide
    │   ├── RefMoved              somebody committed what this workspace has not seen
    │   ├── NameTaken             a branch, dataset or repository that exists already
    │   └── UncommittedChanges    work that the request would overwrite
    ├── RepositoryError         open another repository, or update LineageFlow
    │   ├── NotARepository
    │   ├── NewerFormat           written by a later version of LineageFlow
    │   ├── WrongCatalog          objects that belong to another catalog
    │   ├── UnsafeLocation        a file system on which commits could be lost
    │   └── NotAvailable          what this version cannot do yet
    ├── StorageError            free, allow or repair the place, then call again
    │   ├── StorageFull
    │   ├── StorageDenied         read-only folder, missing permission
    │   ├── ObjectMissing         an object that the store does not hold
    │   ├── ObjectExists          a create-only name that is taken by other bytes
    │   └── CatalogBusy           another process kept the catalog locked
    └── CorruptData             bytes that fail their checksum or do not decode

Each class has a ``code`` that never changes its meaning; codes are only ever added. Wording of messages may change.
"""

from __future__ import annotations

from typing import ClassVar


class LineageFlowError(Exception):
    """Base of every error that LineageFlow raises on purpose.

    Parameters
    ----------
    problem : str
        What was expected and what was found, in one line.
    remedy : str, optional
        What to do next, in one line.
    """

    code: ClassVar[str] = "error"

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        """Return problem and remedy as one line."""
        return f"{self.problem}. {self.remedy}" if self.remedy else self.problem

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild with the keyword-only remedy, so that process pools can hand the error over."""
        return (_rebuild, (type(self), self.problem, self.remedy, dict(self.__dict__)))


def _rebuild(kind: type[LineageFlowError], problem: str, remedy: str, state: dict[str, object]) -> LineageFlowError:
    error = kind.__new__(kind)
    LineageFlowError.__init__(error, problem, remedy=remedy)
    error.__dict__.update(state)
    return error


class InputError(LineageFlowError):
    """What was passed cannot be used."""

    code = "input"


class UnsupportedData(InputError):
    """A value, dtype or label cannot be stored so that it comes back exactly."""

    code = "unsupported-data"


class KeyViolation(InputError):
    """The declared key does not identify rows."""

    code = "key-violation"


class InvalidName(InputError):
    """A name contains what names may not contain."""

    code = "invalid-name"


class UnknownName(InputError):
    """A name refers to nothing; the message lists close matches."""

    code = "unknown-name"


class AmbiguousName(InputError):
    """A name has several readings; the message lists them."""

    code = "ambiguous-name"


class InvalidSetting(InputError):
    """A setting has a value that cannot be read; the message names the place it comes from."""

    code = "invalid-setting"


class UsageProblem(InputError):
    """Arguments do not fit together."""

    code = "usage"


class OutsideCell(InputError):
    """It can only be done by code of a cell that is tracked."""

    code = "outside-cell"


class ConflictError(LineageFlowError):
    """The repository or the notebook holds something that the request would lose."""

    code = "conflict"


class RefMoved(ConflictError):
    """The branch holds a version of a dataset that this workspace has not seen."""

    code = "ref-moved"


class NameTaken(ConflictError):
    """The name is in use."""

    code = "name-taken"


class UncommittedChanges(ConflictError):
    """Live frames hold changes that the request would overwrite.

    ``statuses`` are the ones in question where they are known, as `DatasetStatus` values.
    """

    code = "uncommitted-changes"
    statuses: tuple[object, ...] = ()


class RepositoryError(LineageFlowError):
    """The repository cannot be opened or used."""

    code = "repository"


class NotARepository(RepositoryError):
    """No repository was found at the location."""

    code = "not-a-repository"


class NewerFormat(RepositoryError):
    """The repository was written by a later version of LineageFlow."""

    code = "newer-format"


class WrongCatalog(RepositoryError):
    """The objects belong to another catalog."""

    code = "wrong-catalog"


class UnsafeLocation(RepositoryError):
    """The file system does not keep the promises that commits rest on."""

    code = "unsafe-location"


class NotAvailable(RepositoryError):
    """This version of LineageFlow cannot do it."""

    code = "not-available"


class StorageError(LineageFlowError):
    """Bytes could not be written or read."""

    code = "storage"


class StorageFull(StorageError):
    """No space, quota or inode is left."""

    code = "storage-full"


class StorageDenied(StorageError):
    """The place cannot be written or read with the present permissions."""

    code = "storage-denied"


class ObjectMissing(StorageError):
    """The store holds no object of that name."""

    code = "object-missing"


class ObjectExists(StorageError):
    """A create-only name is taken by other bytes."""

    code = "object-exists"


class CatalogBusy(StorageError):
    """Another process kept the catalog locked for too long."""

    code = "catalog-busy"


class CorruptData(LineageFlowError):
    """Stored bytes fail their checksum or do not decode; wrong data is never returned."""

    code = "corrupt-data"
