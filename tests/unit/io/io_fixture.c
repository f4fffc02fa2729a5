#include "io_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct fixture *fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(tarn_op_init(&f->op, 0, 0), TARN_OK);
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(f->folder, sizeof f->folder, "%.40s/tarn-io-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->root, sizeof f->root, "%s/wh", f->folder);
    return f;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void fixture_free(struct fixture *f)
{
    tarn_storage_close(f->s);
    (void)nftw(f->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    tarn_op_release(&f->op);
    free(f);
}

struct tarn_str at(struct fixture *f, const char *rel)
{
    struct tarn_str path = tarn_sprintf(&f->op, "%s/%s", f->root, rel);
    assert_non_null(path.ptr);
    return path;
}

const char *file(struct fixture *f, const char *rel)
{
    struct tarn_str path = tarn_sprintf(&f->op, "%s/%s", f->folder, rel);
    assert_non_null(path.ptr);
    return path.ptr;
}

void scribble(struct fixture *f, const char *rel, const char *text)
{
    FILE *out = fopen(file(f, rel), "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
}

static const char *counted_prefix;
static int counted;

static int count_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    counted += strncmp(path + ftw->base, counted_prefix, strlen(counted_prefix)) == 0;
    return 0;
}

int count_entries(struct fixture *f, const char *prefix)
{
    counted_prefix = prefix;
    counted = 0;
    (void)nftw(f->folder, count_entry, 16, FTW_PHYS);
    return counted;
}
