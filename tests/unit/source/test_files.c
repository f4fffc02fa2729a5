/* Listing and reading input files: globs, order, what is passed over, checksums, streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "base/hash.h"
#include "source/file_stream.h"
#include "source/source_int.h"

struct place {
    struct tarn_op op;
    char dir[64];
};

static int setup(void **state)
{
    static struct place p;
    p = (struct place){.dir = "/tmp/tarn_files_XXXXXX"};
    assert_int_equal(tarn_op_init(&p.op, 0, 0), TARN_OK);
    assert_non_null(mkdtemp(p.dir));
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
    assert_int_equal(system(command), 0);
    tarn_op_release(&p->op);
    return 0;
}

static void put(struct place *p, const char *name, const char *bytes, size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", p->dir, name);
    for (char *slash = path + strlen(p->dir) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(path, 0777);
        *slash = '/';
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static struct tarn_input_files list(struct place *p, const char *glob)
{
    struct tarn_input_files files;
    struct tarn_str g = tarn_str_view(glob);
    if (tarn_files_list(&p->op, tarn_str_view(p->dir), &g, 1, &files) != TARN_OK)
        fail_msg("%s", p->op.report.message);
    return files;
}

static void globs(void **state)
{
    static const struct {
        const char *glob, *path;
        bool match;
    } cases[] = {
        {"*.json", "a.json", true},
        {"*.json", "a/b.json", false},
        {"*", "x", true},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"a/*.csv", "a/b.csv", true},
        {"**", "a/b/c", true},
        {"**/x", "x", true},
        {"**/x", "a/b/x", true},
        {"**/x", "a/b/y", false},
        {"a/**", "a/b/c", true},
        {"a/**", "b/c", false},
        {"a/**/z.*", "a/z.q", true},
        {"a/**/z.*", "a/b/c/z.q", true},
        {"[a-c]x", "bx", true},
        {"[!a-c]x", "bx", false},
        {"[!a-c]x", "dx", true},
        {"[]]x", "]x", true},
        {"*.{json,ndjson}", "a.ndjson", true},
        {"{a*,b}.x", "abc.x", true},
        {"{a*,b}.x", "bc.x", false},
        {"x{,y}z", "xz", true},
        {"x{,y}z", "xyz", true},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "aXbYbZ", false},
        {"orders_*_{1,2}[0-9].json", "orders_x_25.json", true},
        {"", "", false},
    };
    (void)state;
    for (size_t i = 0; i + 1 < sizeof cases / sizeof *cases; i++)
        if (tarn__glob_match(tarn_str_view(cases[i].glob), tarn_str_view(cases[i].path)) !=
            cases[i].match)
            fail_msg("%s against %s", cases[i].glob, cases[i].path);
    assert_true(tarn__glob_may_enter(TARN_STR("a/b/*.x"), TARN_STR("a")));
    assert_true(tarn__glob_may_enter(TARN_STR("a/b/*.x"), TARN_STR("a/b")));
    assert_false(tarn__glob_may_enter(TARN_STR("a/b/*.x"), TARN_STR("b")));
    assert_false(tarn__glob_may_enter(TARN_STR("*.x"), TARN_STR("a")));
    assert_true(tarn__glob_may_enter(TARN_STR("**/x"), TARN_STR("a/b/c")));
}

static void bad_globs(void **state)
{
    static const char *const bad[] = {
        "",    "/abs", "../x",    "a/../b",
        "a[b", "a{b",  "{a/b,c}", "{1,2,3,4,5,6,7,8,9}{1,2,3,4,5,6,7,8,9}{1,2,3,4,5}"};
    struct place *p = *state;
    struct tarn_input_files files;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tarn_str g = tarn_str_view(bad[i]);
        assert_int_equal(tarn_files_list(&p->op, tarn_str_view(p->dir), &g, 1, &files),
                         TARN_CONFIG);
    }
}

static void lists_by_name(void **state)
{
    struct place *p = *state;
    put(p, "b.json", "12", 2);
    put(p, "a/z.json", "123", 3);
    put(p, "a/b/y.json", "", 0);
    put(p, ".hidden.json", "1", 1);
    put(p, ".git/c.json", "1", 1);
    put(p, "x.json.tmp", "1", 1);
    put(p, "x.json.part", "1", 1);
    put(p, "c.csv", "1", 1);
    struct tarn_input_files files = list(p, "**/*.json");
    assert_int_equal(files.count, 3);
    assert_string_equal(files.items[0].name.ptr, "a/b/y.json");
    assert_string_equal(files.items[1].name.ptr, "a/z.json");
    assert_string_equal(files.items[2].name.ptr, "b.json");
    assert_int_equal(files.items[1].size_bytes, 3);
    assert_true(files.items[1].path.ptr[0] == '/');
    assert_true(files.items[1].modified_us > INT64_C(1600000000000000));
    assert_int_equal(list(p, "*.json").count, 1);
    assert_int_equal(list(p, "*.xml").count, 0);
    struct tarn_str both[2] = {TARN_STR("*.csv"), TARN_STR("{b,c}.*")};
    assert_int_equal(tarn_files_list(&p->op, tarn_str_view(p->dir), both, 2, &files), TARN_OK);
    assert_int_equal(files.count, 2);
}

static void folders_that_lead_back(void **state)
{
    struct place *p = *state;
    char link[128];
    put(p, "a/x.json", "1", 1);
    (void)snprintf(link, sizeof link, "%s/a/loop", p->dir);
    assert_int_equal(symlink("..", link), 0);
    (void)snprintf(link, sizeof link, "%s/nowhere.json", p->dir);
    assert_int_equal(symlink("missing", link), 0);
    (void)snprintf(link, sizeof link, "%s/alias.json", p->dir);
    assert_int_equal(symlink("a/x.json", link), 0);
    struct tarn_input_files files = list(p, "**/*.json");
    assert_int_equal(files.count, 2);
    assert_string_equal(files.items[1].name.ptr, "alias.json");
}

static void missing_folders(void **state)
{
    struct place *p = *state;
    struct tarn_input_files files;
    struct tarn_str glob = TARN_STR("*");
    put(p, "file", "1", 1);
    assert_int_equal(tarn_files_list(&p->op, TARN_STR("/nonexistent/folder"), &glob, 1, &files),
                     TARN_CONFIG);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/file", p->dir);
    assert_int_equal(tarn_files_list(&p->op, tarn_str_view(path), &glob, 1, &files), TARN_CONFIG);
    (void)snprintf(path, sizeof path, "%s/file/below", p->dir);
    assert_int_equal(tarn_files_list(&p->op, tarn_str_view(path), &glob, 1, &files), TARN_CONFIG);
    put(p, "\xFF.json", "1", 1);
    assert_int_equal(tarn_files_list(&p->op, tarn_str_view(p->dir), &glob, 1, &files),
                     TARN_UNSUPPORTED);
}

static void unreadable_files(void **state)
{
    struct place *p = *state;
    struct tarn_input_files files;
    struct tarn_str glob = TARN_STR("*");
    char path[128];
    if (geteuid() == 0) /* root may read everything */
        return;
    put(p, "secret", "1", 1);
    (void)snprintf(path, sizeof path, "%s/secret", p->dir);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(tarn_files_list(&p->op, tarn_str_view(p->dir), &glob, 1, &files), TARN_DENIED);
    assert_non_null(strstr(p->op.report.message, "secret"));
}

static void told_by_their_first_bytes(void **state)
{
    struct place *p = *state;
    put(p, "1.txt", "\x1F\x8B\x08", 3);
    put(p, "2.gz", "{}", 2);
    put(p, "3.x", "\x28\xB5\x2F\xFD", 4);
    put(p, "4.x", "\x28\xB5", 2);
    put(p, "5.x", "\x51\x2A\x4D\x18", 4);
    struct tarn_input_files files = list(p, "*");
    assert_int_equal(files.items[0].compression, TARN_COMPRESSION_GZIP);
    assert_int_equal(files.items[1].compression, TARN_COMPRESSION_NONE);
    assert_int_equal(files.items[2].compression, TARN_COMPRESSION_ZSTD);
    assert_int_equal(files.items[3].compression, TARN_COMPRESSION_NONE);
    assert_int_equal(files.items[4].compression, TARN_COMPRESSION_ZSTD);
}

static void checksums(void **state)
{
    struct place *p = *state;
    static char big[3000000];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 % 251);
    for (size_t n = 0; n < 70; n++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%02zu", n);
        put(p, name, big, n);
    }
    put(p, "big", big, sizeof big);
    for (int threads = 0; threads <= 3; threads += 3) {
        struct tarn_input_files files = list(p, "*");
        assert_int_equal(tarn_files_checksum(&p->op, &files, threads), TARN_OK);
        for (size_t i = 0; i < files.count; i++) {
            char expected[32];
            (void)snprintf(expected, sizeof expected, "xxh64:%016llx",
                           (unsigned long long)tarn_hash64(big, files.items[i].size_bytes, 0));
            assert_string_equal(files.items[i].checksum.ptr, expected);
        }
    }
    struct tarn_input_files none = {NULL, 0}, files = list(p, "big");
    assert_int_equal(tarn_files_checksum(&p->op, &none, 2), TARN_OK);
    put(p, "big", big, 10);
    assert_int_equal(tarn_files_checksum(&p->op, &files, 2), TARN_IO);
    assert_non_null(strstr(p->op.report.message, "big"));
}

/* All bytes of the stream, read `step` at a time. */
static enum tarn_status drain(struct place *p, const struct tarn_input_file *f, size_t step,
                              struct tarn_buf *out)
{
    struct tarn_file_stream *s;
    static char chunk[100000];
    size_t got = 1;
    tarn_buf_reset(out);
    TARN_TRY(tarn_file_stream_open(&p->op, f, 0, &s));
    enum tarn_status status = TARN_OK;
    while (status == TARN_OK && got > 0) {
        status = tarn_file_stream_read(s, &p->op, chunk, step, &got);
        tarn_buf_append(out, chunk, got);
    }
    tarn_file_stream_close(s);
    return status;
}

static void streams(void **state)
{
    struct place *p = *state;
    struct tarn_buf b, out;
    char path[128];
    tarn_buf_init(&b, (size_t)64 << 20);
    tarn_buf_init(&out, (size_t)128 << 20);
    for (int i = 0; b.len < ((size_t)34 << 20); i++) /* more than is kept from the check */
        tarn_buf_printf(&b, "%d %lld\n", i, i * 7919LL);
    put(p, "plain", b.ptr, b.len);
    (void)snprintf(path, sizeof path, "%s/zip", p->dir);
    gzFile gz = gzopen(path, "wb1");
    assert_int_equal(gzwrite(gz, b.ptr, (unsigned)b.len), b.len);
    assert_int_equal(gzclose(gz), Z_OK);
    size_t bound = ZSTD_compressBound(b.len);
    char *packed = malloc(bound * 2);
    size_t half = ZSTD_compress(packed, bound, b.ptr, b.len / 2, 1); /* two frames */
    size_t n = half + ZSTD_compress(packed + half, bound, b.ptr + b.len / 2, b.len - b.len / 2, 1);
    put(p, "zst", packed, n);
    struct tarn_input_files files = list(p, "*");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(drain(p, &files.items[i], 65536 + 17, &out), TARN_OK);
        assert_int_equal(out.len, b.len);
        assert_memory_equal(out.ptr, b.ptr, b.len);
    }
    /* any cut and any damage is refused before a byte is handed on */
    for (size_t cut = 1; cut < n; cut = cut * 3 + 1) {
        put(p, "zst", packed, n - cut);
        files = list(p, "zst");
        if (n - cut == half) /* a whole frame is a whole file */
            continue;
        assert_int_equal(drain(p, &files.items[0], 1000, &out),
                         files.items[0].compression == TARN_COMPRESSION_ZSTD ? TARN_CORRUPT
                                                                             : TARN_OK);
        if (files.items[0].compression == TARN_COMPRESSION_ZSTD)
            assert_int_equal(out.len, 0);
    }
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
    files = list(p, "zip");
    assert_int_equal(drain(p, &files.items[0], 1000, &out), TARN_CORRUPT);
    assert_non_null(strstr(p->op.report.message, "cut off"));
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, 5000, SEEK_SET), 0);
    assert_int_equal(fwrite("damage", 1, 6, f), 6);
    assert_int_equal(fclose(f), 0);
    files = list(p, "zip");
    assert_int_equal(drain(p, &files.items[0], 1000, &out), TARN_CORRUPT);
    free(packed);
    tarn_buf_release(&b);
    tarn_buf_release(&out);
}

static void streams_from_an_offset(void **state)
{
    struct place *p = *state;
    struct tarn_file_stream *s;
    char bytes[16];
    size_t got;
    put(p, "f", "0123456789", 10);
    struct tarn_input_files files = list(p, "f");
    assert_int_equal(tarn_file_stream_open(&p->op, &files.items[0], 7, &s), TARN_OK);
    assert_int_equal(tarn_file_stream_read(s, &p->op, bytes, 16, &got), TARN_OK);
    assert_int_equal(got, 3);
    assert_memory_equal(bytes, "789", 3);
    assert_int_equal(tarn_file_stream_read(s, &p->op, bytes, 16, &got), TARN_OK);
    assert_int_equal(got, 0);
    tarn_file_stream_close(s);
    assert_int_equal(tarn_file_unchanged(&p->op, &files.items[0]), TARN_OK);
    put(p, "f", "0123456789a", 11);
    assert_int_equal(tarn_file_unchanged(&p->op, &files.items[0]), TARN_IO);
    assert_int_equal(tarn_file_stream_open(&p->op, &files.items[0], 0, &s), TARN_IO);
    files.items[0].path = TARN_STR("/nonexistent/file");
    assert_int_equal(tarn_file_stream_open(&p->op, &files.items[0], 0, &s), TARN_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(globs),
        TEST(bad_globs),
        TEST(lists_by_name),
        TEST(folders_that_lead_back),
        TEST(missing_folders),
        TEST(unreadable_files),
        TEST(told_by_their_first_bytes),
        TEST(checksums),
        TEST(streams),
        TEST(streams_from_an_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
