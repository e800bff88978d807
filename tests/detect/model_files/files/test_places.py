import io
import tarfile

import pytest
from bench.machinery.hostile.archives import zipped

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.files.places import Places, is_code
from detect.model_files.files.building import judged, tar_entry, tarred


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "C:/a", "..\\a", "a\\..\\..\\b", "./../a"])
def test_names_that_leave_the_folder_are_harmful(name: str) -> None:
    harm, _ = Places().part(name)
    assert harm
    assert judged(zipped((name, b"\x80\x04N."))).verdict is Verdict.UNSAFE
    assert judged(tarred(tar_entry(name, b"\x80\x04N."))).verdict is Verdict.UNSAFE


@pytest.mark.parametrize("name", ["a", "./a", "a/../b", "a..b/..c", "a/b/c", "..."])
def test_names_that_stay_are_not(name: str) -> None:
    assert Places().part(name) == (None, None)


def test_links_inside_an_archive_are_harmless_as_in_a_cache_of_models() -> None:
    places = Places()
    assert places.link("snapshots/1/model.bin", "../../blobs/0b9f") == (None, None)
    assert places.link("same", "blobs/0b9f", hard=True) == (None, None)


def test_links_that_lead_out_are_harmful_and_those_by_way_of_links_are_doubtful() -> None:
    assert Places().link("a", "/etc")[0]
    assert Places().link("a/b", "../../c")[0]
    assert Places().link("a/b", "../c", hard=True)[0]
    places = Places()
    assert places.link("here", ".") == (None, None)
    assert places.link("up", "here/..")[1]
    assert places.part("up/file")[1]


def test_ordinary_tar_files_with_links_stay_clean() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        link = tarfile.TarInfo("snapshots/1/weights")
        link.type, link.linkname = tarfile.SYMTYPE, "../../blobs/1"
        archive.addfile(link)
        blob = tarfile.TarInfo("blobs/1")
        blob.size = 4
        archive.addfile(blob, io.BytesIO(b"\x80\x04N."))
    assert judged(stream.getvalue()).verdict is Verdict.CLEAN


@pytest.mark.parametrize("name", ["a.py", "x/__main__.pyc", "lib.SO", "__main__", "site.pth"])
def test_programs_are_told_by_their_names(name: str) -> None:
    assert is_code(name)
    assert judged(zipped((name, b"{}"))).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("name", ["data.pkl", "a.json", "python", "version", "happy"])
def test_other_parts_are_no_programs(name: str) -> None:
    assert not is_code(name)
