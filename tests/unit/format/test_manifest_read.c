/* Manifests and lists of other writers: old and new versions, missing ids, other forms of one
 * thing, what is inherited. */
#include "test_manifest_fixture.h"

#include <math.h>

#include "base/arena.h"
#include "format/avro/avro.h"

/* ---- Avro files by hand: JSON has ' for " */

struct by_hand {
    struct tarn_avro_writer w;
    struct tarn_buf *b; /* where values go */
};

static struct tarn_str quoted(struct tarn_op *op, const char *json)
{
    struct tarn_str s = tarn_strdup(op, tarn_str_view(json));
    for (char *p = (char *)(uintptr_t)s.ptr; *p; p++)
        if (*p == '\'')
            *p = '"';
    return s;
}

static void hand_begin(struct tarn_op *op, struct by_hand *h, const char *schema,
                       const struct tarn_avro_meta *meta, size_t meta_count)
{
    struct tarn_avro_write options = {.schema = quoted(op, schema),
                                      .meta = meta,
                                      .meta_count = meta_count,
                                      .sync = "0123456789abcde"};
    ice_ok(op, tarn_avro_writer_init(&h->w, op, &options));
    h->b = &h->w.block;
}

static void hand_item(struct tarn_op *op, struct by_hand *h)
{
    ice_ok(op, tarn_avro_writer_item(&h->w, op));
}

static struct tarn_str hand_end(struct tarn_op *op, struct by_hand *h)
{
    struct tarn_str out;
    ice_ok(op, tarn_avro_writer_finish(&h->w, op, &out));
    tarn_avro_writer_release(&h->w);
    return out;
}

static void put_z(struct by_hand *h, const char *z)
{
    tarn_avro_put_bytes(h->b, tarn_str_view(z));
}
static void put_n(struct by_hand *h, int64_t v)
{
    tarn_avro_put_long(h->b, v);
}
/* A value of ["null", long] */
static void put_some(struct by_hand *h, int64_t v)
{
    put_n(h, 1);
    put_n(h, v);
}

static struct tarn_manifest_file entry_of_list(int32_t spec_id, int64_t sequence)
{
    return (struct tarn_manifest_file){.path = TARN_STR("m.avro"),
                                       .spec_id = spec_id,
                                       .sequence_number = sequence,
                                       .added_snapshot_id = 55,
                                       .added_files = -1,
                                       .existing_files = -1,
                                       .deleted_files = -1,
                                       .first_row_id = -1};
}

/* ---- version 1 */

#define PAIRS(name, k, v, type)                                                              \
    "{'name':'" name "','type':['null',{'type':'array','items':{'type':'record','name':'k" k \
    "_v" v "','fields':[{'name':'key','type':'int','field-id':" k                            \
    "},{'name':'value','type':'" type "','field-id':" v                                      \
    "}]},'logicalType':'map'}],'default':null,'field-id':"

static const char schema_v1[] =
    "{'type':'record','name':'manifest_entry','fields':["
    "{'name':'status','type':'int','field-id':0},"
    "{'name':'snapshot_id','type':['null','long'],'default':null,'field-id':1},"
    "{'name':'data_file','type':{'type':'record','name':'r2','fields':["
    "{'name':'file_path','type':'string','field-id':100},"
    "{'name':'file_format','type':'string','field-id':101},"
    "{'name':'partition','type':{'type':'record','name':'r102','fields':[]},'field-id':102},"
    "{'name':'record_count','type':'long','field-id':103},"
    "{'name':'file_size_in_bytes','type':'long','field-id':104},"
    "{'name':'block_size_in_bytes','type':'long','field-id':105},"
    "{'name':'file_ordinal','type':['null','int'],'field-id':106},"
    "{'name':'sort_columns','type':['null',{'type':'array','items':'int','element-id':112}],"
    "'field-id':107}," PAIRS("column_sizes", "117", "118", "long") "108}," PAIRS(
        "distinct_counts", "123", "124", "long") "111}," PAIRS("lower_bounds", "126", "127",
                                                               "bytes") "125}]},'field-id':2}]}";

static struct tarn_str manifest_v1(struct tarn_op *op)
{
    struct by_hand h;
    static const struct tarn_avro_meta meta[] = {{{"format-version", 14}, {"1", 1}}};
    hand_begin(op, &h, schema_v1, meta, 1);
    for (int64_t status = 0; status <= 2; status++) {
        put_n(&h, status);
        put_n(&h, status == 1 ? 0 : 1); /* the added one inherits its snapshot */
        if (status != 1)
            put_n(&h, 44);
        put_z(&h, "hdfs://old/f.parquet");
        put_z(&h, "parquet");
        put_n(&h, 7 + status);
        put_n(&h, 4096);
        put_n(&h, 67108864);
        put_some(&h, 3);
        put_n(&h, 1); /* sort_columns: [1, 2] */
        tarn_avro_put_items_begin(h.b, 2);
        put_n(&h, 1);
        put_n(&h, 2);
        tarn_avro_put_items_end(h.b, 2);
        put_n(&h, 1); /* column_sizes, not in the order of ids */
        tarn_avro_put_items_begin(h.b, 2);
        put_n(&h, 9);
        put_n(&h, 90);
        put_n(&h, 2);
        put_n(&h, 20);
        tarn_avro_put_items_end(h.b, 2);
        put_n(&h, 1); /* distinct_counts */
        tarn_avro_put_items_begin(h.b, 1);
        put_n(&h, 1);
        put_n(&h, 5);
        tarn_avro_put_items_end(h.b, 1);
        put_n(&h, 1); /* lower_bounds */
        tarn_avro_put_items_begin(h.b, 1);
        put_n(&h, 1);
        put_z(&h, "low");
        tarn_avro_put_items_end(h.b, 1);
        hand_item(op, &h);
    }
    return hand_end(op, &h);
}

static void version_1_is_read(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_manifest got;
    struct tarn_manifest_file f = entry_of_list(0, 0);
    ice_ok(op, tarn_manifest_parse(op, manifest_v1(op), m, &f, &got));
    assert_int_equal(got.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct tarn_manifest_entry *e = &got.entries[i];
        assert_int_equal(e->status, i);
        assert_true(e->sequence_number == 0 && e->file_sequence_number == 0);
        assert_true(e->snapshot_id == (i == TARN_ENTRY_ADDED ? 55 : 44));
        assert_int_equal(e->file.content, TARN_CONTENT_DATA);
        ice_text_is(e->file.path, "hdfs://old/f.parquet");
        ice_text_is(e->file.format, "PARQUET");
        assert_true(e->file.record_count == 7 + (int64_t)i && e->file.size_bytes == 4096);
        assert_int_equal(e->file.column_size_count, 2);
        assert_int_equal(e->file.column_sizes[0].id, 2);
        assert_true(e->file.column_sizes[0].count == 20 && e->file.column_sizes[1].count == 90);
        assert_int_equal(e->file.value_count_count, 0);
        assert_int_equal(e->file.lower_count, 1);
        ice_text_is(e->file.lower[0].bytes, "low");
        assert_int_equal(e->file.sort_order_id, -1);
        assert_true(e->file.first_row_id == -1 && e->file.content_offset == -1);
        assert_int_equal(e->file.split_offset_count, 0);
        assert_null(e->file.referenced_data_file.ptr);
    }
}

/* In an upgraded table: a manifest without sequence numbers, in a list that has them. */
static void missing_sequence_numbers_are_inherited(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_manifest got;
    struct tarn_manifest_file f = entry_of_list(0, 6);
    ice_ok(op, tarn_manifest_parse(op, manifest_v1(op), m, &f, &got));
    assert_true(got.entries[TARN_ENTRY_EXISTING].sequence_number == 0);
    assert_true(got.entries[TARN_ENTRY_ADDED].sequence_number == 6);
    assert_true(got.entries[TARN_ENTRY_ADDED].file_sequence_number == 6);
    assert_true(got.entries[TARN_ENTRY_DELETED].sequence_number == 0);
}

/* ---- version 3 */

static const char schema_v3[] =
    "{'type':'record','name':'manifest_entry','fields':["
    "{'name':'status','type':'int','field-id':0},"
    "{'name':'snapshot_id','type':['null','long'],'field-id':1},"
    "{'name':'sequence_number','type':['null','long'],'field-id':3},"
    "{'name':'file_sequence_number','type':['null','long'],'field-id':4},"
    "{'name':'data_file','type':{'type':'record','name':'r2','fields':["
    "{'name':'content','type':'int','field-id':134},"
    "{'name':'file_path','type':'string','field-id':100},"
    "{'name':'file_format','type':'string','field-id':101},"
    "{'name':'partition','type':{'type':'record','name':'r102','fields':[]},'field-id':102},"
    "{'name':'record_count','type':'long','field-id':103},"
    "{'name':'file_size_in_bytes','type':'long','field-id':104},"
    "{'name':'first_row_id','type':['null','long'],'field-id':142},"
    "{'name':'referenced_data_file','type':['null','string'],'field-id':143},"
    "{'name':'content_offset','type':['null','long'],'field-id':144},"
    "{'name':'content_size_in_bytes','type':['null','long'],'field-id':145}]},'field-id':2}]}";

struct entry_v3 {
    int64_t status, sequence, content, records, first_row_id, offset; /* -1 = null */
};

static struct tarn_str manifest_v3(struct tarn_op *op, const struct entry_v3 *e, size_t n)
{
    struct by_hand h;
    hand_begin(op, &h, schema_v3, NULL, 0);
    for (size_t i = 0; i < n; i++, e++) {
        put_n(&h, e->status);
        put_n(&h, 0);
        for (int k = 0; k < 2; k++) {
            put_n(&h, e->sequence < 0 ? 0 : 1);
            if (e->sequence >= 0)
                put_n(&h, e->sequence);
        }
        put_n(&h, e->content);
        put_z(&h, "s3://b/f.puffin");
        put_z(&h, e->content ? "puffin" : "PARQUET");
        put_n(&h, e->records);
        put_n(&h, 100);
        put_n(&h, e->first_row_id < 0 ? 0 : 1);
        if (e->first_row_id >= 0)
            put_n(&h, e->first_row_id);
        put_n(&h, e->offset < 0 ? 0 : 1);
        if (e->offset >= 0)
            put_z(&h, "s3://b/data.parquet");
        for (int k = 0; k < 2; k++) {
            put_n(&h, e->offset < 0 ? 0 : 1);
            if (e->offset >= 0)
                put_n(&h, e->offset + k);
        }
        hand_item(op, &h);
    }
    return hand_end(op, &h);
}

static void deletion_vectors_are_read(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    static const struct entry_v3 e[] = {{1, -1, 1, 3, -1, 4}, {0, 2, 2, 9, -1, -1}};
    struct tarn_manifest got;
    struct tarn_manifest_file f = entry_of_list(0, 8);
    f.deletes = true;
    f.first_row_id = 1000; /* delete manifests give no row ids, whatever the list says */
    ice_ok(op, tarn_manifest_parse(op, manifest_v3(op, e, 2), m, &f, &got));
    const struct tarn_data_file *d = &got.entries[0].file;
    assert_int_equal(d->content, TARN_CONTENT_POSITION_DELETES);
    ice_text_is(d->format, "PUFFIN");
    ice_text_is(d->referenced_data_file, "s3://b/data.parquet");
    assert_true(d->content_offset == 4 && d->content_size == 5 && d->record_count == 3);
    assert_true(d->first_row_id == -1);
    assert_true(got.entries[0].sequence_number == 8 && got.entries[1].sequence_number == 2);
    assert_true(got.entries[1].file.content_offset == -1);
    assert_null(got.entries[1].file.referenced_data_file.ptr);
}

/* Spec: first_row_id of the manifest plus the rows of the files before that had none; deleted
 * ones are left out. */
static void row_ids_are_inherited(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    static const struct entry_v3 e[] = {{1, -1, 0, 25, -1, -1},
                                        {0, 1, 0, 40, 7, -1},
                                        {2, 1, 0, 99, -1, -1},
                                        {0, 1, 0, 50, -1, -1},
                                        {1, -1, 0, 10, -1, -1}};
    static const int64_t ids[] = {1000, 7, -1, 1025, 1075};
    struct tarn_manifest got;
    struct tarn_manifest_file f = entry_of_list(0, 8);
    f.first_row_id = 1000;
    struct tarn_str bytes = manifest_v3(op, e, COUNT(e));
    ice_ok(op, tarn_manifest_parse(op, bytes, m, &f, &got));
    for (size_t i = 0; i < COUNT(e); i++)
        assert_true(got.entries[i].file.first_row_id == ids[i]);
    f.first_row_id = INT64_MAX - 20;
    ice_fails(op, tarn_manifest_parse(op, bytes, m, &f, &got), TARN_CORRUPT, "row ids overflow");
    f.first_row_id = -1;
    ice_ok(op, tarn_manifest_parse(op, bytes, m, &f, &got));
    assert_true(got.entries[0].file.first_row_id == -1);
}

static void broken_entries_are_refused(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    static const struct {
        struct entry_v3 e;
        const char *why;
    } bad[] = {
        {{0, -1, 0, 1, -1, -1}, "existing file without a sequence number"},
        {{3, 1, 0, 1, -1, -1}, "status"},
        {{-1, 1, 0, 1, -1, -1}, "status"},
        {{1, -1, 3, 1, -1, -1}, "content"},
        {{1, -1, 0, -1, -1, -1}, "negative"},
        {{1, -1, 1, 1, -1, -1}, "delete file in a manifest of data"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct tarn_manifest got;
        struct tarn_manifest_file f = entry_of_list(0, 8);
        ice_fails(op, tarn_manifest_parse(op, manifest_v3(op, &bad[i].e, 1), m, &f, &got),
                  TARN_CORRUPT, bad[i].why);
    }
    static const struct entry_v3 data = {1, -1, 0, 1, -1, -1};
    struct tarn_manifest got;
    struct tarn_manifest_file f = entry_of_list(0, 8);
    f.deletes = true;
    ice_fails(op, tarn_manifest_parse(op, manifest_v3(op, &data, 1), m, &f, &got), TARN_CORRUPT,
              "data file in a manifest of deletes");
    f = entry_of_list(0, 8);
    f.added_files = 2;
    f.existing_files = f.deleted_files = 0;
    ice_fails(op, tarn_manifest_parse(op, manifest_v3(op, &data, 1), m, &f, &got), TARN_CORRUPT,
              "1 added entries, and 2 by its list");
}

/* ---- other forms of one thing */

/* No ids at all; counts as real Avro maps; longs for ints; a partition by the name that Avro
 * took. */
static const char schema_names[] =
    "{'type':'record','name':'whatever','fields':["
    "{'name':'snapshot_id','type':'long'},"
    "{'name':'status','type':'long'},"
    "{'name':'more','type':{'type':'record','name':'x','fields':[{'name':'a','type':'double'},"
    "{'name':'b','type':'string'}]}},"
    "{'name':'data_file','type':['null',{'type':'record','name':'y','fields':["
    "{'name':'file_format','type':'string'},"
    "{'name':'column_sizes','type':{'type':'map','values':['null','int']}},"
    "{'name':'lower_bounds','type':['null',{'type':'map','values':'bytes'}]},"
    "{'name':'file_path','type':'string'},"
    "{'name':'partition','type':{'type':'record','name':'z','fields':["
    "{'name':'gr_xF6_xDFe','type':['int','null']}]}},"
    "{'name':'record_count','type':'int'},{'name':'nothing','type':'null'},"
    "{'name':'split_offsets','type':{'type':'array','items':['null','int']}},"
    "{'name':'sort_order_id','type':'null'},"
    "{'name':'file_size_in_bytes','type':'int'}]}]}]}";

static void fields_are_found_by_name(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_partition_field part = m->specs[1].fields[2]; /* c3, long */
    m->specs[1].fields = &part;
    m->specs[1].field_count = 1;
    struct by_hand h;
    hand_begin(op, &h, schema_names, NULL, 0);
    put_n(&h, 99);
    put_n(&h, 1);
    tarn_avro_put_double(h.b, 1);
    put_z(&h, "skipped");
    put_n(&h, 1);
    put_z(&h, "ORC");
    tarn_avro_put_items_begin(h.b, 3); /* column_sizes */
    put_z(&h, "12");
    put_some(&h, 120);
    put_z(&h, "3");
    put_some(&h, 30);
    put_z(&h, "4");
    put_n(&h, 0);
    tarn_avro_put_items_end(h.b, 3);
    put_n(&h, 1); /* lower_bounds */
    tarn_avro_put_items_begin(h.b, 1);
    put_z(&h, "3");
    put_z(&h, "abcd");
    tarn_avro_put_items_end(h.b, 1);
    put_z(&h, "f.orc");
    put_n(&h, 0);
    put_n(&h, -5);
    put_n(&h, 3);
    tarn_avro_put_items_begin(h.b, 1);
    put_some(&h, 4);
    tarn_avro_put_items_end(h.b, 1);
    put_n(&h, 1234);
    hand_item(op, &h);
    struct tarn_manifest got;
    struct tarn_manifest_file f = entry_of_list(1, 2);
    ice_ok(op, tarn_manifest_parse(op, hand_end(op, &h), m, &f, &got));
    const struct tarn_manifest_entry *e = &got.entries[0];
    assert_true(e->snapshot_id == 99 && e->sequence_number == 2);
    assert_int_equal(e->status, TARN_ENTRY_ADDED);
    ice_text_is(e->file.path, "f.orc");
    ice_text_is(e->file.format, "ORC");
    assert_int_equal(e->file.column_size_count, 2); /* a null count is none */
    assert_int_equal(e->file.column_sizes[0].id, 3);
    assert_true(e->file.column_sizes[1].count == 120);
    ice_text_is(e->file.lower[0].bytes, "abcd");
    assert_int_equal(e->file.partition_count, 1);
    assert_true(!e->file.partition[0].is_null && e->file.partition[0].i == -5);
    assert_true(e->file.split_offset_count == 1 && e->file.split_offsets[0] == 4);
    assert_true(e->file.record_count == 3 && e->file.size_bytes == 1234);
}

/* A manifest of one file whose only partition field, id 1000, has this Avro type. */
static enum tarn_status parse_partition(struct tarn_op *op, const char *column, const char *avro,
                                        struct tarn_str value, struct tarn_value *out)
{
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_partition_field part = {.source_id = 1,
                                        .field_id = 1000,
                                        .name = TARN_STR("p"),
                                        .transform = {.kind = TARN_TRANSFORM_IDENTITY}};
    m->schemas[0].root.fields[0].type = ice_type(op, column);
    m->specs[1] = (struct tarn_partition_spec){.spec_id = 1, .fields = &part, .field_count = 1};
    struct by_hand h;
    struct tarn_str schema =
        tarn_sprintf(op,
                     "{'type':'record','name':'manifest_entry','fields':["
                     "{'name':'status','type':'int','field-id':0},"
                     "{'name':'data_file','type':{'type':'record','name':'r2','fields':["
                     "{'name':'file_path','type':'string','field-id':100},"
                     "{'name':'file_format','type':'string','field-id':101},"
                     "{'name':'partition','type':{'type':'record','name':'r102','fields':["
                     "{'name':'renamed','type':%s,'field-id':1000}]},'field-id':102},"
                     "{'name':'record_count','type':'long','field-id':103},"
                     "{'name':'file_size_in_bytes','type':'long','field-id':104}]},'field-id':2}]}",
                     avro);
    hand_begin(op, &h, schema.ptr, NULL, 0);
    put_n(&h, 1);
    put_z(&h, "f.parquet");
    put_z(&h, "PARQUET");
    tarn_buf_str(h.b, value);
    put_n(&h, 1);
    put_n(&h, 1);
    hand_item(op, &h);
    struct tarn_manifest got = {0};
    struct tarn_manifest_file f = entry_of_list(1, 0);
    enum tarn_status status = tarn_manifest_parse(op, hand_end(op, &h), m, &f, &got);
    if (status == TARN_OK)
        *out = got.entries[0].file.partition[0];
    return status;
}

#define BYTES(s)         \
    {                    \
        s, sizeof(s) - 1 \
    }
#define FIXED(n) "{'type':'fixed','name':'x','size':" n "}"
static void partition_values_are_read_in_every_form(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *column, *avro;
        struct tarn_str value;
        const char *want; /* NULL: refused */
    } cases[] = {
        {"date", "'int'", BYTES("\x01"), "1969-12-31"}, /* plain int */
        {"date", "{'type':'int','logicalType':'date'}", BYTES("\x02"), "1970-01-02"},
        {"date", "'long'", BYTES("\x02"), "1970-01-02"},
        {"date", "'long'", BYTES("\x80\x80\x80\x80\x10"), NULL}, /* 2^31 */
        {"date", "'string'", BYTES("\x02x"), NULL},
        {"long", "'int'", BYTES("\x03"), "-2"}, /* promoted */
        {"int", "'long'", BYTES("\x03"), "-2"},
        {"timestamp", "'long'", BYTES("\x02"), "1970-01-01 00:00:00.000001"},
        {"timestamp", "{'type':'long','logicalType':'timestamp-millis'}", BYTES("\x02"),
         "1970-01-01 00:00:00.001"},
        {"timestamptz", "{'type':'long','logicalType':'timestamp-micros'}", BYTES("\x02"),
         "1970-01-01 00:00:00.000001+00"},
        {"timestamp", "{'type':'int','logicalType':'date'}", BYTES("\x02"), "1970-01-02 00:00:00"},
        {"timestamp", "{'type':'long','logicalType':'timestamp-nanos'}", BYTES("\x02"), NULL},
        {"timestamp", "{'type':'long','logicalType':'time-micros'}", BYTES("\x02"), NULL},
        {"timestamp", "{'type':'long','logicalType':'timestamp-millis'}",
         BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL}, /* overflows */
        {"time", "{'type':'int','logicalType':'time-millis'}", BYTES("\x02"), "00:00:00.001"},
        {"double", "'float'", BYTES("\0\0\xc0\x3f"), "1.5"},
        {"float", "'double'", BYTES("\0\0\0\0\0\0\xf8\x3f"), "1.5"},
        {"float", "'double'", BYTES("\x9a\x99\x99\x99\x99\x99\xb9\x3f"), NULL}, /* 0.1 */
        {"boolean", "'boolean'", BYTES("\1"), "true"},
        {"boolean", "'int'", BYTES("\2"), NULL},
        {"decimal(9, 2)", FIXED("4"), BYTES("\xff\xff\xff\xfe"), "-0.02"},
        {"decimal(18, 2)", FIXED("4"), BYTES("\0\0\1\0"), "2.56"}, /* promoted */
        {"decimal(9, 2)", FIXED("16"), BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0"), "2.56"},
        {"decimal(9, 2)", "'bytes'", BYTES("\2\x7f"), "1.27"},
        {"decimal(38, 0)", FIXED("17"), BYTES("\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
         "-1329227995784915872903807060280344576"},
        {"decimal(38, 0)", FIXED("17"), BYTES("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), NULL},
        {"decimal(38, 0)", FIXED("17"), BYTES("\0\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), NULL},
        {"decimal(9, 2)", "'bytes'", BYTES("\0"), NULL}, /* no digits */
        {"decimal(9, 2)", "{'type':'bytes','logicalType':'decimal','precision':9,'scale':3}",
         BYTES("\2\1"), NULL},
        {"uuid", FIXED("16"), BYTES("\0\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"),
         "00010203-0405-0607-0809-0a0b0c0d0e0f"},
        {"uuid", "{'type':'string','logicalType':'uuid'}",
         BYTES("\x48"
               "00010203-0405-0607-0809-0a0b0c0d0e0f"),
         "00010203-0405-0607-0809-0a0b0c0d0e0f"},
        {"uuid", "'string'", BYTES("\2x"), NULL},
        {"uuid", "'bytes'", BYTES("\2x"), NULL},
        {"fixed[2]", "'bytes'", BYTES("\4\1\2"), "0102"},
        {"fixed[2]", FIXED("3"), BYTES("\1\2\3"), NULL},
        {"binary", FIXED("2"), BYTES("\1\2"), "0102"},
        {"string", "'bytes'", BYTES("\4hi"), "hi"},
        {"string", "'string'", BYTES("\4\xff\xfe"), NULL}, /* no UTF-8 */
        {"string", "['null','string']", BYTES("\0"), "null"},
        {"string", "['string','null']", BYTES("\0\4hi"), "hi"},
        {"string", "['null','string']", BYTES("\4"), NULL}, /* no such branch */
        {"string", "['null','string','int']", BYTES("\0"), NULL},
        {"string", "'null'", BYTES(""), "null"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_arena_mark mark = tarn_arena_mark(op->arena);
        struct tarn_value v = {0};
        enum tarn_status status =
            parse_partition(op, cases[i].column, cases[i].avro, cases[i].value, &v);
        if ((status == TARN_OK) != (cases[i].want != NULL))
            fail_msg("case %zu: %s as %s: status %d, %s", i, cases[i].avro, cases[i].column,
                     (int)status, op->report.message);
        if (cases[i].want) {
            struct tarn_type t = ice_type(op, cases[i].column);
            struct tarn_value want = ice_value(op, &t, cases[i].want);
            if (!tarn_value_eq(&t, &v, &want))
                fail_msg("case %zu: %.*s instead of %s", i,
                         TARN_STR_ARG(tarn_value_text(op, &t, &v)), cases[i].want);
        } else {
            assert_int_equal(status, TARN_CORRUPT);
        }
        tarn_arena_rewind(op->arena, mark);
    }
}

/* The schema of a manifest where one part of it was replaced. */
static void schema_refused(struct tarn_op *op, const char *from, const char *to, const char *why)
{
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_str text = ice_replaced(op, tarn_str_view(schema_v3), from, to);
    struct by_hand h;
    struct tarn_manifest got;
    struct tarn_manifest_file f = entry_of_list(0, 8);
    hand_begin(op, &h, text.ptr, NULL, 0);
    ice_fails(op, tarn_manifest_parse(op, hand_end(op, &h), m, &f, &got), TARN_CORRUPT, why);
}

static void schemas_without_sense_are_refused(void **state)
{
    struct tarn_op *op = *state;
    schema_refused(op, "{'name':'status','type':'int','field-id':0},", "", "\"status\" is missing");
    schema_refused(op, "'name':'status','type':'int'", "'name':'status','type':'string'",
                   "\"status\" has a type");
    schema_refused(op, "'field-id':100}", "'field-id':101}", "stands twice");
}

/* The table has forgotten the spec: the manifest's header knows it. */
static void header_specs_are_a_fallback(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op), *without = metadata_new(op);
    struct tarn_manifest_entry e = entry_plain("f.parquet");
    e.file.partition = tuple_of(op, part_values);
    e.file.partition_count = PART_FIELDS;
    struct tarn_manifest_write in = write_of(m, 1, &e, 1);
    struct tarn_manifest_file f;
    struct tarn_manifest got;
    struct tarn_str bytes = manifest_of(op, &in, &f);
    without->spec_count = 1; /* spec 0 only */
    ice_ok(op, tarn_manifest_parse(op, bytes, without, &f, &got));
    assert_int_equal(got.entries[0].file.partition_count, PART_FIELDS);
    for (size_t i = 0; i < PART_FIELDS; i++) {
        struct tarn_type t = part_type(op, i);
        assert_true(tarn_value_eq(&t, &got.entries[0].file.partition[i], &e.file.partition[i]));
    }
    static const struct entry_v3 bare = {1, -1, 0, 1, -1, -1};
    f = entry_of_list(17, 8);
    ice_fails(op, tarn_manifest_parse(op, manifest_v3(op, &bare, 1), m, &f, &got), TARN_CORRUPT,
              "partition spec 17");
    f = entry_of_list(1, 8);
    ice_fails(op, tarn_manifest_parse(op, manifest_v3(op, &bare, 1), m, &f, &got), TARN_CORRUPT,
              "no partition field \"1st\"");
}

static void other_forms_are_named(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata *m = metadata_new(op);
    struct tarn_manifest got;
    struct tarn_manifest_list list;
    struct tarn_manifest_file f = entry_of_list(0, 8);
    ice_fails(op, tarn_manifest_parse(op, TARN_STR("AGS1..."), m, &f, &got), TARN_UNSUPPORTED,
              "encrypted");
    ice_fails(op, tarn_manifest_parse(op, TARN_STR("PAR1..."), m, &f, &got), TARN_UNSUPPORTED,
              "Parquet");
    ice_fails(op, tarn_manifest_parse(op, TARN_STR(""), m, &f, &got), TARN_CORRUPT, "m.avro");
    ice_fails(op, tarn_manifest_list_parse(op, TARN_STR("AGS1"), "l", &list), TARN_UNSUPPORTED,
              "encrypted");
    ice_fails(op, tarn_manifest_list_parse(op, TARN_STR("{}"), "l", &list), TARN_CORRUPT, "l");
}

/* ---- lists */

/* Version 1, before Java 1.4: other names, no ids, no counts of rows. */
static void old_lists_are_read(void **state)
{
    struct tarn_op *op = *state;
    struct by_hand h;
    struct tarn_manifest_list got;
    hand_begin(op, &h,
               "{'type':'record','name':'manifest_file','fields':["
               "{'name':'manifest_path','type':'string'},{'name':'manifest_length','type':'long'},"
               "{'name':'partition_spec_id','type':'int'},"
               "{'name':'added_snapshot_id','type':['null','long']},"
               "{'name':'added_data_files_count','type':['null','int']},"
               "{'name':'existing_data_files_count','type':['null','int']},"
               "{'name':'deleted_data_files_count','type':['null','int']},"
               "{'name':'partitions','type':['null',{'type':'array','items':{'type':'record',"
               "'name':'r508','fields':[{'name':'contains_null','type':'boolean'},"
               "{'name':'lower_bound','type':['null','bytes']},"
               "{'name':'upper_bound','type':['null','bytes']}]}}]}]}",
               NULL, 0);
    put_z(&h, "m1");
    put_n(&h, 100);
    put_n(&h, 3);
    put_some(&h, 42);
    put_some(&h, 1);
    put_some(&h, 2);
    put_n(&h, 0);
    put_n(&h, 1);
    tarn_avro_put_items_begin(h.b, 1);
    tarn_avro_put_boolean(h.b, false);
    put_n(&h, 1);
    put_z(&h, "a");
    put_n(&h, 0);
    tarn_avro_put_items_end(h.b, 1);
    hand_item(op, &h);
    ice_ok(op, tarn_manifest_list_parse(op, hand_end(op, &h), "l", &got));
    assert_int_equal(got.count, 1);
    const struct tarn_manifest_file *f = &got.files[0];
    ice_text_is(f->path, "m1");
    assert_true(f->length_bytes == 100 && f->spec_id == 3 && f->added_snapshot_id == 42);
    assert_false(f->deletes);
    assert_true(f->sequence_number == 0 && f->min_sequence_number == 0);
    assert_true(f->added_files == 1 && f->existing_files == 2 && f->deleted_files == -1);
    assert_true(f->added_rows == -1 && f->existing_rows == -1 && f->deleted_rows == -1);
    assert_true(f->first_row_id == -1);
    assert_int_equal(f->partition_count, 1);
    assert_int_equal(f->partitions[0].contains_nan, -1);
    ice_text_is(f->partitions[0].lower, "a");
    assert_null(f->partitions[0].upper.ptr);
}

static void broken_lists_are_refused(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *path;
        int64_t length, content, sequence;
        const char *why;
    } bad[] = {
        {"", 1, 0, 0, "path"},       {"m", -1, 0, 0, "negative"}, {"m", 1, 2, 0, "content"},
        {"m", 1, 0, -1, "negative"}, {"\xff", 1, 0, 0, "UTF-8"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct by_hand h;
        struct tarn_manifest_list got;
        hand_begin(op, &h,
                   "{'type':'record','name':'manifest_file','fields':["
                   "{'name':'a','type':'string','field-id':500},"
                   "{'name':'b','type':'long','field-id':501},"
                   "{'name':'c','type':'int','field-id':502},"
                   "{'name':'d','type':'long','field-id':503},"
                   "{'name':'e','type':'int','field-id':517},"
                   "{'name':'f','type':'long','field-id':515}]}",
                   NULL, 0);
        put_z(&h, bad[i].path);
        put_n(&h, bad[i].length);
        put_n(&h, 0);
        put_n(&h, 1);
        put_n(&h, bad[i].content);
        put_n(&h, bad[i].sequence);
        hand_item(op, &h);
        ice_fails(op, tarn_manifest_list_parse(op, hand_end(op, &h), "l", &got), TARN_CORRUPT,
                  bad[i].why);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, ice_setup, ice_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(version_1_is_read),
        TEST(missing_sequence_numbers_are_inherited),
        TEST(deletion_vectors_are_read),
        TEST(row_ids_are_inherited),
        TEST(broken_entries_are_refused),
        TEST(fields_are_found_by_name),
        TEST(partition_values_are_read_in_every_form),
        TEST(schemas_without_sense_are_refused),
        TEST(header_specs_are_a_fallback),
        TEST(other_forms_are_named),
        TEST(old_lists_are_read),
        TEST(broken_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
