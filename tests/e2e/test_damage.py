"""Files of a table that are damaged, cut or exchanged, by statements of a user: the rows are the same, or an error names the
file. What a metadata file, a list, a manifest or a deletion vector may suffer is swept in tests/unit/lake/test_corruption.c;
here it is Parquet files, of which the engine knows only what they say themselves."""

import os
import random

import pytest

from harness import Lake

QUERIES = ["select count(*), sum(id), sum(length(s)), min(id) from raw.t where id >= 10", "select * from raw.t order by id"]


def make(folder, version=2):
    lake = Lake(folder)
    lake("sql", f"create namespace raw; create table raw.t (id bigint, s string) tblproperties ('format-version' = '{version}')")
    lake("sql", "insert into raw.t select i, 'name ' || i from range(300) r(i)")
    lake("sql", "insert into raw.t select i, 'more ' || i from range(300, 400) r(i)")
    return lake


def files(lake, where="content = 0"):
    return [row[0] for row in lake.rows(f"select file_path from raw.t.files where {where} order by record_count")]


def told(lake, path, *words, sql=QUERIES[0]):
    result = lake("sql", sql, code=1)
    assert os.path.basename(path) in result.err and "error[T0130]" in result.err, result
    for word in words:
        assert word in result.err, result


def test_a_file_that_was_cut_or_grew(tmp_path):
    lake = make(tmp_path)
    path = files(lake)[0]
    whole = open(path, "rb").read()
    for bytes_, words in [(whole[:-1], "by its manifest"), (whole + b"x", "by its manifest"), (b"", "it has 0 bytes"), (whole[:-500], "bytes")]:
        open(path, "wb").write(bytes_)
        told(lake, path, words)
        told(lake, path, words, sql="delete from raw.t where id = 320")
    open(path, "wb").write(whole)
    assert lake.one("select count(*) from raw.t") == "400"


def test_another_file_in_its_place(tmp_path):
    lake = make(tmp_path)
    small, large = files(lake)
    other = open(small, "rb").read()
    assert len(other) < os.path.getsize(large)
    # of the very length: what lies before a footer may be anything
    footer = int.from_bytes(other[-8:-4], "little") + 8
    gap = os.path.getsize(large) - len(other)
    open(large, "wb").write(other[:-footer] + bytes(gap) + other[-footer:])
    told(lake, large, "it has 100 rows, and 300 by its manifest")
    told(lake, large, "it has 100 rows, and 300 by its manifest", sql="select count(*) from raw.t")


def test_position_deletes_that_lost_a_row(tmp_path):
    lake = make(tmp_path)
    lake("sql", "delete from raw.t where id in (1, 2, 350)")
    lake("sql", "delete from raw.t where id = 3")
    few, *_, many = files(lake, "content = 1")
    assert lake.one("select count(*) from raw.t") == "396"
    keep = open(many, "rb").read()
    open(many, "wb").write(open(few, "rb").read())
    told(lake, many, "has 1 rows, and 2 by its manifest")
    open(many, "wb").write(keep[:-100])
    told(lake, many)


def results(lake):
    found = [lake("sql", "--format", "csv", q, code=None) for q in QUERIES]
    return [(r.code, r.out) for r in found], found


@pytest.mark.parametrize("version", [2, 3])
def test_flipped_bits_in_footers(tmp_path, version):
    """No flip of a footer is a crash; what is told names the file."""
    lake = make(tmp_path, version)
    path = files(lake)[0]
    whole = open(path, "rb").read()
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    want, _ = results(lake)
    step, chance, same, named = (1 if os.environ.get("TARN_TEST_FULL") else 11), random.Random(1), 0, 0
    for at in range(start, len(whole), step):
        copy = bytearray(whole)
        copy[at] ^= 1 << chance.randrange(8)
        open(path, "wb").write(copy)
        got, said = results(lake)
        same += got == want
        for (code, _), result in zip(got, said):
            assert code in (0, 1), f"byte {at}\n{result}"
            named += code
            assert code == 0 or os.path.basename(path) in result.err, f"byte {at}\n{result}"
    assert same > 0 and named > 0
