from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from lineageflow_jupyter.errors import UnsafeLocation
from lineageflow_jupyter.store.location import check_location


class Mount(NamedTuple):
    mountpoint: str
    fstype: str


HUB = [
    Mount("/", "overlay"), Mount("/proc", "proc"), Mount("/dev/shm", "tmpfs"), Mount("/srv", "ext4"),
    Mount("/srv/home", "nfs4"), Mount("/srv/home/local", "xfs"), Mount("/srv/data set", "fuse.sshfs"),
    Mount("/srv/ntfs", "fuseblk"), Mount("/srv/crypt", "fuse.gocryptfs"), Mount("/srv/usb", "vfat"),
    Mount("/auto", "autofs"), Mount("/auto", "cifs"), Mount("/again", "nfs"), Mount("/again", "ext4"),
]  # fmt: skip
"""A Jupyter hub: homes on NFS, with a local disk mounted inside; `/auto` and `/again` are mounted twice."""

MAC = [
    Mount("/", "apfs"),
    Mount("/System/Volumes/Data", "apfs"),
    Mount("/Volumes/Share", "smbfs"),
    Mount("/net", "autofs"),
]


@pytest.mark.parametrize(
    "path",
    [
        "/work",
        "/srv",
        "/srv/homework",
        "/srv/home/local/me/project",
        "/srv/ntfs/x",
        "/srv/crypt",
        "/srv/usb/a",
        "/again/x",
        "/dev/shm",
    ],
)
def test_local_folders_are_fine(path: str) -> None:
    check_location(Path(path), mounts=HUB)


@pytest.mark.parametrize(
    ("path", "mountpoint", "kind"),
    [
        ("/srv/home", "/srv/home", "nfs4"),
        ("/srv/home/me/project", "/srv/home", "nfs4"),
        ("/srv/home/locally", "/srv/home", "nfs4"),
        ("/srv/x/../home/me", "/srv/home", "nfs4"),
        ("/srv/data set/a", "/srv/data set", "fuse.sshfs"),
        ("/auto/share", "/auto", "cifs"),
    ],
)
def test_network_folders_are_refused(path: str, mountpoint: str, kind: str) -> None:
    with pytest.raises(UnsafeLocation) as caught:
        check_location(Path(path), mounts=HUB)
    assert f"on {mountpoint}," in caught.value.problem
    assert f"({kind})" in caught.value.problem
    assert "local disk" in caught.value.remedy
    assert "PostgreSQL" in caught.value.remedy


@pytest.mark.parametrize(
    "kind",
    [
        "nfs", "NFS", "smb3", "9p", "afs", "lustre", "gpfs", "glusterfs", "ceph", "beegfs", "fuse.s3fs", "fuse.gcsfuse",
        "fuse.rclone", "fuse.juicefs", "webdav", "afpfs",
    ],
)  # fmt: skip
def test_kinds_of_network_file_systems(kind: str) -> None:
    with pytest.raises(UnsafeLocation):
        check_location(Path("/mnt/x"), mounts=[Mount("/", "ext4"), Mount("/mnt", kind)])


def test_macos() -> None:
    check_location(Path("/Users/me"), mounts=MAC)
    with pytest.raises(UnsafeLocation, match="smbfs"):
        check_location(Path("/Volumes/Share/project"), mounts=MAC)


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "project").symlink_to(tmp_path / "share")
    mounts = [Mount("/", "ext4"), Mount(os.path.realpath(tmp_path / "share"), "nfs")]
    with pytest.raises(UnsafeLocation):
        check_location(tmp_path / "project" / "new", mounts=mounts)


def test_unknown_mounts_are_no_reason_to_refuse() -> None:
    check_location(Path("/anywhere"), mounts=[])


def test_the_root_itself_may_be_remote() -> None:
    with pytest.raises(UnsafeLocation):
        check_location(Path("/work"), mounts=[Mount("/", "nfs")])


def test_this_machine(tmp_path: Path) -> None:
    check_location(tmp_path / "not" / "yet")
