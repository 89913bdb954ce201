"""Which file systems a repository may lie on. Whether SQLite works there is the catalog's to probe."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from lineageflow_jupyter.errors import UnsafeLocation

NETWORK_TYPES = frozenset({
    "nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "openafs", "afpfs", "webdav", "davfs",
    "davfs2", "ncpfs", "coda", "lustre", "gpfs", "mmfs", "gfs", "gfs2", "ocfs2", "glusterfs", "ceph", "beegfs",
    "beegfs_nodev", "pvfs2", "orangefs", "panfs", "moosefs", "juicefs", "wekafs", "vmhgfs",
})  # fmt: skip
"""Types of file systems that several machines write to, or that another machine serves."""

NETWORK_FUSE = frozenset({
    "sshfs", "s3fs", "gcsfuse", "goofys", "rclone", "glusterfs", "ceph", "ceph-fuse", "juicefs", "moosefs", "mfs",
    "davfs", "davfs2", "curlftpfs", "google-drive-ocamlfuse", "blobfuse", "blobfuse2", "dbfs", "alluxio", "seaweedfs",
    "onedriver", "beegfs", "smbnetfs", "nfs", "mount-s3", "mountpoint-s3", "vmhgfs-fuse", "quobyte", "hdfs", "afp",
})  # fmt: skip
"""What follows ``fuse.``; other FUSE file systems (ntfs-3g, encfs, overlays) are local."""


class Mount(Protocol):
    """What is asked of a mounted file system; `psutil.disk_partitions` gives such values."""

    @property
    def mountpoint(self) -> str:
        """Folder on which it is mounted."""
        ...

    @property
    def fstype(self) -> str:
        """Name of its type, as the operating system calls it."""
        ...


def check_location(path: Path, *, mounts: Iterable[Mount] | None = None) -> None:
    """Refuse a folder on a file system over which commits could be lost.

    Parameters
    ----------
    path : Path
        A folder, which need not exist yet.
    mounts : iterable of Mount, optional
        Mounted file systems in the order of mounting; by default those of this machine.

    Raises
    ------
    UnsafeLocation
        If a network file system holds the folder.
    """
    folder = os.path.realpath(path)
    best: Mount | None = None
    for mount in _mounts() if mounts is None else mounts:
        deeper = best is None or len(mount.mountpoint) >= len(best.mountpoint)  # equal: mounted over the earlier one
        if deeper and _holds(mount.mountpoint, folder):
            best = mount
    if best is not None and is_network(best.fstype):
        raise UnsafeLocation(
            f"{folder} lies on {best.mountpoint}, a network file system ({best.fstype}) on which commits could be lost",
            remedy="Choose a folder on a local disk; to share over a network takes a PostgreSQL catalog",
        )


def is_network(fstype: str) -> bool:
    """Whether a file system of this type is reached over a network (also: shared by machines)."""
    kind = fstype.lower()
    return kind in NETWORK_TYPES or (kind.startswith(("fuse.", "fuseblk.")) and kind.partition(".")[2] in NETWORK_FUSE)


def _holds(mountpoint: str, folder: str) -> bool:
    return folder == mountpoint or folder.startswith(mountpoint.rstrip("/") + "/")


def _mounts() -> Iterable[Mount]:
    import psutil

    try:
        return list(psutil.disk_partitions(all=True))
    except (OSError, psutil.Error):  # a sandbox that hides its mounts: nothing is known against the place
        return ()
