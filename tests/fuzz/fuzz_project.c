/* room: project */
/* fuzz_project: tarn.yaml, .env, a model, a check query or a selector of any bytes: loading ends with a project or with a report that has a
 * message; places lie inside the file. The first byte picks which of them is fuzzed, the others are good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "project/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* name is relative to the project's folder */
static void put(const char *name, const void *data, size_t size)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    must(f && fwrite(data, 1, size, f) == size);
    must(fclose(f) == 0);
}

static void make_folder(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    must(mkdir(path, 0700) == 0);
}

static void leave(void)
{
    (void)!system("rm -r \"$TARN_FUZZ_FOLDER\"");
}

static void make_project(void)
{
    if (folder[0])
        return;
    strcpy(folder, "/tmp/tarn-fuzz-XXXXXX");
    must(mkdtemp(folder) && setenv("TARN_FUZZ_FOLDER", folder, 1) == 0 && atexit(leave) == 0);
    make_folder("models");
    make_folder("models/a");
    make_folder("checks");
}

static const char *const files[] = {"tarn.yaml", ".env", "models/a/m.sql", "checks/c.sql"};
static const char *const good[] = {"tarn: 1\nproject: p\nprofiles: {x: {warehouse: \"${W:-w}\", "
                                   "sources: {s: {kind: files, path: d}}}}\n"
                                   "ingest: [{from: s.x, to: raw.x, tags: t}]\n",
                                   "W=x\n", "select 1 from raw.x", "select 1 from a.m"};

/* No table is read: the engine's parser is not what is fuzzed. */
static enum tarn_status no_refs(void *ctx, struct tarn_op *op, struct tarn_sql_text text,
                                struct tarn_table_refs *out)
{
    (void)ctx;
    must(text.sql.len > 0 && text.line0 > 0);
    (void)op;
    *out = (struct tarn_table_refs){0};
    return TARN_OK;
}

static void select_nodes(struct tarn_op *op, const struct tarn_project *p, struct tarn_str selector)
{
    struct tarn_graph *g;
    struct tarn_selection s;
    must(tarn_graph_build(op, p, no_refs, NULL, &g) == TARN_OK);
    enum tarn_status spelled = tarn_selector_check(op, selector);
    enum tarn_status selected = tarn_graph_select(op, g, &selector, 1, NULL, 0, &s);
    must(selected == TARN_OK || selected == TARN_USAGE);
    must(spelled == TARN_OK || selected == TARN_USAGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const nothing[] = {NULL};
    struct tarn_project_options options = {.environment = nothing};
    struct tarn_project *p;
    struct tarn_op op;
    if (size == 0)
        return 0;
    size_t which = data[0] % 5;
    make_project();
    options.dir = tarn_str_view(folder);
    must(tarn_op_init(&op, 64 << 20, 64 << 20) == TARN_OK);
    for (size_t i = 0; i < 4; i++)
        if (i == which)
            put(files[i], data + 1, size - 1);
        else
            put(files[i], good[i], strlen(good[i]));
    enum tarn_status status = tarn_project_load(&op, &options, &p);
    must(status == TARN_OK || op.report.message[0]);
    must(status == TARN_OK || which < 4);
    if (status == TARN_OK)
        select_nodes(&op, p, which == 4 ? tarn_str_of(data + 1, size - 1) : TARN_STR("+a.m+"));
    tarn_op_release(&op);
    return 0;
}
