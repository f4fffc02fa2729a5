/* test_init_look: streams of a folder and the texts made of them, also when memory runs out at any
 * allocation. What real runs make of them: tests/e2e/test_init_doctor.py. */
#include "fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "cli/init.h"

#define TRIES_MAX 20000

struct folder {
    char path[64];
};

static void put(const struct folder *f, const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", f->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make(struct folder *f)
{
    char path[128];
    (void)snprintf(f->path, sizeof f->path, "/tmp/tarn-init-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    (void)snprintf(path, sizeof path, "%s/names", f->path);
    assert_int_equal(mkdir(path, 0700), 0);
    put(f, "orders-1.json", "{\"id\": 1, \"amount\": 1.50}\n");
    put(f, "orders-2.json", "{\"id\": 2, \"lines\": [{\"price\": 0.25}]}\n");
    put(f, "twice.csv", "a,a\n1,2\n");
    put(f, "wrapped.json",
        "{\"data\": {\"rows\": [{\"_id\": {\"$oid\": \"507f1f77bcf86cd799439011\"}}]}}");
    put(f, "names/ada.csv", "a;b\n1;2\n");
    put(f, "names/ben.csv", "a;b\n1;2\n");
    put(f, "names/cy.csv", "a;b\n1;2\n");
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static void drop(const struct folder *f)
{
    assert_int_equal(nftw(f->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static enum tarn_status look(struct tarn_op *op, const struct folder *f,
                             struct tarn__init_found *found, struct tarn__init_plan *plan)
{
    *plan = (struct tarn__init_plan){.name = TARN_STR("p"), .folder = TARN_STR("/nowhere/p")};
    TARN_TRY(tarn__init_look(op, tarn_str_view(f->path), plan->folder, found));
    plan->found = found;
    return tarn__init_texts(op, plan);
}

static const struct tarn__init_column *column(const struct tarn__init_stream *s, const char *path)
{
    for (size_t i = 0; i < s->column_count; i++)
        if (tarn_str_is(s->columns[i].path, path))
            return &s->columns[i];
    return NULL;
}

static void check(const struct tarn__init_found *found, const struct tarn__init_plan *plan)
{
    assert_int_equal(found->count, 4);
    assert_int_equal(found->good, 3);
    const struct tarn__init_stream *s = found->streams;
    assert_str(s[0].name, "names");
    assert_int_equal(s[0].files.count, 3);
    assert_int_equal(s[0].sniff.delimiter, ';');
    assert_str(s[1].table, "raw.orders");
    assert_int_equal(s[1].files.count, 2);
    assert_str(column(&s[1], "amount")->suggest, "decimal(18,2)");
    assert_str(column(&s[1], "lines")->type, "list<struct>");
    assert_str(column(&s[1], "lines.element.price")->type, "double");
    assert_null(column(&s[1], "lines.element"));
    assert_str(s[2].name, "twice");
    assert_non_null(s[2].problem.ptr);
    assert_str(s[3].records, "data.rows");
    assert_true(s[3].records_sure);
    assert_int_equal(s[3].sniff.format, TARN_FILE_EJSON);
    assert_int_equal(s[3].column_count, 1);
    assert_int_equal(plan->count, 3);
    assert_str(plan->files[0].path, "tarn.yaml");
    assert_str(plan->files[1].path, "models/gold/names_count.sql");
    assert_non_null(strstr(plan->files[0].text.ptr, "left out: twice"));
}

static void finds_streams(void **state)
{
    struct folder f;
    struct tarn__init_found found;
    struct tarn__init_plan plan;
    make(&f);
    assert_int_equal(look(*state, &f, &found, &plan), TARN_OK);
    check(&found, &plan);
    drop(&f);
}

static void memory_runs_out(void **state)
{
    struct folder f;
    long n = 0;
    (void)state;
    make(&f);
    enum tarn_status status = TARN_NOMEM;
    while (status != TARN_OK && ++n < TRIES_MAX) {
        struct tarn_op op;
        struct tarn__init_found found;
        struct tarn__init_plan plan;
        assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
        tarn_alloc_fail_at(n);
        status = look(&op, &f, &found, &plan);
        tarn_alloc_fail_at(0);
        if (status == TARN_OK)
            check(&found, &plan); /* nothing was left out for want of memory */
        else
            assert_int_equal(status, TARN_NOMEM);
        tarn_op_release(&op);
    }
    assert_int_equal(status, TARN_OK);
    drop(&f);
}

static void refuses(void **state)
{
    struct folder f;
    struct tarn__init_found found;
    struct tarn__init_plan plan;
    make(&f);
    drop(&f);
    assert_int_equal(look(*state, &f, &found, &plan), TARN_NOT_FOUND);
    assert_int_equal(tarn__init_look(*state, TARN_STR("/dev/null"), TARN_STR("/nowhere"), &found),
                     TARN_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(finds_streams), T(memory_runs_out), T(refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
