"""Flink and tarn on the same tables, both ways: Flink reads what tarn's SQL makes, tarn reads and changes what Flink's upserts make, and Spark
reads after both."""

import pytest
from cells import cell
from flink_side import Flink, theirs
from harness import Lake, Project, small_project
from spark_side import attach, ours
from spark_side import theirs as sparks


@pytest.fixture(scope="module")
def engine():
    flink = Flink()
    yield flink
    flink.stop()


@pytest.fixture
def lake(tmp_path, engine):
    """(a warehouse with the namespace raw, Flink over it as the catalog `iceberg`)"""
    project = Lake(tmp_path)
    project.sql("create namespace raw")
    return project, engine.over(project.warehouse)


@pytest.fixture
def over(spark):
    """Spark over a warehouse, as the catalog `iceberg`."""
    manager = spark._jsparkSession.sessionState().catalogManager()

    def open(project):
        manager.reset()
        attach(spark, project.warehouse, "iceberg")
        return spark

    yield open
    manager.reset()


def same(project, flink, table="raw.t"):
    found = theirs(flink, table)
    assert found == ours(project, table)
    return len(found[1])


# ---------------------------------------------------------------------------------------------- they read ours


def test_tables_of_a_pipeline(engine, tmp_path):
    project = small_project(tmp_path / "p")
    project("run")
    project.write("data/items-2.json", '{"id": 3, "amount": 9}\n{"id": 1, "amount": 6}\n')
    project("run")
    flink = engine.over(project.warehouse)
    for table in ("raw.items", "curated.items"):
        assert same(project, flink, table) >= 3


EVERY_TYPE = """create table raw.t (b boolean, i int, l bigint, f float, d double, dec decimal(38,10), dt date, ts timestamp_ntz, tz timestamp, s string,
    u uuid, bin binary, st struct<a: int, b: array<string>>, li array<decimal(9,2)>, m map<string, bigint>, deep array<struct<x: array<int>>>)"""


@pytest.mark.parametrize("version", [2, 3])
def test_every_type(lake, version):
    project, flink = lake
    project.sql(
        f"{EVERY_TYPE} tblproperties ('format-version' = '{version}')",
        """insert into raw.t values (true, 2147483647, -9223372036854775808, 1.5, 0.1, 1234567890123456789012345678.0123456789, date '2024-02-29',
           timestamp '1969-12-31 23:59:59.999999', timestamptz '2024-02-29 12:34:56.789012+00', 'naïve 漢字', 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
           '\\x00\\xFF'::blob, {'a': 1, 'b': ['x', null]}, [1.00, null, -2.50], map {'k': 1, 'n': null}, [{'x': [1, null]}, null])""",
        """insert into raw.t (f, d, dt, s, bin, li, m) values ('infinity', '-infinity', '0001-01-01', '', ''::blob, [], map {})""",
        "insert into raw.t (i) values (null)",
    )
    names, rows = theirs(flink, "raw.t")
    ours_names, expected = ours(project, "raw.t")
    assert names == ours_names and len(rows) == 3
    uuid = names.index("u")  # Flink has them as 16 bytes
    assert [row[uuid] for row in rows] == [None, None, "95w+CWd8S72keT80nLeF5w=="]
    assert [row[:uuid] + row[uuid + 1 :] for row in rows] == [row[:uuid] + row[uuid + 1 :] for row in expected]


@cell("Flink", "variants", "reads")
@cell("Flink", "nanoseconds (`timestamp_ns`)", "reads")
@cell("Flink", "`unknown`", "refuses the table")
@cell("Flink", "`geometry`", "refuses the table")
@cell("Flink", "`time`", "reads, to the millisecond")
def test_types_of_version_3(lake):
    """Variants and nanoseconds are read; columns of `unknown` and `geometry` make a table unreadable; a time has no more than milliseconds."""
    project, flink = lake
    project.sql(
        "create table raw.t (id bigint, v variant, n timestamp_ns, t time) tblproperties ('format-version' = '3')",
        """insert into raw.t select 1, '{"b": 5, "a": {"z": 1}}'::json::variant, '2024-02-29 12:34:56.789012345', '12:34:56.789012'""",
        "create table raw.u (id bigint, u unknown) tblproperties ('format-version' = '3')",
        "create table raw.g (id bigint, g geometry) tblproperties ('format-version' = '3')",
    )
    assert flink.rows("select * from `raw`.t")[1] == [[1, '{"a":{"z":1},"b":5}', "2024-02-29T12:34:56.789012345", "12:34:56.789000"]]
    for table in ("u", "g"):
        with pytest.raises(Exception, match="null type is reserved|Cannot convert unknown type to Flink: geometry"):
            flink.rows(f"select * from `raw`.{table}")


@cell("Flink", "partition and schema evolution", "reads")
def test_partitions_and_evolution(lake):
    project, flink = lake
    project.sql(
        "create table raw.t (id int, name string, ts timestamp, s struct<a: int, b: string>, l array<struct<x: int>>, m map<string, int>) partitioned by (days(ts), truncate(2, name))",
        "insert into raw.t select 1, 'alpha', '2024-01-01 10:00', {'a': 1, 'b': 'x'}, [{'x': 1}], map {'k': 1}",
        "alter table raw.t alter column id type bigint",
        "alter table raw.t rename column s.a to aa",
        "alter table raw.t add column s.c date",
        "alter table raw.t rename column l.element.x to xx",
        "alter table raw.t add column first_one decimal(9,2) first",
        "alter table raw.t replace partition field days(ts) with hours(ts)",
        "alter table raw.t add partition field bucket(4, id)",
        "insert into raw.t select 2.50, 5000000000, 'beta', '2024-01-02 10:00', {'aa': 2, 'b': null, 'c': date '2025-01-01'}, [{'xx': 2}], map {'k': 5}",
        "alter table raw.t write ordered by id desc",
        "insert into raw.t select 4, i, 'n' || i, '1969-12-31 23:00', null, [], map {} from range(20) r(i)",
    )
    assert same(project, flink) == 22
    conditions = ["id = 5000000000", "name = 'alpha'", "ts < timestamp '1970-01-01 00:00:00'", "id < 7 and name <> 'n3'"]
    counts = " union all ".join(f"select {i} as i, count(*) as n from `raw`.t where {where}" for i, where in enumerate(conditions))
    found = sorted((str(i), str(n)) for i, n in flink.rows(counts)[1])
    assert found == project.rows(counts.replace("`", "") + " order by i")


MODES = ["copy-on-write", "merge-on-read"]


@cell("Flink", "tables of version 2", "reads, writes")
@cell("Flink", "tables of version 3", "reads, writes")
@cell("Flink", "position deletes of Tarn's", "reads")
@cell("Flink", "deletion vectors of Tarn's", "reads")
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("mode", MODES)
def test_rows_that_tarn_changes(lake, version, mode):
    project, flink = lake
    modes = ", ".join(f"'write.{what}.mode' = '{mode}'" for what in ("delete", "update", "merge"))
    project.sql(
        f"create table raw.t (id bigint, name string, amount decimal(18,2)) partitioned by (bucket(2, id)) tblproperties ('format-version' = '{version}', {modes})",
        "insert into raw.t select i, 'n' || (i % 7), i / 4 from range(60) r(i)",
        "delete from raw.t where id % 9 = 0",
        "update raw.t set amount = amount + 1, name = 'up' where id between 30 and 50",
        "merge into raw.t using (select i as id, 'm' || i as name, 0.25 as amount from range(50, 75) r(i)) s on t.id = s.id when matched and t.id % 2 = 0 then delete when matched then update set * when not matched then insert *",
    )
    assert same(project, flink) == 65
    flink.sql("insert into `raw`.t values (1000, 'flink', 1.25)")
    project.sql("delete from raw.t where id in (1, 1000)")
    assert same(project, flink) == 64


@cell("Flink", "equality deletes of Tarn's", "reads, adds its own")
@pytest.mark.parametrize("version", [2, 3])
def test_equality_deletes_of_tarn(lake, version):
    project, flink = lake
    project.sql(
        f"""create table raw.t (id bigint not null, s string, primary key (id)) tblproperties ('format-version' = '{version}',
            'tarn.write.delete-files' = 'equality', 'write.upsert.enabled' = 'true')""",
        "insert into raw.t select i, 'n' || i from range(10) r(i)",
        "delete from raw.t where id in (3, 4)",
        "update raw.t set s = 'tarn' where id = 5",
    )
    assert {row[0] for row in project.rows("select content from raw.t.delete_files")} == {"2"}
    assert same(project, flink) == 8
    flink.sql("insert into `raw`.t values (3, 'flink'), (5, 'flink'), (5, 'again')")
    assert same(project, flink) == 9
    project.sql("delete from raw.t where id = 5", "merge into raw.t using (select 3 as id, 'merged' as s) s on t.id = s.id when matched then update set *")
    assert same(project, flink) == 8
    assert project.one("select s from raw.t where id = 3") == "merged"


@cell("Flink", "row lineage", "does not show it; Tarn finds it kept")
def test_row_lineage(lake):
    project, flink = lake
    project.sql("create table raw.t (id bigint) tblproperties ('format-version' = '3')", "insert into raw.t select i from range(3) r(i)")
    flink.sql("insert into `raw`.t values (10), (11)")
    project.sql("insert into raw.t values (20)")
    assert project.rows("select id, _row_id, _last_updated_sequence_number from raw.t order by id") == [
        ("0", "0", "1"), ("1", "1", "1"), ("2", "2", "1"), ("10", "3", "2"), ("11", "4", "2"), ("20", "5", "3"),
    ]  # fmt: skip
    with pytest.raises(Exception, match="_row_id"):
        flink.rows("select _row_id from `raw`.t")


@cell("Flink", "defaults", "shows null")
def test_defaults(lake):
    """Rows that are older than a column show null in Flink where the column has a default; those that tarn writes hold it."""
    project, flink = lake
    project.sql(
        "create table raw.t (id bigint) tblproperties ('format-version' = '3')",
        "insert into raw.t values (1)",
        "alter table raw.t add column kind string default 'old'",
        "insert into raw.t (id) values (2)",
    )
    assert sorted(flink.rows("select id, kind from `raw`.t")[1]) == [[1, None], [2, "old"]]
    assert project.rows("select id, kind from raw.t order by id") == [("1", "old"), ("2", "old")]


@cell("Flink", "branches and tags", "reads, writes")
@cell("Flink", "views", "no")
def test_refs_history_and_metadata(lake):
    project, flink = lake
    project.sql(
        "create table raw.t (id bigint)", "insert into raw.t values (1)", "alter table raw.t create tag one", "alter table raw.t create branch audit",
        "insert into raw.t values (3)", "delete from raw.t where id = 1", "create view raw.v as select id from raw.t",
    )  # fmt: skip
    flink.sql("insert into `raw`.t /*+ options('branch' = 'audit') */ values (2)")
    assert project.rows("select id from raw.t.branch_audit order by id") == [("1",), ("2",)]
    first = project.one("select snapshot_id from raw.t.refs where name = 'one'")
    options = ["'tag' = 'one'", "'branch' = 'audit'", f"'snapshot-id' = '{first}'", "'branch' = 'main'"]
    query = " union all ".join(f"select {i}, id from `raw`.t /*+ options({option}) */" for i, option in enumerate(options))
    assert sorted(flink.rows(query)[1]) == [[0, 1], [1, 1], [1, 2], [2, 1], [3, 3]]
    columns = {"snapshots": "snapshot_id", "refs": "snapshot_id", "files": "record_count"}
    query = " union all ".join(f"select '{name}' as t, {column} as v from `raw`.`t${name}`" for name, column in columns.items())
    expected = project.rows(" union all ".join(f"select '{name}' as t, {column} as v from raw.t.{name}" for name, column in columns.items()))
    assert sorted((t, str(v)) for t, v in flink.rows(query)[1]) == sorted(expected)
    assert [row[0] for row in flink.rows("show tables from `raw`")[1]] == ["t"], "views of Iceberg are none of Flink's"


@cell("Flink", "several tables changed in one transaction", "sees them change together")
def test_a_transaction_is_one_version_for_them(lake):
    project, flink = lake
    project.sql("create table raw.t (id bigint)", "create table raw.u (id bigint)")
    project.sql("begin; insert into raw.t values (1), (2); delete from raw.t where id = 1; insert into raw.u select id from raw.t; commit")
    assert flink.rows("select 't', id from `raw`.t union all select 'u', id from `raw`.u")[1] == [["t", 2], ["u", 2]]


# ---------------------------------------------------------------------------------------------- we read and change theirs


def upserted(flink, version, more=""):
    """A table of upserts: keys that come twice in one commit and again in later ones, and a top list whose rows go again."""
    flink.sql(
        f"create table `raw`.t (id bigint, s string, primary key (id) not enforced) with ('format-version' = '{version}', 'write.upsert.enabled' = 'true'{more})",
        "insert into `raw`.t values (1, 'a'), (2, 'b'), (3, 'c'), (3, 'cc')",
        "insert into `raw`.t values (2, 'bb'), (4, 'd'), (4, 'dd'), (2, 'bbb')",
        """insert into `raw`.t select id, s from (select id, s, row_number() over (partition by g order by v desc) as n
           from (values (1, 10, 11, 'out'), (1, 11, 12, 'in'), (1, 3, 20, 'top'), (1, 12, 15, 'in')) as v(g, id, v, s)) as x where n <= 2""",
    )
    return [(1, "a"), (2, "bbb"), (3, "top"), (4, "dd"), (12, "in")]


def rows_of(project, columns="id, s"):
    return [(int(row[0]), *row[1:]) for row in project.rows(f"select {columns} from raw.t order by id")]


@cell("Flink", "equality deletes", "reads, writes")
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("mode", MODES)
def test_upserts(lake, over, version, mode):
    project, flink = lake
    expected = upserted(flink, version, "".join(f", 'write.{what}.mode' = '{mode}'" for what in ("delete", "update", "merge")))
    deletes = project.rows("select distinct content, file_format from raw.t.delete_files order by all")
    assert deletes == [("1", "PUFFIN" if version == 3 else "PARQUET"), ("2", "PARQUET")]
    assert rows_of(project) == expected
    assert same(project, flink) == 5
    project.sql("delete from raw.t where id = 2")
    assert rows_of(project) == [(1, "a"), (3, "top"), (4, "dd"), (12, "in")]
    project.sql("update raw.t set s = 'tarn' where id in (3, 4)")
    assert rows_of(project) == [(1, "a"), (3, "tarn"), (4, "tarn"), (12, "in")]
    project.sql(
        "merge into raw.t using (select * from (values (12, 'merged'), (20, 'new')) v(id, s)) s on t.id = s.id when matched then update set * when not matched then insert *"
    )
    assert rows_of(project) == [(1, "a"), (3, "tarn"), (4, "tarn"), (12, "merged"), (20, "new")]
    assert same(project, flink) == 5
    spark = over(project)
    assert sparks(spark, "iceberg.raw.t") == ours(project, "raw.t")
    flink.sql("insert into `raw`.t values (2, 'back'), (3, 'flink'), (20, 'flink'), (20, 'again')")
    assert rows_of(project) == [(1, "a"), (2, "back"), (3, "flink"), (4, "tarn"), (12, "merged"), (20, "again")]
    spark.sql("delete from iceberg.raw.t where id = 12")
    assert rows_of(project) == [(1, "a"), (2, "back"), (3, "flink"), (4, "tarn"), (20, "again")]
    assert sparks(spark, "iceberg.raw.t") == ours(project, "raw.t") == theirs(flink, "raw.t")


def test_upserts_in_partitions(lake):
    """The partition is a part of the key, as Flink demands; nulls and an evolved spec beside it."""
    project, flink = lake
    flink.sql(
        """create table `raw`.t (d date, id int, s string, primary key (d, id) not enforced) partitioned by (d)
           with ('format-version' = '2', 'write.upsert.enabled' = 'true')""",
        "insert into `raw`.t values (date '2024-01-01', 1, 'a'), (date '2024-01-02', 1, 'b')",
        "insert into `raw`.t values (date '2024-01-01', 1, 'aa'), (date '2024-01-03', 2, cast(null as string)), (date '2024-01-03', 2, 'c')",
    )
    assert project.rows("select d, id, s from raw.t order by d") == [("2024-01-01", "1", "aa"), ("2024-01-02", "1", "b"), ("2024-01-03", "2", "c")]
    project.sql("alter table raw.t add partition field bucket(2, id)", "update raw.t set s = 'tarn' where d = '2024-01-02'")
    assert same(project, flink) == 3
    project.sql("delete from raw.t where id = 1 and s = 'aa'", "insert into raw.t values ('2024-01-04', 9, 'i')")
    assert project.rows("select d, s from raw.t order by d") == [("2024-01-02", "tarn"), ("2024-01-03", "c"), ("2024-01-04", "i")]
    assert same(project, flink) == 3


def test_changelog_over_upserts(lake):
    project, flink = lake
    expected = upserted(flink, 2)
    flink.sql("insert into `raw`.t values (1, 'z'), (3, 'top')")
    call = "call system.create_changelog_view(table => 'raw.t', changelog_view => 'seen'{})"
    def told(more, columns):  # noqa: E306
        out = project("sql", "--format", "csv", "-f", "-", input=f"{call.format(more)}; select {columns} from seen order by all;").out.splitlines()
        return [tuple(line.split(",")) for line in out[out.index(columns.replace(" ", "")) + 1 :] if line]
    changes = told(", identifier_columns => array('id')", "_change_ordinal, id, s, _change_type")
    assert [c for c in changes if c[0] in ("0", "1")] == [
        ("0", "1", "a", "INSERT"), ("0", "2", "b", "INSERT"), ("0", "3", "cc", "INSERT"),
        ("1", "2", "b", "UPDATE_BEFORE"), ("1", "2", "bbb", "UPDATE_AFTER"), ("1", "4", "dd", "INSERT"),
    ]  # fmt: skip
    last = max(c[0] for c in changes)
    assert [c[1:] for c in changes if c[0] == last] == [("1", "a", "UPDATE_BEFORE"), ("1", "z", "UPDATE_AFTER")], "3 was written as it was"
    net = told(", net_changes => true", "id, s, _change_type")
    assert sorted(net) == sorted((str(id), "z" if id == 1 else s, "INSERT") for id, s in expected)


def test_many_checkpoints(lake):
    """One job, a commit for every checkpoint: a key is written again and again."""
    project, flink = lake
    flink.sql(
        "create table `raw`.t (id bigint, s bigint, primary key (id) not enforced) with ('format-version' = '2', 'write.upsert.enabled' = 'true')",
        """create temporary table default_catalog.default_database.ticks (n bigint) with ('connector' = 'datagen', 'rows-per-second' = '20',
           'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '79')""",
        "insert into `raw`.t select n - n / 7 * 7, n from default_catalog.default_database.ticks",
        "drop temporary table default_catalog.default_database.ticks",
    )
    assert int(project.one("select count(*) from raw.t.snapshots")) > 2
    assert rows_of(project) == [(i, str(max(n for n in range(80) if n % 7 == i))) for i in range(7)]
    project.sql("update raw.t set s = -s where id < 3", "delete from raw.t where id = 6")
    assert same(project, flink) == 6


def test_a_plain_table(lake):
    project, flink = lake
    flink.sql(
        """create table `raw`.t (id bigint, amount decimal(18,2), ts timestamp(6), seen timestamp_ltz(6), d date, b bytes, f float,
           r row<a int, b string>, l array<int>, m map<string, bigint>) partitioned by (d) with ('format-version' = '2')""",
        """insert into `raw`.t values (1, 1.25, timestamp '2024-02-29 12:34:56.789012', cast(timestamp '2024-02-29 12:34:56.789012' as timestamp_ltz(6)),
           date '2024-02-29', x'00ff', cast(1.5 as float), row(1, 'x'), array[1, 2], map['k', cast(1 as bigint)]),
           (2, cast(null as decimal(18,2)), cast(null as timestamp(6)), cast(null as timestamp_ltz(6)), cast(null as date), cast(null as bytes),
           cast(null as float), cast(null as row<a int, b string>), cast(null as array<int>), cast(null as map<string, bigint>))""",
    )
    assert same(project, flink) == 2
    project.sql("update raw.t set amount = 7.50 where id = 2", "alter table raw.t add column note string", "insert into raw.t (id, note) values (3, 'tarn')")
    assert same(project, flink) == 3
    flink.sql("insert into `raw`.t (id, note) values (4, 'flink')")
    flink.sql("insert overwrite `raw`.t partition (d = '2024-02-29') (id, note) values (5, 'overwritten')", batch=True)
    assert same(project, flink) == 4
    assert project.rows("select id, note from raw.t order by id") == [("2", None), ("3", "tarn"), ("4", "flink"), ("5", "overwritten")]


PROJECT = """\
tarn: 1
project: peer
profile: local
profiles:
  local:
    warehouse: ./warehouse
"""
MODEL = """\
/* tarn
kind: merge
key: [id]
replace_by: [g]
*/
select id, id % 2 as g, upper(s) as s from raw.t
"""


def test_a_pipeline_over_upserts(engine, tmp_path):
    """A raw table that Flink writes: models follow what it adds, changes and takes away."""
    project = Project(tmp_path)
    project.write("tarn.yaml", PROJECT)
    project.write("models/curated/latest.sql", MODEL)
    project.write("models/curated/total.sql", "select count(*) as n, max(s) as last from raw.t")
    project.warehouse.mkdir()
    project("sql", "create namespace raw")
    flink = engine.over(project.warehouse)
    flink.sql(
        "create table `raw`.t (id bigint, s string, primary key (id) not enforced) with ('format-version' = '2', 'write.upsert.enabled' = 'true')",
        "insert into `raw`.t values (1, 'a'), (2, 'b')",
    )
    project("run")
    assert project.rows("select id, s from curated.latest order by id") == [("1", "A"), ("2", "B")]
    flink.sql("insert into `raw`.t values (2, 'bb'), (3, 'c'), (3, 'cc')")
    project("run")
    assert project.rows("select id, s from curated.latest order by id") == [("1", "A"), ("2", "BB"), ("3", "CC")]
    assert project.rows("select n, last from curated.total") == [("3", "cc")]
    assert "up to date" in project("run").text
    project("sql", "delete from raw.t where id = 1")
    flink.sql("insert into `raw`.t values (5, 'e')")
    project("run")
    assert project.rows("select n, last from curated.total") == [("3", "e")]
    assert project.rows("select id, s from curated.latest order by id") == [("2", "BB"), ("3", "CC"), ("5", "E")]
    assert same(project, flink, "curated.latest") == 3
